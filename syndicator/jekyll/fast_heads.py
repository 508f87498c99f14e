"""Heads of posts, for those who don't need the posts: a site's many at little more than the cost of opening them.

Most posts of a site differ in title, date, name and text only. What the other lines of a head make of a post is worked
out with the first post that has them (`filing.Filing`), and holds for each that has the same lines in the same folder.
Whatever is not plainly of this kind is read as a whole; a test holds both to the same answer.
"""

import re
from typing import Any

from syndicator.jekyll.document_paths import locate
from syndicator.jekyll.fast_yaml import read_line
from syndicator.jekyll.front_matter import BINARY, MAX_HEAD
from syndicator.jekyll.head_template import FILING, HeadTemplates, make_head
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.site import Site
from syndicator.jekyll.titles import plain_title
from syndicator.model.content import Document, PostHead, Problem
from syndicator.ruby.dates import read_moment

_CLOSING = re.compile(rb"\n---\s*$\n?", re.MULTILINE)

#: Heads that are kept in mind; a site of posts that all differ would fill the memory.
_MOST = 4096

_Lines = tuple[str, ...]


class HeadReader:
    """Reads the heads of one site's posts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._filings: dict[tuple[str, int, _Lines], HeadTemplates] = {}

    def read(self, document: Document) -> tuple[PostHead | None, tuple[Problem, ...]]:
        """What `posts.read_post` says of a document, but for its text."""
        where = locate(document.path, self._site)
        if where is None:
            return None, ()
        taken = _taken_apart(document.data)
        if taken is None:
            return self._as_a_whole(document)[:2]
        title, date, lines, octets = taken
        defaults = self._site.defaults.of(where.relative, where.collection)
        alike = (where.relative[: -len(where.basename) - len(where.suffix)], id(defaults), lines)
        filing = self._filings.get(alike)
        if filing is None:
            head, problems, filing = self._as_a_whole(document)
            if filing and not problems:
                if len(self._filings) >= _MOST:
                    self._filings.clear()
                self._filings[alike] = filing
            return head, problems
        if date is None and defaults.get("date") is None:
            date = where.date
        moment = read_moment(date, self._site.timezone) if where.date else None
        shown = plain_title(title, self._site.kramdown)
        if moment is None or not shown:
            return self._as_a_whole(document)[:2]
        return make_head(document.path, where, self._site, filing, shown, moment, octets), ()

    def _as_a_whole(
        self, document: Document
    ) -> tuple[PostHead | None, tuple[Problem, ...], HeadTemplates | None]:
        reading = read_post(document, self._site)
        return reading.post.head if reading.post else None, reading.problems, reading.filing


def _taken_apart(data: bytes) -> tuple[str, Any, _Lines, memoryview] | None:
    """A document's title and date, the lines that file it, and its text; None when that is not plain to see."""
    if not data.startswith(b"---\n") or data.find(0, 0, BINARY) >= 0:
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
    filing = []
    for line in filter(None, lines):
        said = read_line(line)
        if said is None or said[0] in values:
            return None
        key, value = said
        values[key] = value
        if key in FILING:
            filing.append(line)
    title = values.get("title")
    if type(title) is not str:
        return None
    return title, values.get("date"), tuple(filing), memoryview(data)[closed.end() :]
