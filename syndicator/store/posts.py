"""The index of posts: polls compare files with it, and feeds are selected from it."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)

from syndicator.model.content import PostHead, Stat, Term
from syndicator.store import kv
from syndicator.store.schema import feed_posts, from_us, posts, to_us
from syndicator.store.sql import among, among_values, batches, to_json, upsert

#: The key in `kv` of the number of posts.
_COUNT = "posts"

#: Rows read at a time in search of a neighbour: most often it is the first.
_NEIGHBOURS = 10


class PostRow(NamedTuple):
    """A document that was read, and the post in it."""

    stat: Stat
    settled: bool  #: False: too recent for its mtime to show a later change; scanned again
    digest: str  #: of the file as last read
    #: Of the last version that could be read as a post; None: no version could.
    head: PostHead | None
    document_digest: str | None = None  #: of the version that `head` describes
    feeds: tuple[str, ...] = ()  #: the feeds it is in, or will be in once it is due
    #: The id of a withdrawn post, reserved while its file exists; None: not withdrawn.
    hidden_id: str | None = None

    @property
    def id(self) -> str | None:
        """The id that it holds; None: none."""
        return self.head.id if self.head else self.hidden_id


def settled_stats(connection: Connection) -> Iterator[tuple[str, int, int]]:
    """(path, size, mtime_ns) of each document whose mtime would show a later change."""
    settled = select(posts.c.path, posts.c.size, posts.c.mtime_ns).where(posts.c.settled)
    for row in connection.execute(settled).yield_per(10_000):
        yield row[0], row[1], row[2]


def all_stats(connection: Connection) -> Iterator[tuple[str, int, int]]:
    """(path, size, mtime_ns) of every document."""
    rows = connection.execute(select(posts.c.path, posts.c.size, posts.c.mtime_ns))
    for row in rows.yield_per(10_000):
        yield row[0], row[1], row[2]


_GET = select(posts).where(among(posts.c.path))


def get(connection: Connection, wanted: Iterable[str]) -> dict[str, PostRow]:
    rows = {}
    for batch in batches(wanted):
        for row in connection.execute(_GET, among_values(batch)):
            rows[row.path] = _post_row(row)
    return rows


def put(connection: Connection, rows: Sequence[PostRow], before: Iterable[PostRow]) -> None:
    """Store documents, replacing the rows `before` of the same paths."""
    before = list(before)
    added = sum(row.head is not None for row in rows)
    _add_to_count(connection, added - sum(row.head is not None for row in before))
    _remove_from_feeds(connection, before)
    upsert(connection, posts, [_columns(row) for row in rows])
    upsert(
        connection,
        feed_posts,
        [
            {"feed": feed, "published": to_us(row.head.published), "path": row.stat.path}
            for row in rows
            if row.head
            for feed in row.feeds
        ],
    )


_UPDATE_STAT = (
    update(posts)
    .where(posts.c.path == bindparam("path_"))
    .values(size=bindparam("size_"), mtime_ns=bindparam("mtime_ns_"), settled=bindparam("settled_"))
)


def update_stat(connection: Connection, rows: Iterable[PostRow]) -> None:
    """Store the new stat of documents whose bytes are the same."""
    stats = [
        {
            "path_": row.stat.path,
            "size_": row.stat.size,
            "mtime_ns_": row.stat.mtime_ns,
            "settled_": row.settled,
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
    for batch in batches(paths or ()):
        connection.execute(statement.where(among(posts.c.path)), among_values(batch))


_REMOVE = delete(posts).where(among(posts.c.path))


def remove(connection: Connection, rows: Iterable[PostRow]) -> None:
    rows = list(rows)
    _add_to_count(connection, -sum(row.head is not None for row in rows))
    _remove_from_feeds(connection, rows)
    for batch in batches(row.stat.path for row in rows):
        connection.execute(_REMOVE, among_values(batch))


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


_NEWEST = (
    select(posts)
    .join(feed_posts, feed_posts.c.path == posts.c.path)
    .where(feed_posts.c.feed == bindparam("of"), feed_posts.c.published <= bindparam("now"))
    .order_by(feed_posts.c.published.desc(), feed_posts.c.path.desc())
    .limit(bindparam("most", type_=Integer))
)


def newest(connection: Connection, feed: str, now: datetime, limit: int) -> list[PostRow]:
    """The posts of a feed that are published at `now`, newest first; at one time, last path first.

    Jekyll sorts by date and then by path (jekyll/document.rb, `<=>`); jekyll-feed reads backwards.
    """
    rows = connection.execute(_NEWEST, {"of": feed, "now": to_us(now), "most": limit})
    return [_post_row(row) for row in rows]


def newest_of_all(connection: Connection, now: datetime, limit: int) -> list[PostRow]:
    """The posts that are published at `now`, in whichever feed, newest first."""
    rows = connection.execute(
        select(posts)
        .where(posts.c.out, posts.c.published <= to_us(now))
        .order_by(posts.c.published.desc(), posts.c.path.desc())
        .limit(limit)
    )
    return [_post_row(row) for row in rows]


def neighbour(
    connection: Connection, head: PostHead, now: datetime, *, newer: bool
) -> PostHead | None:
    """The next newer or older post of the same collection and language, published at `now`.

    In the order of `newest`. None: there is none.
    """
    place = tuple_(posts.c.published, posts.c.path)
    here = tuple_(to_us(head.published), head.path)
    order = (posts.c.published, posts.c.path)
    rows = connection.execute(
        select(posts)
        .where(
            posts.c.out,
            posts.c.published <= to_us(now),
            place > here if newer else place < here,
        )
        .order_by(*(column if newer else column.desc() for column in order))
        .execution_options(yield_per=_NEIGHBOURS)
    )
    with closing(rows):
        heads = (other for row in rows if (other := _post_row(row).head))
        return next((other for other in heads if _series(other) == _series(head)), None)


def _series(head: PostHead) -> list[Term]:
    """The collection or the language, whose posts follow each other."""
    return [term for term in head.terms if term.kind in ("collection", "language")]


_FEEDS_DUE = select(posts.c.feeds).where(
    posts.c.out, posts.c.published > bindparam("after"), posts.c.published <= bindparam("until")
)


def feeds_due(connection: Connection, after: datetime, until: datetime) -> set[str]:
    """The feeds of posts that became due later than `after` and not later than `until`."""
    rows = connection.execute(_FEEDS_DUE, {"after": to_us(after), "until": to_us(until)})
    return {feed for row in rows for feed in json.loads(row.feeds)}


_NEXT_DUE = select(func.min(posts.c.published)).where(
    posts.c.out, posts.c.published > bindparam("now")
)


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When the next future post is due; None: no post waits."""
    first: int | None = connection.scalar(_NEXT_DUE, {"now": to_us(now)})
    return from_us(first)


_PATHS_BY_ID = select(posts.c.id, posts.c.path).where(among(posts.c.id))


def paths_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The path that holds each id. Ids that no path holds are left out."""
    paths: dict[str, str] = {}
    for batch in batches(ids):
        rows = connection.execute(_PATHS_BY_ID, among_values(batch))
        paths.update((id, path) for id, path in rows)
    return paths


def find_by_name(connection: Connection, names: Iterable[str], now: datetime) -> list[PostHead]:
    """The posts that are published at `now` and have one of these names, sorted by path.

    A name is a path or the end of one, with or without the file's suffix. SQLite ignores case here.
    """
    matches = [
        posts.c.path.like(pattern, escape="\\")
        for escaped in (
            name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for name in names
        )
        for pattern in (escaped, f"%/{escaped}", f"{escaped}.%", f"%/{escaped}.%")
    ]
    rows = connection.execute(
        select(posts)
        .where(posts.c.out, posts.c.published <= to_us(now), or_(*matches))
        .order_by(posts.c.path)
    )
    return [head for row in rows if (head := _post_row(row).head)]


_SHARED_URLS = (
    select(posts.c.url_hash)
    .where(posts.c.url_hash.is_not(None))
    .group_by(posts.c.url_hash)
    .having(func.count() > 1)
)


def with_shared_address(connection: Connection) -> list[tuple[str, str]]:
    """(url, path) of each post whose page has the address of another's, sorted."""
    return sorted(
        (row.url, row.path)
        for batch in batches(connection.scalars(_SHARED_URLS))
        for row in connection.execute(
            select(posts.c.url, posts.c.path).where(posts.c.url_hash.in_(batch))
        )
    )


def updated_after(connection: Connection, time: datetime) -> list[PostHead]:
    """Posts whose last change is dated later."""
    rows = connection.execute(select(posts).where(posts.c.out, posts.c.updated > to_us(time)))
    return [head for row in rows if (head := _post_row(row).head)]


def _add_to_count(connection: Connection, more: int) -> None:
    """Update the stored count. Must be called before the rows are changed, see `count`."""
    if more:
        kv.put(connection, _COUNT, str(count(connection) + more))


_REMOVE_FROM_FEED = delete(feed_posts).where(
    feed_posts.c.feed == bindparam("feed_"),
    feed_posts.c.published == bindparam("published_"),
    feed_posts.c.path == bindparam("path_"),
)


def _remove_from_feeds(connection: Connection, rows: Iterable[PostRow]) -> None:
    memberships = [
        {"feed_": feed, "published_": to_us(row.head.published), "path_": row.stat.path}
        for row in rows
        if row.head
        for feed in row.feeds
    ]
    if memberships:
        connection.execute(_REMOVE_FROM_FEED, memberships)


@lru_cache(maxsize=4096)  # a site's posts share few combinations
def _terms_json(terms: tuple[Term, ...]) -> str:
    return to_json([[term.kind, term.label] for term in terms])


@lru_cache(maxsize=4096)
def _terms(text: str) -> tuple[Term, ...]:
    return tuple(Term(kind=kind, label=label) for kind, label in json.loads(text))


@lru_cache(maxsize=4096)
def _feeds(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_feeds_json = lru_cache(maxsize=4096)(to_json)


def _url_hash(url: str) -> int:
    digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _columns(row: PostRow) -> dict[str, Any]:
    head = row.head
    return {
        "path": row.stat.path,
        "size": row.stat.size,
        "mtime_ns": row.stat.mtime_ns,
        "settled": row.settled,
        "digest": row.digest,
        "out": head is not None,
        "document_digest": row.document_digest,
        "id": row.id,
        "own_id": head and head.own_id,
        "url": head and head.url,
        "title": head and head.title,
        "published": head and to_us(head.published),
        "updated": to_us(head.updated) if head and head.updated else None,
        "text_digest": head and head.text_digest,
        "terms": _terms_json(head.terms) if head else None,
        "feeds": _feeds_json(row.feeds),
        "listed": head is None or head.listed,
        "url_hash": head and _url_hash(head.url),
    }


def _post_row(row: Row[Any]) -> PostRow:
    return PostRow(
        stat=Stat(path=row.path, size=row.size, mtime_ns=row.mtime_ns),
        settled=row.settled,
        digest=row.digest,
        head=_head(row) if row.out else None,
        document_digest=row.document_digest,
        feeds=_feeds(row.feeds),
        hidden_id=None if row.out else row.id,
    )


def _head(row: Row[Any]) -> PostHead:
    return PostHead(
        path=row.path,
        id=row.id,
        own_id=row.own_id,
        url=row.url,
        title=row.title,
        published=from_us(row.published),
        updated=from_us(row.updated),
        terms=_terms(row.terms),
        text_digest=row.text_digest,
        listed=row.listed,
    )
