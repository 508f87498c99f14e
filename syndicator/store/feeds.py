"""The feeds that exist, and their published files."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, Row, bindparam, select, update

from syndicator.model.content import Term
from syndicator.store.schema import feeds, files
from syndicator.store.sql import among, execute_among, to_row, upsert
from syndicator.store.times import from_us


class FeedRow(Struct, frozen=True, kw_only=True):
    """A feed, and the state in which it was last written."""

    name: str  #: the path of its files without the suffix
    kind: str | None  #: None: the whole site
    label: str | None  #: as first written by an author
    folded: str | None  #: the label for comparing: labels that fold alike share a feed
    stale: bool = True  #: something it is made from changed since it was last written
    updated: datetime | None = None  #: None: it never had an entry
    content_key: str | None = None  #: digest of spec and entries as last written; None: never
    post_paths: tuple[str, ...] = ()  #: as last written
    shown: int = 0  #: how many of these its files have room for
    #: Its place in its history as last written; "": it has no archive.
    history: str = ""
    archive_key: str | None = None  #: of its whole archive, see `build.archive`; None: none yet

    @property
    def is_new(self) -> bool:
        """Whether a category or tag has never had a feed."""
        return self.term is not None and self.content_key is None and self.updated is None

    @property
    def term(self) -> Term | None:
        """The category or tag of its posts; None: the whole site."""
        return Term(kind=self.kind, label=self.label) if self.kind and self.label else None


class FileRow(Struct, frozen=True, kw_only=True):
    """A published file."""

    path: str
    feed: str  #: the name of its feed; "" for the index page and the OPML
    url: str
    media_type: str
    digest: str
    hubs: tuple[str, ...]
    updated: datetime  #: when these bytes, with these hubs, were first published
    #: Size and mtime_ns as written, by suffix; "" is the file itself.
    disk: Mapping[str, tuple[int, int]]
    gone: bool = False  #: the config no longer publishes it


_ALL_FEEDS = select(feeds).order_by(feeds.c.kind.nulls_first(), feeds.c.name)
_ALL_NAMES = _ALL_FEEDS.with_only_columns(
    *(feeds.c[name] for name in ("name", "kind", "label", "folded", "content_key", "archive_key"))
)
_FEED = select(feeds).where(feeds.c.name == bindparam("wanted"))
_POST_PATHS = select(feeds.c.post_paths)
_STALE = select(feeds).where(feeds.c.stale).order_by(feeds.c.name)
_MARK_STALE = update(feeds).where(among(feeds.c.name)).values(stale=True)
_FILES_OF = select(files).where(files.c.feed == bindparam("of"))
_ALL_FILES = select(files).order_by(files.c.path)
_FILE = select(files).where(files.c.path == bindparam("at"))
_FILE_AT = select(files).where(files.c.url == bindparam("at"), ~files.c.gone).order_by(files.c.path)


def all_feeds(connection: Connection) -> list[FeedRow]:
    """The whole site first, then by kind and name."""
    return [_feed_row(row) for row in connection.execute(_ALL_FEEDS)]


def all_names(connection: Connection) -> list[FeedRow]:
    """The same without `updated` and `post_paths`: thousands of feeds take long to read."""
    return [FeedRow(**row) for row in connection.execute(_ALL_NAMES).mappings()]


def post_paths(connection: Connection) -> set[str]:
    """The posts that are in any feed as last written."""
    return {path for text in connection.scalars(_POST_PATHS) for path in json.loads(text or "[]")}


def stale(connection: Connection) -> list[FeedRow]:
    return [_feed_row(row) for row in connection.execute(_STALE)]


def get(connection: Connection, name: str) -> FeedRow:
    """A feed by its name, which must exist."""
    return _feed_row(connection.execute(_FEED, {"wanted": name}).one())


def put(connection: Connection, rows: Iterable[FeedRow]) -> None:
    upsert(connection, feeds, [to_row(asdict(row)) for row in rows])


def mark_stale(connection: Connection, names: Iterable[str]) -> None:
    """Mark feeds stale: something they are made from changed."""
    execute_among(connection, _MARK_STALE, sorted(names))


def mark_all_stale(connection: Connection) -> None:
    connection.execute(update(feeds).values(stale=True))


def files_of(connection: Connection, feed: str) -> dict[str, FileRow]:
    """A feed's files by path, including those that are gone."""
    return {row.path: _file_row(row) for row in connection.execute(_FILES_OF, {"of": feed})}


def all_files(connection: Connection) -> list[FileRow]:
    return [_file_row(row) for row in connection.execute(_ALL_FILES)]


def file(connection: Connection, path: str) -> FileRow | None:
    """A file by its path, even one that is gone; None: it never existed."""
    row = connection.execute(_FILE, {"at": path}).first()
    return None if row is None else _file_row(row)


def file_at(connection: Connection, url: str) -> FileRow | None:
    """The file that is published at a URL; None: no such file.

    An alias has the URL, and the bytes, of the file it points to.
    """
    row = connection.execute(_FILE_AT, {"at": url}).first()
    return None if row is None else _file_row(row)


def put_files(connection: Connection, rows: Iterable[FileRow]) -> None:
    upsert(connection, files, [to_row(asdict(row)) for row in rows])


def _feed_row(row: Row[Any]) -> FeedRow:
    paths = tuple(json.loads(row.post_paths or "[]"))
    return FeedRow(**{**row._mapping, "updated": from_us(row.updated), "post_paths": paths})


def _file_row(row: Row[Any]) -> FileRow:
    hubs, disk = tuple(json.loads(row.hubs)), to_disk(json.loads(row.disk))
    return FileRow(**{**row._mapping, "hubs": hubs, "updated": from_us(row.updated), "disk": disk})


def to_disk(data: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """See `FileRow.disk`. `data`: as JSON has it."""
    return {suffix: (size, mtime_ns) for suffix, (size, mtime_ns) in data.items()}
