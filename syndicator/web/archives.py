"""What is at the paths of archive pages. There may be thousands: their bytes stay on disk.

A page takes some hundred bytes of memory. Its responses are prepared for each request.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from struct import Struct
from sys import intern
from typing import NamedTuple
from urllib.parse import quote

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.web.negotiation import IDENTITY
from syndicator.web.prepared_responses import (
    FEEDS,
    FORMATS,
    Prepared,
    PreparedResponse,
    PublishedFile,
    moved_to,
    prepare,
)

#: Seconds that a page may be cached to which no post will be added. It changes only when one of
#: its posts is edited or removed.
CLOSED_MAX_AGE = 3600

_MEDIA_TYPES = {format: f"{kind}; charset=utf-8" for kind, format in FORMATS.items()}

#: Returns at most so many bytes of a file below the output folder, from some byte on. None: the
#: file does not have the size and mtime_ns that it was written with. Called in threads; may raise
#: OutputError.
ReadPart = Callable[[str, tuple[int, int], int, int], bytes | None]

#: Suffixes on disk, by content coding.
_SUFFIXES = {IDENTITY: "", "gzip": ".gz", "br": ".br"}

#: A file as 72 bytes: digest, date, then size and mtime_ns for each suffix. As objects it would be
#: 700.
_FILE = Struct("<16s q qq qq qq")
_MISSING = (-1, 0)


class OnDisk(NamedTuple):
    """The bytes of a response, in a file."""

    path: str  #: below the output folder
    written: tuple[int, int]  #: size and mtime_ns


class ArchivedResponses(NamedTuple):
    """All responses for one file of a page. Those with status 200 have no body."""

    prepared: Prepared
    disk: Mapping[str, OnDisk]  #: the bodies, by content coding

    def body_of(self, reply: PreparedResponse) -> OnDisk | None:
        """Where the body of a response is; None: it has its own, or none."""
        variants = self.prepared.variants.items()
        return next((self.disk[name] for name, variant in variants if variant.ok is reply), None)


class _Row(NamedTuple):
    feed: str
    moved_to: str | None  #: None: the page is in use
    is_open: bool
    files: Mapping[str, bytes]  #: see `_FILE`, by format; empty for a page that ended


_NO_FILES: Mapping[str, bytes] = {}


class Archives:
    """The archive pages of all feeds, by name."""

    def __init__(self, *, max_age: int, home: str, read: ReadPart) -> None:
        """`max_age`: seconds that open pages and redirects may be cached.

        `home`: the feeds' public address.
        """
        self._max_age = max_age
        self._home = home
        self.read = read
        self._rows: dict[str, _Row] = {}

    def update(self, pages: Iterable[ArchivePage]) -> None:
        """Add or replace pages, atomically; others stay.

        Only one thread at a time may call it. Requests may be answered meanwhile.
        """
        self._rows = self._rows | {page.name: _row_of(page) for page in pages}

    def find(self, path: str) -> ArchivedResponses | PreparedResponse | None:
        """The responses for a path below the output folder; None: no page has that file.

        A page that ended is redirected, also when its files are removed. It may come back, so the
        redirect may not be cached for long.
        """
        rows = self._rows
        name, _, format = path.rpartition(".")
        row = rows.get(name)
        if row is None or format not in _MEDIA_TYPES:
            return None
        if row.moved_to is not None:
            url = self._home + quote(f"{_successor(rows, row, format)}.{format}")
            return moved_to(url, (b"cache-control", b"max-age=%d" % self._max_age))
        if format not in row.files:
            return None
        file = _unpacked(row.files[format])
        disk = {
            coding: OnDisk(path + suffix, file.disk[suffix])
            for coding, suffix in _SUFFIXES.items()
            if suffix in file.disk
        }
        published = PublishedFile(
            path=path,
            media_type=_MEDIA_TYPES[format],
            updated=file.updated,
            digest=file.digest,
            link=None,  # no hub announces archive pages
            page=_page_for_people(name, row) if format in FEEDS else None,
            sizes_on_disk={coding: each.written[0] for coding, each in disk.items()},
        )
        max_age = self._max_age if row.is_open else CLOSED_MAX_AGE
        return ArchivedResponses(prepare(published, max_age), disk)


def _successor(rows: Mapping[str, _Row], row: _Row, format: str) -> str:
    """The name of the page that has the entries of an ended page now.

    It is the feed itself if they are in no page that has this format.
    """
    passed: set[str] = set()
    name = row.moved_to
    while name is not None and name not in passed and (at := rows.get(name)) is not None:
        if at.moved_to is None:
            return name if format in at.files else row.feed
        passed.add(name)
        name = at.moved_to
    return row.feed


def _page_for_people(name: str, row: _Row) -> str:
    return f"{name if 'html' in row.files else row.feed}.html"


def _row_of(page: ArchivePage) -> _Row:
    feed = intern(page.feed)
    if page.ended is not None:
        return _Row(feed, page.moved_to or feed, False, _NO_FILES)
    files = {intern(format): _packed(file) for format, file in page.files.items()}
    return _Row(feed, None, page.is_open, files)


def _packed(file: ArchivedFile) -> bytes:
    disk = [number for suffix in _SUFFIXES.values() for number in file.disk.get(suffix, _MISSING)]
    return _FILE.pack(bytes.fromhex(file.digest), int(file.updated.timestamp()), *disk)


def _unpacked(data: bytes) -> ArchivedFile:
    digest, updated, *numbers = _FILE.unpack(data)
    seen = zip(_SUFFIXES.values(), zip(numbers[::2], numbers[1::2], strict=True), strict=True)
    disk = {suffix: written for suffix, written in seen if written != _MISSING}
    return ArchivedFile(digest.hex(), datetime.fromtimestamp(updated, UTC), disk)
