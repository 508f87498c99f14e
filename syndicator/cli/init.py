"""`syndicator init`: inspects a site's folder and writes a config for it."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from syndicator.build.feed_names import feed_slug
from syndicator.cli.theme import find_theme
from syndicator.errors import ConfigError
from syndicator.jekyll.as_text import quoted
from syndicator.jekyll.characters import without_lone_surrogates
from syndicator.jekyll.site_config import read_site
from syndicator.model.report import count
from syndicator.ruby.uris import normalize
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles

_DEFAULT_FILE = Path("config/syndicator.toml")

#: What to do with a site in a git repository.
_CHECKOUT = "for a git repository, name a checkout, and then set source.git instead of source.path"

#: Posts of a site for which archives are proposed. They take some dozen kB for each post.
_MAX_ARCHIVED = 2000

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.I)


class DetectedSite(Struct, frozen=True, kw_only=True):
    """What the site's folder contains."""

    root: Path
    posts: int
    plain: bool  #: a folder of Markdown files that Jekyll does not process
    config: Mapping[str, Any]  #: `_config.yml`; empty if the site has none
    cname: str  #: the name in the site's `CNAME` as written; "": none
    domain: str | None  #: the host that it means, in ASCII; None: none
    #: Path of each of jekyll-feed's feeds, and our feed that replaces it.
    aliases: Mapping[str, str]
    theme: Path | None = None  #: the folder of its theme's gem; None: not found

    @property
    def archive(self) -> bool:
        """Whether its feeds should have archives: large ones take time and disk space."""
        return self.posts <= _MAX_ARCHIVED


def write_config(directory: Path, config: Path | None, environ: Mapping[str, str]) -> list[str]:
    """Write the config for the site in `directory`, and return the lines to print.

    Raises ConfigError if the folder does not exist or is only a part of a site, and if the config
    file exists: it is never overwritten.
    """
    file = config or Path(environ.get("SYNDICATOR_CONFIG") or _DEFAULT_FILE)
    if not os.path.isdir(directory):
        raise ConfigError(
            f"{directory}: not a directory",
            hint=f"name the folder that contains _posts/; {_CHECKOUT}",
        )
    if all((directory / name).exists() for name in ("HEAD", "objects", "refs")):
        raise ConfigError(f"{directory}: a git repository without its files", hint=_CHECKOUT)
    if directory.resolve().name == "_posts":  # without its site, its posts get other addresses
        hint = f"name the site's folder: {directory.resolve().parent}"
        raise ConfigError(f"{directory}: only the posts of a site", hint=hint)
    if os.path.lexists(file):
        raise ConfigError(
            f"{file}: already exists and is not overwritten",
            hint="edit it, remove it, or choose another path with --config",
        )
    site = detect_site(directory.resolve(), environ)
    text = render_config(site, file.resolve().parent)
    if without_lone_surrogates(text) != text:
        raise ConfigError(f"{directory}: its path is not UTF-8", hint="rename that folder")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise ConfigError(
            f"{file}: can't be written: {error.strerror}",
            hint="choose another path with --config",
        ) from None
    return list(_summary_lines(site, file))


def detect_site(root: Path, environ: Mapping[str, str] = MappingProxyType({})) -> DetectedSite:
    """Inspect a site's folder. Raises SourceError when it can't be read.

    `environ`: where gems may be installed.
    """
    files = FolderFiles(root)
    text = files.text("_config.yml")
    # Problems in `_config.yml` are ignored here: `check` reports them.
    site, _ = read_site(text, files, {})
    cname = ((files.text("CNAME") or "").split() or [""])[0]
    return DetectedSite(
        root=root,
        posts=len(SourceFolder(root, site.scope).scan().stat_hashes),
        plain="" in site.scope.roots,
        config=site.config if text else {},
        cname=cname,
        domain=_domain(cname),
        aliases=_jekyll_feed_aliases(site.config),
        theme=find_theme(site.config, root, environ),
    )


def _domain(cname: str) -> str | None:
    """The host that a `CNAME` means, also if it has a scheme, a path, or letters beyond ASCII.

    https://docs.github.com/en/pages/configuring-a-custom-domain-for-your-github-pages-site
    """
    host = cname.rpartition("://")[2].partition("/")[0]
    ascii_host = normalize(f"https://{host}/").removeprefix("https://").removesuffix("/")
    return ascii_host if _HOST.fullmatch(ascii_host) else None


def _jekyll_feed_aliases(config: Mapping[str, Any]) -> dict[str, str]:
    """jekyll-feed's feeds by path (jekyll-feed, lib/jekyll-feed/generator.rb `feed_path`)."""
    plugins = [*_strings(config.get("plugins")), *_strings(config.get("gems"))]
    if "jekyll-feed" not in plugins:
        return {}
    settings = config.get("feed")
    feed = settings if isinstance(settings, dict) else {}
    main = str(feed.get("path") or "feed.xml").lstrip("/")
    categories = _strings(feed.get("categories"))
    return {
        main: "all.atom",
        **{f"feed/{name}.xml": f"category/{feed_slug(name)}.atom" for name in categories},
    }


def _strings(value: object) -> list[str]:
    """The items of a YAML list, or the keys of a mapping; empty for anything else."""
    return [str(item) for item in value] if isinstance(value, list | dict) else []


def render_config(site: DetectedSite, folder: Path) -> str:
    """The text of a config file that is written to `folder`."""
    inside = folder.is_relative_to(site.root)
    # Jekyll skips folders whose names begin with "_", and publishes every other one.
    output, state = (
        ("_syndicator/feeds", "_syndicator/state.db") if inside else ("feeds", "var/syndicator.db")
    )
    base = site.root if inside else (folder.parent if folder.name == "config" else folder)

    def relative(path: Path) -> str:
        return Path(os.path.relpath(path, folder)).as_posix()

    template = Template(Path(__file__).with_name("syndicator.toml").read_text(encoding="utf-8"))
    return template.substitute(
        site="".join(_site_settings(site)),
        source=_quoted(relative(site.root)),
        archive="true" if site.archive else "false",
        theme=_quoted(relative(site.theme) if site.theme else ""),
        aliases="".join(
            f"{_quoted(path)} = {_quoted(feed)}\n" for path, feed in site.aliases.items()
        ),
        output=_quoted(relative(base / output)),
        state=_quoted(f"sqlite:///{relative(base / state)}"),
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _site_settings(site: DetectedSite) -> Iterator[str]:
    """Settings that a feed needs and `_config.yml` lacks."""
    if not site.config.get("url") and site.domain:
        yield f'url   = "https://{site.domain}/"   # as the site\'s CNAME names it\n'
    elif not site.config.get("url"):
        yield 'url   = "https://example.org/"   # change this to the site\'s address\n'
    if not (site.config.get("title") or site.config.get("name")):
        yield f"title = {_quoted(site.root.name)}\n"


def _summary_lines(site: DetectedSite, file: Path) -> Iterator[str]:
    """What was detected, and the next steps."""
    own_url = site.config.get("url")
    url = own_url or (site.domain and f"https://{site.domain}/")
    title = site.config.get("title") or site.config.get("name")
    yield f"Wrote {file}"
    yield f"  {count(site.posts, 'post')} in {site.root}"
    if title or own_url:
        yield f"  _config.yml: {title or 'no title'}, {own_url or 'no url'}"
    if not own_url and site.cname and not site.domain:
        yield f"  CNAME: {quoted(site.cname)} is not a domain name, such as blog.example.org"
    elif not own_url and site.domain and site.domain != site.cname.lower():
        yield f"  CNAME: {quoted(site.cname)} is read as {site.domain}; it should be only that"
    if url and not own_url:
        yield f"  CNAME: site.url is {url}; change it if the site has another address"
    if site.theme:
        yield f"  theme: {site.theme}"
    if not site.archive:
        yield "  feeds.archive is off: with it, syndicator doctor says what archives take on disk"
    for path, feed in site.aliases.items():
        yield f"  jekyll-feed's {path} is kept as an alias of {feed}"
    if not site.plain and file.resolve().is_relative_to(site.root):
        top = file.resolve().relative_to(site.root).parts[0]
        yield f"  add `{top}` to `exclude` in _config.yml, or Jekyll publishes it with the site"
    if not url:
        yield "The site has no address: set site.url, which every post's link starts with."
    yield "Before others subscribe, set feeds.url to the public address of the feeds."
    yield "Next: syndicator check, then syndicator run."
