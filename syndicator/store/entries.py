"""Rendered entries of the posts that stand in some feed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from syndicator.cache import LruCache
from syndicator.model.content import Author, Entry, Media
from syndicator.store.schema import entries
from syndicator.store.sql import among, batches, those, to_json, upsert

#: What was seen of a file that was asked for: size and mtime_ns; None: it wasn't there.
Seen = tuple[int, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    path: str  #: of the post
    key: str  #: digest of all that the entry was made from
    entry: Entry | None  #: None: the post can't be rendered
    uses_posts: bool  #: it asked for other posts
    needs: Mapping[str, Seen]  #: the files of the site that it asked for


#: Rows as they were read lately, by path, and their key and needs: most of a feed's entries are those of the last time.
Recent = LruCache[str, tuple[str, str], EntryRow]


_KEYS = select(entries.c.path, entries.c.key, entries.c.needs).where(
    ~entries.c.uses_posts, among(entries.c.path)
)
_GET = select(entries).where(among(entries.c.path))
_OUTDATE = update(entries).where(among(entries.c.path)).values(key="")
_REMOVE = delete(entries).where(among(entries.c.path))
_PATHS = select(entries.c.path)
_USING_POSTS = _PATHS.where(entries.c.uses_posts)
_NEEDS = select(entries.c.path, entries.c.needs).where(entries.c.needs != "{}")


def get(connection: Connection, paths: Iterable[str], recent: Recent) -> dict[str, EntryRow]:
    """The entries of these paths. Of one that is remembered, only what tells whether it is the same is read.

    One that asked for other posts may differ though its key is the same, and is read each time.
    """
    found: dict[str, EntryRow] = {}
    for batch in batches(paths):
        for path, key, needs in connection.execute(_KEYS, those(batch)):
            if remembered := recent.get(path, (key, needs)):
                found[path] = remembered
        missing = [path for path in batch if path not in found]
        for row in connection.execute(_GET, those(missing)) if missing else ():
            found[row.path] = _entry_row(row)
            recent.put(row.path, (row.key, row.needs), found[row.path], len(row.data))
    return found


def put(connection: Connection, rows: Iterable[EntryRow]) -> None:
    upsert(
        connection,
        entries,
        [
            {
                "path": row.path,
                "key": row.key,
                "data": to_json(asdict(row.entry) | _times(row.entry)) if row.entry else "",
                "uses_posts": row.uses_posts,
                "needs": to_json(dict(row.needs)),
            }
            for row in rows
        ],
    )


def mark_stale(connection: Connection, paths: Iterable[str]) -> None:
    """Let entries differ from what would be made now. They stay until they are."""
    for batch in batches(paths):
        connection.execute(_OUTDATE, those(batch))


def remove(connection: Connection, paths: Iterable[str]) -> None:
    for batch in batches(paths):
        connection.execute(_REMOVE, those(batch))


def paths(connection: Connection) -> set[str]:
    return set(connection.scalars(_PATHS))


def using_posts(connection: Connection) -> set[str]:
    """The paths of entries that asked for other posts."""
    return set(connection.scalars(_USING_POSTS))


def needs(connection: Connection) -> dict[str, Mapping[str, Seen]]:
    """What each entry asked its site for, by the post's path; those that asked for nothing are left out."""
    rows = connection.execute(_NEEDS)
    return {row.path: _needs(row.needs) for row in rows}


def _entry_row(row: Row[Any]) -> EntryRow:
    return EntryRow(
        path=row.path,
        key=row.key,
        entry=_entry(json.loads(row.data)) if row.data else None,
        uses_posts=row.uses_posts,
        needs=_needs(row.needs),
    )


def _needs(text: str) -> dict[str, Seen]:
    return {
        path: None if seen is None else (seen[0], seen[1])
        for path, seen in json.loads(text).items()
    }


def _times(entry: Entry) -> dict[str, str]:
    return {"published": entry.published.isoformat(), "updated": entry.updated.isoformat()}


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(
        **data
        | {
            "published": datetime.fromisoformat(data["published"]),
            "updated": datetime.fromisoformat(data["updated"]),
            "authors": tuple(Author(**author) for author in data["authors"]),
            "categories": tuple(data["categories"]),
            "tags": tuple(data["tags"]),
            "image": Media(**data["image"]) if data["image"] else None,
            "enclosures": tuple(Media(**media) for media in data["enclosures"]),
        }
    )
