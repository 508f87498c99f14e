"""A site as `_config.yml` describes it, for everyone who reads or renders its posts.

Defaults are Jekyll's (jekyll/lib/jekyll/configuration.rb) and jekyll-feed's (feed.xml, generator.rb).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from syndicator.jekyll.as_text import as_text, is_empty, label, language_tag, shown
from syndicator.jekyll.authors import read_authors
from syndicator.jekyll.data import read_data
from syndicator.jekyll.defaults import Defaults, read_defaults
from syndicator.jekyll.permalinks import template_for_collection, template_for_posts, unknown_keys
from syndicator.jekyll.safe_yaml import YamlLimitError, load_yaml
from syndicator.jekyll.titles import plain_title
from syndicator.kramdown.options import KramdownOptions
from syndicator.model.content import Problem, Scope, SiteInfo, fingerprint
from syndicator.model.lookups import SiteFiles
from syndicator.ruby.uris import is_absolute, join_address

CONFIG = "_config.yml"

_EXCLUDES = (
    *(".sass-cache", ".jekyll-cache", "gemfiles", "Gemfile", "Gemfile.lock", "node_modules"),
    *("vendor/bundle/", "vendor/cache/", "vendor/gems/", "vendor/ruby/"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A folder of documents beside `_posts`."""

    label: str
    folder: str  #: relative to the source
    template: str  #: of its documents' permalinks
    asked: bool  #: whether the site asks jekyll-feed for a feed of it; a document without a date is then a Problem


#: Later than any post: what a site that shows future posts selects by.
ALWAYS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a site says of itself."""

    info: SiteInfo
    url: str  #: scheme and host, as the config has it; "" when nobody said
    baseurl: str  #: "" or a path with a leading slash
    language: str | None
    timezone: tzinfo
    future: bool  #: whether posts appear before their time
    scope: Scope
    config: Mapping[str, Any]  #: the whole config, for Liquid's `site`
    data: Mapping[str, Any]  #: Liquid's `site.data`
    by: tuple[str, ...]  #: kinds of terms that the site's own feeds are made by
    excerpt_only: bool
    posts_limit: int | None  #: entries in a feed; None: the site doesn't say
    excerpt_separator: str  #: "" for no excerpts
    suffixes: tuple[str, ...]  #: of Markdown, as the config has them
    kramdown: KramdownOptions
    highlighter: (
        str | None
    )  #: "rouge", unless the config says another, like "none"; None: it says an empty one
    permalink: str  #: the template of posts
    collections: Mapping[
        str, Collection
    ]  #: by label, those whose documents have pages, without posts
    collections_dir: (
        str  #: the folder that `_posts` and the collections are below; "" is the source
    )
    author: Any  #: the site's, as the config has it
    defaults: Defaults = field(repr=False)
    digest: str  #: of everything that can change how a post is read or rendered

    def until(self, now: datetime) -> datetime:
        """The date of the newest posts that are shown."""
        return ALWAYS if self.future else now


def read_site(
    config: str | None, files: SiteFiles, overrides: Mapping[str, str]
) -> tuple[Site, tuple[Problem, ...]]:
    """The site, and what is wrong with its config and data.

    `config` is the text of `_config.yml`, None when there is none. `overrides` (url, title, description,
    language, author, timezone) win over it. A site without `_config.yml` and without any `_posts` folder is a
    plain folder of Markdown: `files.names("")` is asked, once, only when there is no `_config.yml`.
    """
    said, problems = _load_config(config)
    reader = _ConfigReader(said, config or "", overrides, problems)
    data, texts, data_problems = read_data(reader.text("data_dir") or "_data", files)
    plain = config is None and not any("/_posts/" in f"/{path}" for path in files.names(""))
    site = reader.site(data, texts, plain)
    return site, (*problems, *data_problems)


def _load_config(text: str | None) -> tuple[dict[str, Any], list[Problem]]:
    if text is None:
        return {}, []
    try:
        said = load_yaml(text)
    except (yaml.YAMLError, YamlLimitError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        message = f"the config can't be read: {getattr(error, 'problem', None) or error}"
        return {}, [
            Problem(path=CONFIG, line=mark.line + 1 if mark else None, message=message, fatal=True)
        ]
    if said is not None and not isinstance(said, dict):
        return {}, [
            Problem(path=CONFIG, line=1, message="the config is not keys and values", fatal=True)
        ]
    return {as_text(key): value for key, value in (said or {}).items()}, []


class _ConfigReader:
    """One config on its way to a Site. Problems are added to the list given."""

    def __init__(
        self,
        config: dict[str, Any],
        text: str,
        overrides: Mapping[str, str],
        problems: list[Problem],
    ) -> None:
        self.config = config
        self._text = text
        self._overrides = {key: value for key, value in overrides.items() if value}
        self._problems = problems
        feed = config.get("feed")
        self.feed: dict[str, Any] = feed if isinstance(feed, dict) else {}
        self.url = (self._overrides.get("url") or "").rstrip("/") or self.text("url")
        base = self.text("baseurl").removesuffix("/")
        self.baseurl = f"/{base}" if base and not base.startswith("/") else base

    def site(self, data: Mapping[str, Any], texts: Mapping[str, str], plain: bool) -> Site:
        config = self.config
        collections = self._collections()
        defaults, wrong = read_defaults(config.get("defaults"), self.text("collections_dir"))
        for message in wrong:
            self.problem("defaults", message)
        if not is_absolute(self.url):
            self.problem(
                "url",
                "the site's address is not known",
                "set url in _config.yml, or url in [site]",
                fatal=True,
            )
        limit = self.feed.get("posts_limit")
        permalink = self._permalink_of_posts()
        for key in unknown_keys(permalink):
            self.problem("permalink", f"permalink has no placeholder :{key}")
        separator = config.get("excerpt_separator", "\n\n")
        author = self._overrides.get("author") or config.get("author")
        said = config.get("highlighter", "rouge")
        highlighter = said if isinstance(said, str) else None
        options = config.get("kramdown")
        kramdown = KramdownOptions.from_config(
            options if isinstance(options, dict) else {}, highlighter
        )
        suffixes = self._suffixes()
        return Site(
            info=self._info(author, kramdown),
            url=self.url,
            baseurl=self.baseurl,
            language=self._language(),
            timezone=self._timezone(),
            future=config.get("future") is True,
            scope=self._scope(collections, suffixes, plain),
            config=config,
            data=data,
            by=self._by(),
            excerpt_only=self.feed.get("excerpt_only") is True,
            posts_limit=limit if isinstance(limit, int) and limit > 0 else None,
            excerpt_separator=as_text(separator),
            suffixes=suffixes,
            kramdown=kramdown,
            highlighter=highlighter,
            permalink=permalink,
            collections=collections,
            collections_dir=self.text("collections_dir").strip("/"),
            author=author,
            defaults=defaults,
            digest=self._digest(texts, plain),
        )

    def problem(
        self, key: str, message: str, hint: str | None = None, *, fatal: bool = False
    ) -> None:
        said = re.search(rf"^[\"']?{re.escape(key)}[\"']?[ \t]*:", self._text, re.MULTILINE)
        line = self._text.count("\n", 0, said.start()) + 1 if said else None
        self._problems.append(
            Problem(path=CONFIG, line=line, message=message, hint=hint, fatal=fatal)
        )

    def text(self, key: str) -> str:
        value = self.config.get(key)
        return "" if isinstance(value, dict | list | bool) else as_text(value).strip()

    def _info(self, author: Any, kramdown: KramdownOptions) -> SiteInfo:
        title = self._overrides.get("title") or self.text("title") or self.text("name")
        return SiteInfo(
            title=plain_title(title, kramdown) or self.url.partition("://")[2] or "Untitled",
            url=join_address(self.url, self.baseurl, "/"),
            description=label(self._overrides.get("description") or self.text("description")),
            language=self._language(report=False),
            authors=read_authors(author, {}, self.url, self.baseurl),
            logo=self._picture(self.feed.get("logo")) or self._picture(self.config.get("logo")),
            icon=self._picture(self.feed.get("icon")),
        )

    def _picture(self, said: Any) -> str | None:
        return (
            join_address(self.url, self.baseurl, said.strip())
            if isinstance(said, str) and said.strip()
            else None
        )

    def _language(self, *, report: bool = True) -> str | None:
        for said in (
            self._overrides.get("language"),
            self.config.get("lang"),
            self.config.get("locale"),
        ):
            if is_empty(said):
                continue
            tag = language_tag(said)
            if tag is None and report:
                self.problem(
                    "lang", f"lang is not a language: {shown(said)}", "write it like en or en-GB"
                )
            return tag
        return None

    def _timezone(self) -> tzinfo:
        name = self._overrides.get("timezone") or self.text("timezone")
        if not name or name in ("UTC", "Etc/UTC"):
            return UTC
        try:
            return ZoneInfo(name)
        except (
            KeyError,
            ValueError,
            OSError,
        ):  # no such zone, a path out of the zones' folder, or a folder
            hint = "write it like Europe/London; until then dates are read as UTC"
            self.problem("timezone", f"timezone is not known: {shown(name)}", hint)
            return UTC

    def _permalink_of_posts(self) -> str:
        """`collections: {posts: {permalink}}` wins over `permalink` (configuration.rb add_default_collections)."""
        collections = self.config.get("collections")
        posts = collections.get("posts") if isinstance(collections, dict) else None
        said = posts.get("permalink") if isinstance(posts, dict) else None
        return (
            said
            if isinstance(said, str) and said
            else template_for_posts(self.text("permalink") or "date")
        )

    def _collections(self) -> Mapping[str, Collection]:
        said = self.config.get("collections")
        asked = self.feed.get("collections")
        wanted = {as_text(name) for name in asked} if isinstance(asked, dict | list) else set()
        found: dict[str, Collection] = {}
        for name, facts in said.items() if isinstance(said, dict) else ():
            label_ = re.sub(r"[^A-Za-z0-9_.-]", "", as_text(name))
            if (
                label_ in ("", "posts", "data", "drafts")
                or not isinstance(facts, dict)
                or not facts.get("output")
            ):
                continue
            template = facts.get("permalink")
            found[label_] = Collection(
                label=label_,
                folder="/".join(
                    filter(None, (self.text("collections_dir").strip("/"), f"_{label_}"))
                ),
                template=as_text(template)
                if template
                else template_for_collection(self.text("permalink") or "date"),
                asked=label_ in wanted,
            )
        return found

    def _suffixes(self) -> tuple[str, ...]:
        words = (self.text("markdown_ext") or "markdown,mkdown,mkdn,mkd,md").split(",")
        return tuple(f".{word.strip()}" for word in words if word.strip())

    def _scope(
        self, collections: Mapping[str, Collection], suffixes: tuple[str, ...], plain: bool
    ) -> Scope:
        said, kept = self.config.get("exclude"), self.config.get("include")
        if said is not None and not isinstance(said, list):
            self.problem("exclude", "exclude is not a list")
        wanted = {as_text(one) for one in kept} if isinstance(kept, list) else set()
        excludes = [as_text(one) for one in said] if isinstance(said, list) else []
        destination = self.text("destination").removeprefix("./").strip("/")
        excludes += [
            *([f"{destination}/"] if destination and not destination.startswith("..") else []),
            *_EXCLUDES,
        ]
        return Scope(
            anywhere=frozenset() if plain else frozenset({"_posts"}),
            roots=("",) if plain else tuple(one.folder for one in collections.values()),
            exclude=tuple(dict.fromkeys(one for one in excludes if one and one not in wanted)),
            suffixes=(*suffixes, ".html", ".htm"),
        )

    def _by(self) -> tuple[str, ...]:
        asked = self.feed.get("collections")
        others = (
            {as_text(name) for name in asked} - {"posts"}
            if isinstance(asked, dict | list)
            else set()
        )
        return (
            "category",
            *(["tag"] if self.feed.get("tags") else []),
            *(["collection"] if others else []),
        )

    def _digest(self, texts: Mapping[str, str], plain: bool) -> str:
        return fingerprint(
            self.config, sorted(self._overrides.items()), sorted(texts.items()), plain
        )
