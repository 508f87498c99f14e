"""The index of posts: polls compare files with it, and feeds are selected from it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from syndicator.model.content import Stat
from syndicator.store import kv
from syndicator.store.post_rows import PostRow, columns, post_row, signed, unsigned
from syndicator.store.schema import feed_posts, posts
from syndicator.store.sql import among, among_values, execute_among, rows_among, upsert
from syndicator.store.times import to_us

#: The key in `kv` of the number of posts.
_COUNT = "posts"


_STATS = select(
    posts.c.path, posts.c.size, posts.c.mtime_ns, posts.c.ctime_ns, posts.c.inode
).execution_options(yield_per=10_000)


def all_stats(connection: Connection, *, settled: bool = False) -> Iterator[Stat]:
    """The stat of every document. `settled`: of those whose times would show a later change."""
    statement = _STATS.where(posts.c.settled) if settled else _STATS
    for path, size, mtime_ns, ctime_ns, inode in connection.execute(statement):
        yield Stat(path, size, mtime_ns, ctime_ns, unsigned(inode))


_GET = select(posts).where(among(posts.c.path))


def get(connection: Connection, wanted: Iterable[str]) -> dict[str, PostRow]:
    return {row.path: post_row(row) for row in rows_among(connection, _GET, wanted)}


def put(connection: Connection, rows: Sequence[PostRow], before: Iterable[PostRow]) -> None:
    """Store documents, replacing the rows `before` of the same paths."""
    before = list(before)
    added = sum(row.head is not None for row in rows)
    _add_to_count(connection, added - sum(row.head is not None for row in before))
    _remove_from_feeds(connection, before)
    upsert(connection, posts, [columns(row) for row in rows])
    upsert(connection, feed_posts, _memberships(row for row in rows if not row.held))


_UPDATE_STAT = update(posts).where(posts.c.path == bindparam("of"))


def update_stat(connection: Connection, rows: Iterable[PostRow]) -> None:
    """Store the new stat of documents whose bytes are the same."""
    stats = [
        {
            "of": row.stat.path,
            "size": row.stat.size,
            "mtime_ns": row.stat.mtime_ns,
            "ctime_ns": row.stat.ctime_ns,
            "inode": signed(row.stat.inode),
            "settled": row.settled,
        }
        for row in rows
    ]
    if stats:
        connection.execute(_UPDATE_STAT, stats)


def mark_unread(connection: Connection, paths: Sequence[str] | None = None) -> None:
    """Have documents read again by the next scan. `paths`: only these; None: all of them."""
    statement = update(posts).values(settled=False, digest="")
    if paths is None:
        connection.execute(statement)
    else:
        execute_among(connection, statement.where(among(posts.c.path)), paths)


_REMOVE = delete(posts).where(among(posts.c.path))


def remove(connection: Connection, rows: Iterable[PostRow]) -> None:
    rows = list(rows)
    _add_to_count(connection, -sum(row.head is not None for row in rows))
    _remove_from_feeds(connection, rows)
    execute_among(connection, _REMOVE, (row.stat.path for row in rows))


def count(connection: Connection) -> int:
    """The number of posts that can be read.

    Kept up to date in `kv`: counting a million rows takes longer than building two feeds.
    """
    stored = kv.get(connection, _COUNT)
    if stored is not None:
        return int(stored)
    return connection.scalar(select(func.count()).select_from(posts).where(posts.c.out)) or 0


def count_documents(connection: Connection, paths: Sequence[str] | None = None) -> int:
    """The number of documents, readable or not. `paths`: of these only; None: of all."""
    every = select(func.count()).select_from(posts)
    if paths is None:
        return connection.scalar(every) or 0
    return connection.scalar(every.where(among(posts.c.path)), among_values(paths)) or 0


def has_no_others(connection: Connection, paths: Collection[str]) -> bool:
    """Whether the index has no other documents than these."""
    others = select(posts.c.path).limit(len(paths) + 1)
    return all(path in paths for path in connection.scalars(others))


_PATHS_BY_ID = select(posts.c.id, posts.c.path).where(among(posts.c.id))


def paths_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The path that holds each id. Ids that no path holds are left out."""
    return {row.id: row.path for row in rows_among(connection, _PATHS_BY_ID, ids)}


def _add_to_count(connection: Connection, more: int) -> None:
    """Update the stored count. Must be called before the rows are changed, see `count`."""
    if more:
        kv.put(connection, _COUNT, str(count(connection) + more))


_REMOVE_FROM_FEED = delete(feed_posts).where(
    *(key == bindparam(key.name) for key in feed_posts.primary_key)
)


def _remove_from_feeds(connection: Connection, rows: Iterable[PostRow]) -> None:
    if memberships := _memberships(rows):
        connection.execute(_REMOVE_FROM_FEED, memberships)


def _memberships(rows: Iterable[PostRow]) -> list[dict[str, Any]]:
    return [
        {"feed": feed, "published": to_us(row.head.published), "path": row.stat.path}
        for row in rows
        if row.head
        for feed in row.feeds
    ]
