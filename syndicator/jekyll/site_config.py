"""Reads a site's settings from `_config.yml` and `_data`.

Defaults are Jekyll's (jekyll/lib/jekyll/configuration.rb) and jekyll-feed's (feed.xml,
generator.rb).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from syndicator.jekyll.as_text import as_text, is_empty, language_tag, quoted
from syndicator.jekyll.authors import read_authors
from syndicator.jekyll.data import read_data
from syndicator.jekyll.defaults import read_defaults
from syndicator.jekyll.permalinks import (
    PLACEHOLDER_HINT,
    template_for_collection,
    template_for_posts,
    unknown_keys,
)
from syndicator.jekyll.plugins import read_plugins
from syndicator.jekyll.safe_yaml import YamlLimitError, load_yaml
from syndicator.jekyll.shows import read_show
from syndicator.jekyll.site import Collection, Site
from syndicator.jekyll.tag_feeds import read_tag_feeds
from syndicator.jekyll.titles import plain_label, plain_title
from syndicator.jekyll.unusable import Unusable
from syndicator.kramdown.options import KramdownOptions
from syndicator.model.content import Problem, Scope, SiteInfo, fingerprint
from syndicator.model.lookups import SiteFiles
from syndicator.ruby.uris import is_absolute, join_address

CONFIG = "_config.yml"

_EXCLUDES = (
    *(".sass-cache", ".jekyll-cache", "gemfiles", "Gemfile", "Gemfile.lock", "node_modules"),
    *("vendor/bundle/", "vendor/cache/", "vendor/gems/", "vendor/ruby/"),
)


def read_site(
    config: str | None, files: SiteFiles, overrides: Mapping[str, str]
) -> tuple[Site, tuple[Problem, ...]]:
    """The site, and the problems of its config and data.

    `config` is the text of `_config.yml`; None: it is missing. `overrides` (url, title,
    description, language, author, timezone) win over it. A site without `_config.yml` and without
    any `_posts` folder is a plain folder of Markdown. `files.names("")` is called once, only
    without a `_config.yml`.
    """
    values, problems = _load_config(config)
    reader = _ConfigReader(values, config or "", overrides, problems)
    data, texts, data_problems = read_data(reader.text("data_dir") or "_data", files)
    plain = config is None and not any("/_posts/" in f"/{path}" for path in files.names(""))
    site = reader.site(data, texts, plain)
    return site, (*problems, *data_problems)


def _load_config(text: str | None) -> tuple[dict[str, Any], list[Problem]]:
    if text is None:
        return {}, []
    try:
        values = load_yaml(text)
    except (yaml.YAMLError, YamlLimitError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        message = f"the config can't be read: {getattr(error, 'problem', None) or error}"
        hint = "correct it there: without the config nothing is built"
        return {}, [Problem(path=CONFIG, line=line, message=message, hint=hint, fatal=True)]
    if values is not None and not isinstance(values, dict):
        message = "the config does not consist of keys and values"
        hint = "write keys and values, as in title: My site"
        return {}, [Problem(path=CONFIG, line=1, message=message, hint=hint, fatal=True)]
    return {as_text(key): value for key, value in (values or {}).items()}, []


class _ConfigReader:
    """Turns a config into a Site. Problems are added to the list given."""

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
        defaults, errors = read_defaults(config.get("defaults"), self.text("collections_dir"))
        for message in errors:
            self.problem("defaults", message, "write a list of scope and values")
        if not is_absolute(self.url):
            hint = "set url in _config.yml, or url in [site]"
            self.problem("url", "the site's address is not known", hint, fatal=True)
        limit = self.feed.get("posts_limit")
        permalink = self._permalink_of_posts()
        for key in unknown_keys(permalink):
            message = f"permalink has an unknown placeholder :{key}"
            self.problem("permalink", message, PLACEHOLDER_HINT)
        separator = config.get("excerpt_separator", "\n\n")
        author = self._overrides.get("author") or config.get("author")
        value = config.get("highlighter", "rouge")
        highlighter = value if isinstance(value, str) else None
        options = config.get("kramdown")
        options = options if isinstance(options, dict) else {}
        kramdown = KramdownOptions.from_config(options, highlighter)
        suffixes = self._suffixes()
        plugins, unusable = read_plugins(config)
        for one in (*unusable, *_not_text(config, self._overrides)):
            self.problem(**one._asdict())
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
            tag_feeds=read_tag_feeds(self.feed.get("tags")),
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
            plugins=plugins,
            defaults=defaults,
            digest=self._digest(texts, plain),
        )

    def problem(
        self, key: str, message: str, hint: str, *, fatal: bool = False, note: bool = False
    ) -> None:
        match = re.search(rf"^[\"']?{re.escape(key)}[\"']?[ \t]*:", self._text, re.MULTILINE)
        line = self._text.count("\n", 0, match.start()) + 1 if match else None
        self._problems.append(
            Problem(path=CONFIG, line=line, message=message, hint=hint, fatal=fatal, note=note)
        )

    def text(self, key: str) -> str:
        value = self.config.get(key)
        return "" if isinstance(value, dict | list | bool) else as_text(value).strip()

    def _info(self, author: Any, kramdown: KramdownOptions) -> SiteInfo:
        title = self._overrides.get("title") or self.text("title") or self.text("name")
        show, unusable = read_show(self.config.get("podcast"), self._picture)
        for one in unusable:
            self.problem(**one._asdict())
        return SiteInfo(
            title=plain_title(title, kramdown) or self.url.partition("://")[2] or "Untitled",
            url=join_address(self.url, self.baseurl, "/"),
            description=plain_label(self._overrides.get("description") or self.text("description")),
            language=self._language(report=False),
            authors=read_authors(author, {}, self.url, self.baseurl),
            logo=self._picture(self.feed.get("logo")) or self._picture(self.config.get("logo")),
            icon=self._picture(self.feed.get("icon")),
            show=show,
        )

    def _picture(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return None
        return join_address(self.url, self.baseurl, value.strip())

    def _language(self, *, report: bool = True) -> str | None:
        override, config = self._overrides.get("language"), self.config
        for value in (override, config.get("lang"), config.get("locale")):
            if is_empty(value):
                continue
            tag = language_tag(value)
            if tag is None and report:
                hint = "write it like en or en-GB"
                self.problem("lang", f"lang is not a language tag: {quoted(value)}", hint)
            return tag
        return None

    def _timezone(self) -> tzinfo:
        name = self._overrides.get("timezone") or self.text("timezone")
        if not name or name in ("UTC", "Etc/UTC"):
            return UTC
        try:
            return ZoneInfo(name)
        # In turn: no such zone, a path outside of the zones' folder, a folder.
        except (KeyError, ValueError, OSError):
            hint = "write it like Europe/London; until then dates are read as UTC"
            self.problem("timezone", f"timezone is not known: {quoted(name)}", hint)
            return UTC

    def _permalink_of_posts(self) -> str:
        """`collections.posts.permalink`, else `permalink`.

        See configuration.rb add_default_collections.
        """
        collections = self.config.get("collections")
        posts = collections.get("posts") if isinstance(collections, dict) else None
        own = posts.get("permalink") if isinstance(posts, dict) else None
        if isinstance(own, str) and own:
            return own
        return template_for_posts(self.text("permalink") or "date")

    def _collections(self) -> Mapping[str, Collection]:
        setting = self.config.get("collections")
        with_feed = self._collections_with_feed()
        default_template = template_for_collection(self.text("permalink") or "date")
        folder = self.text("collections_dir").strip("/")
        collections: dict[str, Collection] = {}
        for name, options in setting.items() if isinstance(setting, dict) else ():
            label_ = re.sub(r"[^A-Za-z0-9_.-]", "", as_text(name))
            if label_ in ("", "posts", "data", "drafts"):
                continue
            if not isinstance(options, dict) or not options.get("output"):
                continue
            template = options.get("permalink")
            collections[label_] = Collection(
                label=label_,
                folder=f"{folder}/_{label_}" if folder else f"_{label_}",
                template=as_text(template) if template else default_template,
                has_feed=label_ in with_feed,
            )
        return collections

    def _collections_with_feed(self) -> set[str]:
        names = self.feed.get("collections")
        return {as_text(name) for name in names} if isinstance(names, dict | list) else set()

    def _suffixes(self) -> tuple[str, ...]:
        """The config's `markdown_ext`, in lower case (converters/markdown.rb `extname_list`)."""
        names = (self.text("markdown_ext") or "markdown,mkdown,mkdn,mkd,md").lower().split(",")
        return tuple(f".{name.strip()}" for name in names if name.strip())

    def _scope(
        self, collections: Mapping[str, Collection], suffixes: tuple[str, ...], plain: bool
    ) -> Scope:
        exclude, include = self.config.get("exclude"), self.config.get("include")
        if exclude is not None and not isinstance(exclude, list):
            self.problem(
                "exclude", "exclude is not a list", "write it as in exclude: [drafts, x.md]"
            )
        included = _patterns(include)
        excluded = _patterns(exclude)
        destination = self.text("destination").removeprefix("./").strip("/")
        if destination and not destination.startswith(".."):
            excluded.append(f"{destination}/")
        excluded += _EXCLUDES
        return Scope(
            anywhere=frozenset() if plain else frozenset({"_posts"}),
            roots=("",) if plain else tuple(each.folder for each in collections.values()),
            exclude=tuple(dict.fromkeys(path for path in excluded if path not in included)),
            suffixes=(*suffixes, ".html", ".htm"),
        )

    def _by(self) -> tuple[str, ...]:
        kinds = ["category"]
        if self.feed.get("tags"):
            kinds.append("tag")
        if self._collections_with_feed() - {"posts"}:
            kinds.append("collection")
        return tuple(kinds)

    def _digest(self, texts: Mapping[str, str], plain: bool) -> str:
        return fingerprint(
            self.config, sorted(self._overrides.items()), sorted(texts.items()), plain
        )


def _not_text(config: Mapping[str, Any], overrides: Mapping[str, str]) -> Iterator[Unusable]:
    """Settings that should be text and are lists or mappings, unless `[site]` replaces them."""
    for key in ("title", "name", "description"):
        value = config.get(key)
        if isinstance(value, dict | list) and value and key not in overrides:
            hint = "write it as text, in quotes; until then it is ignored"
            yield Unusable(key, f"{key} is not text: {quoted(value)}", hint)


def _patterns(setting: Any) -> list[str]:
    """The paths and globs of `exclude` or `include`, relative to the source.

    A leading slash is the source too: Jekyll joins both (entry_filter.rb `glob_include?`).
    """
    texts = map(as_text, _list(setting))
    return [pattern for text in texts if (pattern := text.removeprefix("/"))]


def _list(setting: Any) -> list[Any]:
    return setting if isinstance(setting, list) else []
