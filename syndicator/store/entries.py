"""Rendered entries of the posts that are in some feed."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import decode, encode
from sqlalchemy import Connection, Row, delete, select, text, update

from syndicator.cache import LruCache
from syndicator.model.content import Entry, FileState
from syndicator.store import archives, feeds, posts
from syndicator.store.schema import entries
from syndicator.store.sql import (
    among,
    among_values,
    batches,
    execute_among,
    rows_among,
    to_json,
    upsert,
)


class EntryRow(Struct, frozen=True, kw_only=True):
    """An entry and what it was rendered from."""

    path: str  #: of the post
    key: str  #: digest of everything the entry was rendered from
    entry: Entry | None  #: None: the post can't be rendered
    uses_posts: bool  #: it refers to other posts
    needs: Mapping[str, FileState]  #: the files of the site that it depends on


#: A cache of rows by path, valid for one key and needs: most entries of a feed are unchanged.
Recent = LruCache[str, tuple[str, str], EntryRow]


_KEYS = select(entries.c.path, entries.c.key, entries.c.needs).where(
    ~entries.c.uses_posts, among(entries.c.path)
)
_GET = select(entries).where(among(entries.c.path))
_MARK_STALE = update(entries).where(among(entries.c.path)).values(key="")
_REMOVE = delete(entries).where(among(entries.c.path))
_PATHS = select(entries.c.path)
# These two as their indexes have them. With `= 1` or a parameter, SQLite would read all entries.
_USING_POSTS = _PATHS.where(text("entries.uses_posts"))
_NEEDS_OF = select(entries.c.path, entries.c.needs).where(among(entries.c.path))
_NEEDS = select(entries.c.path, entries.c.needs).where(text("entries.needs <> '{}'"))


def get(connection: Connection, paths: Iterable[str], recent: Recent) -> dict[str, EntryRow]:
    """The entries of these paths. Of a cached entry only the key and needs are read.

    An entry that refers to other posts may differ under the same key, so it is always read.
    """
    rows: dict[str, EntryRow] = {}
    for batch in batches(paths):
        for path, key, needs in connection.execute(_KEYS, among_values(batch)):
            if cached := recent.get(path, (key, needs)):
                rows[path] = cached
        missing = [path for path in batch if path not in rows]
        for row in rows_among(connection, _GET, missing):
            rows[row.path] = _entry_row(row)
            recent.put(row.path, (row.key, row.needs), rows[row.path], len(row.data))
    return rows


def put(connection: Connection, rows: Iterable[EntryRow]) -> None:
    upsert(
        connection,
        entries,
        [
            {
                "path": row.path,
                "key": row.key,
                "data": encode(row.entry).decode() if row.entry else "",
                "uses_posts": row.uses_posts,
                "needs": to_json(dict(row.needs)),
            }
            for row in rows
        ],
    )


def mark_stale(connection: Connection, paths: Collection[str]) -> None:
    """Mark entries stale, and the feeds of their posts. They are shown until rendered again."""
    if not paths:
        return
    execute_among(connection, _MARK_STALE, paths)
    rows = posts.get(connection, paths).values()
    archives.mark_posts(connection, rows)
    feeds.mark_stale(connection, {name for row in rows for name in row.feeds})


def remove(connection: Connection, paths: Iterable[str]) -> None:
    execute_among(connection, _REMOVE, paths)


def paths(connection: Connection) -> set[str]:
    return set(connection.scalars(_PATHS))


def using_posts(connection: Connection) -> set[str]:
    """The paths of entries that refer to other posts."""
    return set(connection.scalars(_USING_POSTS))


def all_needs(connection: Connection) -> dict[str, Mapping[str, FileState]]:
    """The files each entry depends on, by the post's path. Entries without any are left out."""
    return {row.path: _needs(row.needs) for row in connection.execute(_NEEDS)}


def needs(connection: Connection, paths: Iterable[str]) -> dict[str, Mapping[str, FileState]]:
    """As `all_needs`, of the entries of these posts."""
    return {row.path: _needs(row.needs) for row in rows_among(connection, _NEEDS_OF, paths)}


def _entry_row(row: Row[Any]) -> EntryRow:
    return EntryRow(
        path=row.path,
        key=row.key,
        entry=decode(row.data, type=Entry) if row.data else None,
        uses_posts=row.uses_posts,
        needs=_needs(row.needs),
    )


def _needs(text: str) -> dict[str, FileState]:
    return {
        path: None if stat is None else (stat[0], stat[1])
        for path, stat in json.loads(text).items()
    }
