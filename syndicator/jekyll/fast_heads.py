"""Reads the heads of a site's posts at little more than the cost of opening the files.

Most posts of a site differ only in title, date, file name and text. The result of the other lines
of a head is computed for the first post that has them (`head_template.HeadTemplates`) and reused
for each post with the same lines in the same folder. Any other document is read in full by
`posts.read_post`. A test checks that both give the same result.
"""

import re
from typing import Any

from syndicator.jekyll.copies import conflict_of
from syndicator.jekyll.document_paths import locate
from syndicator.jekyll.fast_yaml import read_line
from syndicator.jekyll.front_matter import BINARY_CHECK_BYTES, MAX_HEAD
from syndicator.jekyll.head_template import TEMPLATE_KEYS, HeadTemplates, make_head
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_title
from syndicator.model.content import Document, PostHead, Problem
from syndicator.ruby.dates import parse_date

_CLOSING = re.compile(rb"\n---\s*$\n?", re.MULTILINE)

#: Templates kept in memory. On a site whose posts all differ there would be one for each post.
MAX_TEMPLATES = 4096

_Lines = tuple[str, ...]


class HeadReader:
    """Reads the heads of one site's posts."""

    def __init__(self, site: Site, *, max_templates: int = MAX_TEMPLATES) -> None:
        self._site = site
        self._max_templates = max_templates
        self._templates: dict[tuple[str, int, _Lines], HeadTemplates] = {}

    def read(self, document: Document) -> tuple[PostHead | None, tuple[Problem, ...]]:
        """The head and problems that `posts.read_post` gives for a document."""
        location = locate(document.path, self._site)
        if location is None:
            return None, ()
        is_post = location.suffix.lower() in self._site.scope.suffixes
        is_post = is_post and conflict_of(location.basename) is None
        parts = _split_head(document.data) if is_post else None
        plugins = self._site.plugins
        if parts is None or plugins.titles_from_headings or plugins.language_from_path:
            return self._read_in_full(document)[:2]
        title, date, lines, body = parts
        defaults = self._site.defaults.values_of(location.relative, location.collection)
        folder = location.relative[: -len(location.basename) - len(location.suffix)]
        key = (folder, id(defaults), lines)
        template = self._templates.get(key)
        if template is None:
            head, problems, template = self._read_in_full(document)
            if template and not problems:
                if len(self._templates) >= self._max_templates:
                    self._templates.clear()
                self._templates[key] = template
            return head, problems
        if date is None and defaults.get("date") is None:
            date = location.date
        published = parse_date(date, self._site.timezone) if location.date else None
        title_text = plain_title(title, self._site.kramdown)
        if published is None or not title_text:
            return self._read_in_full(document)[:2]
        return make_head(location, self._site, template, title_text, published, body), ()

    def _read_in_full(
        self, document: Document
    ) -> tuple[PostHead | None, tuple[Problem, ...], HeadTemplates | None]:
        result = read_post(document, self._site)
        return result.post.head if result.post else None, result.problems, result.head_template


def _split_head(data: bytes) -> tuple[str, Any, _Lines, memoryview] | None:
    """A document's title, its date, the lines with TEMPLATE_KEYS, and its body.

    None: the head is not of the plain kind.
    """
    if not data.startswith(b"---\n") or data.find(0, 0, BINARY_CHECK_BYTES) >= 0:
        return None
    closed = _CLOSING.match(data, data.find(b"\n---", 3))
    if closed is None or closed.start() > MAX_HEAD:
        return None
    try:
        if not data.isascii():
            data.decode()
        lines = data[4 : closed.start()].decode().split("\n")
    except UnicodeDecodeError:
        return None
    values: dict[str, Any] = {}
    template_lines = []
    for line in filter(None, lines):
        pair = read_line(line)
        if pair is None or pair[0] in values:
            return None
        key, value = pair
        values[key] = value
        if key in TEMPLATE_KEYS:
            template_lines.append(line)
    title = values.get("title")
    if type(title) is not str:
        return None
    return title, values.get("date"), tuple(template_lines), memoryview(data)[closed.end() :]
