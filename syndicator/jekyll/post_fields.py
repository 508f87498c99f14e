"""The fields of a post's front matter. An unusable value is a Problem, and the default applies."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from syndicator.jekyll import terms
from syndicator.jekyll.as_text import as_text, is_empty, label, language_tag, quoted
from syndicator.jekyll.authors import post_authors
from syndicator.jekyll.characters import printable
from syndicator.jekyll.defaults import merge
from syndicator.jekyll.document_paths import DocumentPath
from syndicator.jekyll.front_matter import SplitDocument
from syndicator.jekyll.head_template import MAX_ID
from syndicator.jekyll.permalinks import unknown_keys
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_title
from syndicator.model.content import Author, Problem
from syndicator.ruby.dates import parse_date
from syndicator.ruby.slugs import titleize
from syndicator.ruby.uris import is_absolute

T = TypeVar("T")

#: Categories, tags and authors of one post, each. Every one may be a feed of up to four files.
MAX_LABELS = 100

_PLURAL = {"category": "categories", "tag": "tags", "author": "authors"}


class PostFields:
    """The fields of one document. Problems are collected in `problems`."""

    def __init__(
        self,
        path: str,
        site: Site,
        location: DocumentPath,
        parts: SplitDocument,
        own_values: Mapping[str, Any],
    ) -> None:
        """`own_values` are the document's front matter, without the site's defaults."""
        self.problems: list[Problem] = []
        self._path = path
        self._site = site
        self._location = location
        self._parts = parts
        self._own_values = own_values
        self._defaults = site.defaults.values_of(location.relative, location.collection)
        #: The front matter with the site's defaults.
        self.front = merge(self._defaults, own_values) if self._defaults else dict(own_values)

    def problem(
        self,
        key: str | None,
        message: str,
        hint: str | None = None,
        *,
        line: int | None = None,
        fatal: bool = False,
    ) -> None:
        """Report a problem at the line of `key`, or else at `line`."""
        at = self._parts.line_of(key) if key else line
        self.problems.append(
            Problem(path=self._path, line=at, message=message, hint=hint, fatal=fatal)
        )

    def is_hidden(self) -> bool:
        """Whether the post is a draft or unpublished. "true" and "false" as text are reported."""
        published, draft = self.front.get("published", True), self.front.get("draft")
        if published is None:
            hint = "write true, or remove it"
            self.problem("published", "published is empty, which means false", hint)
        self._report_quoted_flags("published", "draft")
        return published is None or _is_flag(published, False) or _is_flag(draft, True)

    def is_listed(self) -> bool:
        """Whether feeds may have the post. "true" and "false" as text are reported.

        Released versions of jekyll-feed have no such key.
        https://github.com/jekyll/jekyll-feed/issues/127
        """
        self._report_quoted_flags("feed", "hidden", "exclude_from_feed")
        return not (
            _is_flag(self.front.get("feed"), False)
            or _is_flag(self.front.get("hidden"), True)
            or _is_flag(self.front.get("exclude_from_feed"), True)
        )

    def _report_quoted_flags(self, *keys: str) -> None:
        for key in keys:
            value = self.front.get(key)
            if isinstance(value, str) and value.strip().lower() in ("true", "false"):
                message = f"{key} is text, not true or false: {quoted(value)}"
                self.problem(key, message, "write it without quotes")

    def slug(self) -> str | None:
        """None: the front matter has no slug."""
        return self._text("slug", None)

    def categories(self) -> tuple[str, ...]:
        self._report_non_text("category", "categories")
        categories = terms.categories(self._location.folders, self._defaults, self._own_values)
        return self._limited("category", categories)

    def tags(self) -> tuple[str, ...]:
        self._report_non_text("tag", "tags")
        return self._limited("tag", terms.tags(self.front))

    def authors(self) -> tuple[Author, ...]:
        site, data = self._site, self._site.data.get("authors")
        known = data if isinstance(data, dict) else {}
        authors = post_authors(self.front, site.author, known, site.url, site.baseurl)
        if not authors and not is_empty(self.front.get("author")):
            self.problem("author", f"author has no name: {quoted(self.front['author'])}")
        return self._limited("author", authors)

    def report_long_labels(self, **labels: tuple[str, ...]) -> None:
        """Report labels that are too long for a feed of their own, by their kind of term."""
        for kind, names in labels.items():
            for name in names:
                if len(name) > terms.MAX_LABEL:
                    key = kind if kind in self._own_values else _PLURAL[kind]
                    self.problem(
                        key,
                        f"{kind} has {len(name):,} characters and gets no feed;"
                        f" the limit is {terms.MAX_LABEL}: {quoted(name)}",
                        "shorten it",
                    )

    def updated(self) -> datetime | None:
        for key in ("last_modified_at", "updated"):
            value = self.front.get(key)
            if is_empty(value):
                continue
            updated = parse_date(value, self._site.timezone)
            if updated is not None:
                return updated
            self.problem(key, f"{key} is not a date: {quoted(value)}")
        return None

    def title(self) -> str:
        value = self.front.get("title")
        if value is None or value is False:
            return self._title_from_slug()
        text = "" if isinstance(value, list | dict) else as_text(value)
        title = plain_title(text, self._site.kramdown)
        if not title:
            title = self._title_from_slug()
            message = f"title is not text: {quoted(value)}; {quoted(title)} is used instead"
            self.problem("title", message)
        elif not isinstance(value, str):
            self.problem("title", f"title is not text: {quoted(value)}", "put it in quotes")
        return title

    def _title_from_slug(self) -> str:
        return plain_title(titleize(self._location.slug), self._site.kramdown)

    def permalink_template(self) -> str:
        collection = self._site.collections.get(self._location.collection)
        default = collection.template if collection else self._site.permalink
        template = self._text("permalink", default)
        if "permalink" in self._own_values:
            for key in unknown_keys(template):
                self.problem("permalink", f"permalink has an unknown placeholder :{key}")
        return template

    def own_id(self) -> str | None:
        """The id that the front matter gives, a URI or not; None when it gives none."""
        for key in ("id", "guid"):
            value = self.front.get(key)
            if is_empty(value):
                continue
            own_id = label(value) if not isinstance(value, dict | list) else ""
            size = len(own_id.encode())
            if size > MAX_ID:
                message = f"{key} has {size:,} bytes; the limit is {MAX_ID:,}: {quoted(own_id)}"
                self.problem(key, message, "shorten it")
                continue
            if not isinstance(value, str):
                self.problem(key, f"{key} is not text: {quoted(value)}", "put it in quotes")
            elif not is_absolute(own_id):
                hint = "write it like tag:example.com,2026:my-post"
                self.problem(key, f"{key} is not a URI: {quoted(own_id)}", hint)
            if own_id:
                return own_id
        return None

    def language(self) -> str | None:
        value = self.front.get("lang")
        if is_empty(value):
            return None
        tag = language_tag(value)
        if tag is None:
            hint = "write it like en or en-GB"
            self.problem("lang", f"lang is not a language tag: {quoted(value)}", hint)
        return tag

    def other_language(self) -> str | None:
        """The language of a site with several that the post's page is in; None: the default."""
        languages = self._site.languages
        return languages.other_language(self.front, self._location.relative) if languages else None

    def _text(self, key: str, default: T) -> str | T:
        value = self.front.get(key)
        if value is None or value is False:
            return default
        if isinstance(value, dict | list | bool):
            self.problem(key, f"{key} is not text: {quoted(value)}")
            return default
        return printable(as_text(value))

    def _report_non_text(self, *keys: str) -> None:
        for key in keys:
            value = self.front.get(key)
            if value is not None and not isinstance(value, str) and terms.has_non_text(value):
                message = f"{key} has a value that is not text: {quoted(value)}"
                self.problem(key, message, "put it in quotes")

    def _limited(self, kind: str, labels: tuple[T, ...]) -> tuple[T, ...]:
        """At most MAX_LABELS of them."""
        if len(labels) > MAX_LABELS:
            key = _PLURAL[kind]
            message = f"the post has {len(labels):,} {key}; only the first {MAX_LABELS} are used"
            self.problem(key, message, f"remove some {key}")
        return labels[:MAX_LABELS]


def _is_flag(value: Any, expected: bool) -> bool:
    return value is expected or (
        isinstance(value, str) and value.strip().lower() == str(expected).lower()
    )
