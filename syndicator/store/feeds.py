"""The feeds that exist, and the files that were published of them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from syndicator.model.content import Term
from syndicator.store.schema import feeds, files, from_us, to_us
from syndicator.store.sql import among, batches, those, to_json, upsert


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedRow:
    name: str  #: the path of its files without the suffix
    kind: str | None  #: None: the whole site
    label: str | None  #: as an author first wrote it
    folded: str | None  #: what makes two labels the same
    stale: bool = True
    updated: datetime | None = None
    content_key: str | None = None
    post_paths: tuple[str, ...] = ()

    @property
    def term(self) -> Term | None:
        """What its posts have in common; None: it is the whole site's."""
        return Term(kind=self.kind, label=self.label) if self.kind and self.label else None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRow:
    """A file that was published."""

    path: str
    feed: str  #: "" for the index page and the OPML
    url: str
    media_type: str
    digest: str
    hubs: tuple[str, ...]
    updated: datetime  #: when these bytes, with these hubs, were first published
    disk: Mapping[str, tuple[int, int]]  #: by suffix, what was written: size and mtime_ns
    gone: bool = False  #: the config no longer makes it


_EVERY = select(feeds)
_NAMED = select(feeds.c.name, feeds.c.kind, feeds.c.label, feeds.c.folded, feeds.c.content_key)
_STANDING = select(feeds.c.post_paths)
_DIRTY = select(feeds).where(feeds.c.stale).order_by(feeds.c.name)
_SOIL = update(feeds).where(among(feeds.c.name)).values(stale=True)
_FILES_OF = select(files).where(files.c.feed == bindparam("of"))
_EVERY_FILE = select(files).order_by(files.c.path)
_FILE = select(files).where(files.c.path == bindparam("at"))
_FILE_AT = select(files).where(files.c.url == bindparam("at"), ~files.c.gone).order_by(files.c.path)


def all_feeds(connection: Connection) -> list[FeedRow]:
    """The whole site first, then by kind and name."""
    return _in_order(_feed_row(row) for row in connection.execute(_EVERY))


def all_names(connection: Connection) -> list[FeedRow]:
    """The same, but for their entries and when they were updated: of thousands that takes a while to read."""
    return _in_order(
        FeedRow(
            name=row.name,
            kind=row.kind,
            label=row.label,
            folded=row.folded,
            content_key=row.content_key,
        )
        for row in connection.execute(_NAMED)
    )


def post_paths(connection: Connection) -> set[str]:
    """The posts that stand in any feed."""
    return {path for text in connection.scalars(_STANDING) for path in json.loads(text or "[]")}


def _in_order(rows: Iterable[FeedRow]) -> list[FeedRow]:
    return sorted(rows, key=lambda row: (row.kind or "", row.name))


def stale(connection: Connection) -> list[FeedRow]:
    return [_feed_row(row) for row in connection.execute(_DIRTY)]


def put(connection: Connection, rows: Iterable[FeedRow]) -> None:
    upsert(
        connection,
        feeds,
        [
            {
                "name": row.name,
                "kind": row.kind,
                "label": row.label,
                "folded": row.folded,
                "stale": row.stale,
                "updated": to_us(row.updated),
                "content_key": row.content_key,
                "post_paths": to_json(row.post_paths),
            }
            for row in rows
        ],
    )


def mark_stale(connection: Connection, names: Iterable[str]) -> None:
    """Mark feeds as in need of a look: something they are made from changed."""
    for batch in batches(sorted(names)):
        connection.execute(_SOIL, those(batch))


def mark_all_stale(connection: Connection) -> None:
    connection.execute(update(feeds).values(stale=True))


def files_of(connection: Connection, feed: str) -> dict[str, FileRow]:
    """A feed's files by path, the gone ones too."""
    return {row.path: _file_row(row) for row in connection.execute(_FILES_OF, {"of": feed})}


def all_files(connection: Connection) -> list[FileRow]:
    return [_file_row(row) for row in connection.execute(_EVERY_FILE)]


def file(connection: Connection, path: str) -> FileRow | None:
    """A file by its path, also one that is gone; None: it never was."""
    row = connection.execute(_FILE, {"at": path}).first()
    return None if row is None else _file_row(row)


def file_at(connection: Connection, url: str) -> FileRow | None:
    """The file that is out at an address. Aliases have the address, and the bytes, of the file they stand for."""
    row = connection.execute(_FILE_AT, {"at": url}).first()
    return None if row is None else _file_row(row)


def put_files(connection: Connection, rows: Iterable[FileRow]) -> None:
    upsert(
        connection,
        files,
        [
            {
                "path": row.path,
                "feed": row.feed,
                "url": row.url,
                "media_type": row.media_type,
                "digest": row.digest,
                "hubs": to_json(row.hubs),
                "updated": to_us(row.updated),
                "disk": to_json(dict(row.disk)),
                "gone": row.gone,
            }
            for row in rows
        ],
    )


def _feed_row(row: Row[Any]) -> FeedRow:
    return FeedRow(
        name=row.name,
        kind=row.kind,
        label=row.label,
        folded=row.folded,
        stale=row.stale,
        updated=from_us(row.updated),
        content_key=row.content_key,
        post_paths=tuple(json.loads(row.post_paths or "[]")),
    )


def _file_row(row: Row[Any]) -> FileRow:
    return FileRow(
        path=row.path,
        feed=row.feed,
        url=row.url,
        media_type=row.media_type,
        digest=row.digest,
        hubs=tuple(json.loads(row.hubs)),
        updated=from_us(row.updated),
        disk={suffix: (seen[0], seen[1]) for suffix, seen in json.loads(row.disk).items()},
        gone=row.gone,
    )
