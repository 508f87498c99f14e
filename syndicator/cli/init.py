"""`syndicator init`: looks at a site and writes the config for it."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from syndicator.build.feed_names import feed_slug
from syndicator.errors import ConfigError
from syndicator.jekyll.site import read_site
from syndicator.sources.folder import SourceFolder
from syndicator.sources.site_files import FolderFiles

_CONFIG = Path("config/syndicator.toml")


@dataclass(frozen=True, kw_only=True)
class DetectedSite:
    """What a look at a site's folder showed."""

    root: Path
    posts: int
    plain: bool  #: a folder of Markdown, which Jekyll has nothing to do with
    config: Mapping[str, Any]  #: `_config.yml`; empty when there is none
    aliases: Mapping[str, str]  #: where jekyll-feed has its feeds, and which of ours stands there


def write(directory: Path, config: Path | None, environ: Mapping[str, str]) -> list[str]:
    """Write the config for the site in a folder, and say what was found, in lines.

    Raises ConfigError when there is no such folder, it is no whole site, or the file is there already: it is never
    overwritten.
    """
    file = config or Path(environ.get("SYNDICATOR_CONFIG") or _CONFIG)
    if not os.path.isdir(directory):
        raise ConfigError(
            f"{directory}: is not a folder", hint="name the folder that holds _posts/"
        )
    if (
        directory.resolve().name == "_posts"
    ):  # taken by itself it would be a plain folder, with other addresses
        hint = f"name the folder that it stands in: {directory.resolve().parent}"
        raise ConfigError(f"{directory}: is a part of a site", hint=hint)
    if os.path.lexists(file):
        raise ConfigError(
            f"{file}: is there already, and is not overwritten",
            hint="edit it, remove it, or name another with --config",
        )
    found = look(directory.resolve())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text(found, file.resolve().parent))
    except OSError as error:
        raise ConfigError(
            f"{file}: can't be written: {error.strerror}", hint="name another with --config"
        ) from None
    return list(_told(found, file))


def look(root: Path) -> DetectedSite:
    """What stands in a site's folder. Raises SourceError when it can't be looked at."""
    files = FolderFiles(root)
    text = files.text("_config.yml")
    site, _ = read_site(
        text, files, {}
    )  # as far as it can be read; `check` will say what is wrong with it
    posts = len(SourceFolder(root, site.scope).scan().prints)
    plain = "" in site.scope.roots
    return DetectedSite(
        root=root,
        posts=posts,
        plain=plain,
        config=site.config if text else {},
        aliases=_aliases(site.config),
    )


def _aliases(config: Mapping[str, Any]) -> dict[str, str]:
    """The feeds that jekyll-feed makes, by path (jekyll-feed, lib/jekyll-feed/generator.rb `feed_path`)."""
    plugins = [*_listed(config.get("plugins")), *_listed(config.get("gems"))]
    if "jekyll-feed" not in plugins:
        return {}
    said = config.get("feed")
    feed = said if isinstance(said, dict) else {}
    main = str(feed.get("path") or "feed.xml").lstrip("/")
    categories = (name for name in _listed(feed.get("categories")) if feed_slug(name))
    return {
        main: "all.atom",
        **{f"feed/{name}.xml": f"category/{feed_slug(name)}.atom" for name in categories},
    }


def _listed(value: object) -> list[str]:
    """A YAML list's or table's words; none for anything else."""
    return [str(item) for item in value] if isinstance(value, list | dict) else []


def text(found: DetectedSite, folder: Path) -> str:
    """The config's text, for a file in `folder`."""
    inside = folder.is_relative_to(found.root)
    # Jekyll leaves folders alone whose names begin with "_"; anything else in the site it would publish.
    output, state = (
        ("_syndicator/feeds", "_syndicator/state.db") if inside else ("feeds", "var/syndicator.db")
    )
    below = found.root if inside else (folder.parent if folder.name == "config" else folder)

    def path(to: Path) -> str:
        return Path(os.path.relpath(to, folder)).as_posix()

    template = Template(Path(__file__).with_name("syndicator.toml").read_text(encoding="utf-8"))
    return template.substitute(
        site="".join(_site_lines(found)),
        source=_quoted(path(found.root)),
        aliases="".join(f"{_quoted(at)} = {_quoted(feed)}\n" for at, feed in found.aliases.items()),
        output=_quoted(path(below / output)),
        state=_quoted(f"sqlite:///{path(below / state)}"),
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _site_lines(found: DetectedSite) -> Iterator[str]:
    """What a feed needs and the site doesn't say itself."""
    said = found.config
    if not said.get("url"):
        yield 'url   = "https://example.org/"   # change this: where the pages are; posts link there\n'
    if not (said.get("title") or said.get("name")):
        yield f"title = {_quoted(found.root.name)}\n"


def _told(found: DetectedSite, file: Path) -> Iterator[str]:
    """What was found and what comes next, for the person who asked."""
    said = found.config
    title = said.get("title") or said.get("name")
    yield f"{file} is written."
    yield f"  {found.posts:,} post{'' if found.posts == 1 else 's'} in {found.root}"
    if title or said.get("url"):
        yield f"  _config.yml: {title or 'no title'}, {said.get('url') or 'no url'}"
    for at, feed in found.aliases.items():
        yield f"  jekyll-feed's {at} will also be there, the same as {feed}"
    if not found.plain and file.resolve().is_relative_to(found.root):
        top = file.resolve().relative_to(found.root).parts[0]
        yield f"  add `{top}` to `exclude` in _config.yml, or Jekyll publishes it with the site"
    if not said.get("url"):
        yield "The site doesn't say its address: set site.url, every post links there."
    yield "Before others read the feeds, set feeds.url to the address they will have."
    yield "Next: syndicator check, then syndicator run."
