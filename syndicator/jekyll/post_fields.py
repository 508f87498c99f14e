"""The fields of a post's front matter. An unusable value is a Problem, and the default applies."""

from datetime import datetime
from typing import Any, TypeVar

from syndicator.jekyll.as_text import as_text, is_empty, label, language_tag, quoted
from syndicator.jekyll.characters import printable
from syndicator.jekyll.document_paths import DocumentPath
from syndicator.jekyll.head_template import MAX_ID
from syndicator.jekyll.merged_front_matter import MergedFrontMatter
from syndicator.jekyll.permalinks import PLACEHOLDER_HINT, unknown_keys
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_title
from syndicator.ruby.dates import parse_date
from syndicator.ruby.slugs import titleize
from syndicator.ruby.uris import is_absolute

T = TypeVar("T")

_DATE_HINT = "write it like 2026-01-31 or 2026-01-31 18:00:00 +0100"


class PostFields:
    """The fields of one post, but its labels."""

    def __init__(self, front: MergedFrontMatter, site: Site, location: DocumentPath) -> None:
        self._front = front
        self._site = site
        self._location = location

    def is_hidden(self) -> bool:
        """Whether the post is a draft or unpublished. "true" and "false" as text are reported."""
        published = self._front.values.get("published", True)
        draft = self._front.values.get("draft")
        if published is None:
            hint = "write true, or remove it"
            self._front.problem("published", "published is empty, which means false", hint)
        self._report_quoted_flags("published", "draft")
        return published is None or _is_flag(published, False) or _is_flag(draft, True)

    def is_listed(self) -> bool:
        """Whether feeds may have the post. Released versions of jekyll-feed have no such key.

        A value that is unclear is reported, and keeps the post out: publishing can't be undone.
        """
        self._report_quoted_flags("feed", "hidden", "exclude_from_feed")
        hidden = [self._is_hidden_by("hidden"), self._is_hidden_by("exclude_from_feed")]
        return not (_is_flag(self._front.values.get("feed"), False) or any(hidden))

    def _is_hidden_by(self, key: str) -> bool:
        value = self._front.values.get(key)
        if is_empty(value) or _is_flag(value, False):
            return False
        if not _is_flag(value, True):
            hint = "write true or false; until then the post is in no feed"
            self._front.problem(key, f"{key} is not true or false: {quoted(value)}", hint)
        return True

    def _report_quoted_flags(self, *keys: str) -> None:
        for key in keys:
            value = self._front.values.get(key)
            if isinstance(value, str) and value.strip().lower() in ("true", "false"):
                message = f"{key} is text, not true or false: {quoted(value)}"
                self._front.problem(key, message, "write it without quotes")

    def slug(self) -> str | None:
        """None: the front matter has no slug."""
        return self._text("slug", None)

    def updated(self) -> datetime | None:
        for key in ("last_modified_at", "updated"):
            value = self._front.values.get(key)
            if is_empty(value):
                continue
            updated = parse_date(value, self._site.timezone)
            if updated is not None:
                return updated
            message = f"{key} is not a date: {quoted(value)}"
            self._front.problem(key, message, _DATE_HINT)
        return None

    def title(self) -> str:
        value = self._front.values.get("title")
        if value is None or value is False:
            return self._title_from_slug()
        text = "" if isinstance(value, list | dict) else as_text(value)
        title = plain_title(text, self._site.kramdown)
        if not title:
            title = self._title_from_slug()
            message = f"title is not text: {quoted(value)}; {quoted(title)} is used instead"
            self._front.problem("title", message, "write it as text, in quotes")
        elif not isinstance(value, str):
            self._front.problem("title", f"title is not text: {quoted(value)}", "put it in quotes")
        return title

    def _title_from_slug(self) -> str:
        return plain_title(titleize(self._location.slug), self._site.kramdown)

    def permalink_template(self) -> str:
        collection = self._site.collections.get(self._location.collection)
        default = collection.template if collection else self._site.permalink
        template = self._text("permalink", default)
        if "permalink" in self._front.own:
            for key in unknown_keys(template):
                message = f"permalink has an unknown placeholder :{key}"
                self._front.problem("permalink", message, PLACEHOLDER_HINT)
        return template

    def own_id(self) -> str | None:
        """The id that the front matter gives, a URI or not; None when it gives none."""
        for key in ("id", "guid"):
            value = self._front.values.get(key)
            if is_empty(value):
                continue
            own_id = label(value) if not isinstance(value, dict | list) else ""
            size = len(own_id.encode())
            if size > MAX_ID:
                message = f"{key} has {size:,} bytes; the limit is {MAX_ID:,}: {quoted(own_id)}"
                self._front.problem(key, message, "shorten it")
                continue
            if not isinstance(value, str):
                self._front.problem(key, f"{key} is not text: {quoted(value)}", "put it in quotes")
            elif not is_absolute(own_id):
                hint = "write it like tag:example.com,2026:my-post"
                self._front.problem(key, f"{key} is not a URI: {quoted(own_id)}", hint)
            if own_id:
                return own_id
        return None

    def language(self) -> str | None:
        value = self._front.values.get("lang")
        if is_empty(value):
            return None
        tag = language_tag(value)
        if tag is None:
            hint = "write it like en or en-GB"
            self._front.problem("lang", f"lang is not a language tag: {quoted(value)}", hint)
        return tag

    def _text(self, key: str, default: T) -> str | T:
        value = self._front.values.get(key)
        if value is None or value is False:
            return default
        if isinstance(value, dict | list | bool):
            self._report_not_text(key, value)
            return default
        return printable(as_text(value))

    def report_summary(self) -> None:
        """Report a `description` or `excerpt` that is a list or a mapping.

        jekyll-feed prints it as Ruby's `inspect` does.
        """
        for key in ("description", "excerpt"):
            value = self._front.values.get(key)
            if isinstance(value, dict | list) and value:
                self._report_not_text(key, value)

    def _report_not_text(self, key: str, value: Any) -> None:
        hint = "write it as text, in quotes; until then it is ignored"
        self._front.problem(key, f"{key} is not text: {quoted(value)}", hint)


def _is_flag(value: Any, expected: bool) -> bool:
    return value is expected or (
        isinstance(value, str) and value.strip().lower() == str(expected).lower()
    )
