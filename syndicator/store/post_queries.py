"""The posts of a feed, those that are due, and others that are looked for in the index."""

import json
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    func,
    or_,
    select,
    text,
    tuple_,
)

from syndicator.model.content import PostHead, Term
from syndicator.store.post_rows import PostRow, post_row, terms_json
from syndicator.store.schema import feed_posts, posts
from syndicator.store.sql import batches
from syndicator.store.times import from_us, to_us

#: Rows read at a time in search of a neighbour: most often it is the first.
_NEIGHBOURS = 10

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
    return [post_row(row) for row in rows]


_HAS_POSTS = select(feed_posts.c.path).where(feed_posts.c.feed == bindparam("of")).limit(1)


def has_posts(connection: Connection, feed: str) -> bool:
    """Whether a feed has posts, now or once they are due. Those that are held don't count."""
    return connection.scalar(_HAS_POSTS, {"of": feed}) is not None


def newest_of_all(connection: Connection, now: datetime, limit: int) -> list[PostRow]:
    """The posts that are published at `now`, in whichever feed, newest first.

    Those that are held are left out: they would be announced by the posts that list them.
    """
    rows = connection.execute(
        select(posts)
        .where(posts.c.out, ~posts.c.held, posts.c.published <= to_us(now))
        .order_by(posts.c.published.desc(), posts.c.path.desc())
        .limit(limit)
    )
    return [post_row(row) for row in rows]


def neighbour(
    connection: Connection, head: PostHead, now: datetime, *, newer: bool
) -> PostHead | None:
    """The next newer or older post of the same collection and language, published at `now`.

    In the order of `newest`, without those that are held. None: there is none.
    """
    place = tuple_(posts.c.published, posts.c.path)
    here = tuple_(to_us(head.published), head.path)
    order = (posts.c.published, posts.c.path)
    rows = connection.execute(
        select(posts)
        .where(
            posts.c.out,
            ~posts.c.held,
            posts.c.published <= to_us(now),
            place > here if newer else place < here,
            *_may_be_in_series(head),
        )
        .order_by(*(column if newer else column.desc() for column in order))
        .execution_options(yield_per=_NEIGHBOURS)
    )
    with closing(rows):
        heads = (other for row in rows if (other := post_row(row).head))
        return next((other for other in heads if _series(other) == _series(head)), None)


_SERIES = ("collection", "language")


def _series(head: PostHead) -> list[Term]:
    """The collection or the language, whose posts follow each other."""
    return [term for term in head.terms if term.kind in _SERIES]


def _may_be_in_series(head: PostHead) -> list[ColumnElement[bool]]:
    """Leave most posts of other series out in the database: there may be thousands of series."""
    labels = {term.kind: term.label for term in head.terms}
    return [
        posts.c.terms.contains(
            terms_json((Term(kind=kind, label=labels[kind]),))[1:-1], autoescape=True
        )
        if kind in labels
        else posts.c.terms.not_like(f'%["{kind}",%')
        for kind in _SERIES
    ]


_FEEDS_DUE = select(posts.c.feeds).where(
    posts.c.out,
    ~posts.c.held,
    posts.c.published > bindparam("after"),
    posts.c.published <= bindparam("until"),
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


def find_by_name(connection: Connection, names: Iterable[str], now: datetime) -> list[PostHead]:
    """The posts that are published at `now` and have one of these names, sorted by path.

    A name is a path or the end of one, with or without the file's suffix. SQLite ignores case here.
    Held posts are found too: an author who links to one knows its address.
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
    return [head for row in rows if (head := post_row(row).head)]


_SHARED_URLS = (
    select(posts.c.url_hash)
    .where(posts.c.url_hash.is_not(None))
    .group_by(posts.c.url_hash)
    .having(func.count() > 1)
)


def with_shared_address(connection: Connection) -> list[tuple[str, str]]:
    """(url, path) of each post whose page is the file of another's, sorted."""
    return sorted(
        (row.url, row.path)
        for batch in batches(connection.scalars(_SHARED_URLS))
        for row in connection.execute(
            select(posts.c.url, posts.c.path).where(posts.c.url_hash.in_(batch))
        )
    )


# As the index has it: SQLAlchemy would write `maybe_copy = 1` for SQLite, which needs a scan then.
_MAYBE_COPIES = select(posts.c.path, posts.c.title, posts.c.published).where(
    text("posts.maybe_copy"), posts.c.out
)
_OF_DATES = select(posts.c.path, posts.c.title, posts.c.published).where(
    posts.c.published.in_(bindparam("dates", expanding=True)), posts.c.out
)


def groups_with_copies(connection: Connection) -> list[tuple[set[str], set[str]]]:
    """Posts that are named as copies, and all posts that have their title and date.

    Copies that no other post resembles are left out.
    """
    copies: dict[tuple[str, int], set[str]] = {}
    for path, title, date in connection.execute(_MAYBE_COPIES):
        copies.setdefault((title, date), set()).add(path)
    groups: dict[tuple[str, int], set[str]] = {key: set() for key in copies}
    for batch in batches({date for _, date in copies}):
        rows = connection.execute(_OF_DATES, {"dates": batch})
        for path, title, date in rows:
            if (title, date) in groups:
                groups[title, date].add(path)
    return [(copies[key], group) for key, group in groups.items() if len(group) > 1]


def updated_after(connection: Connection, time: datetime) -> list[PostHead]:
    """Posts whose last change is dated later."""
    rows = connection.execute(select(posts).where(posts.c.out, posts.c.updated > to_us(time)))
    return [head for row in rows if (head := post_row(row).head)]
