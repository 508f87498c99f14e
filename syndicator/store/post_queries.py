"""The posts of a feed, those that are due, and others that are looked for in the index."""

from collections.abc import Collection
from contextlib import closing
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    bindparam,
    func,
    or_,
    select,
    text,
    tuple_,
)

from syndicator.model.content import PostHead, Term
from syndicator.model.places import Place
from syndicator.store.post_rows import PostRow, post_row, terms_json
from syndicator.store.schema import feed_posts, posts
from syndicator.store.sql import batches
from syndicator.store.times import from_us, to_us

#: Rows read at a time in search of a neighbour: most often it is the first.
_NEIGHBOURS = 10

_MOST = bindparam("most", type_=Integer)

_NEWEST = (
    select(posts)
    .join(feed_posts, feed_posts.c.path == posts.c.path)
    .where(feed_posts.c.feed == bindparam("of"), feed_posts.c.published <= bindparam("now"))
    .order_by(feed_posts.c.published.desc(), feed_posts.c.path.desc())
    .limit(_MOST)
)


def newest(connection: Connection, feed: str, now: datetime, limit: int) -> list[PostRow]:
    """The posts of a feed that are published at `now`, newest first; at one time, last path first.

    Jekyll sorts by date and then by path (jekyll/document.rb, `<=>`); jekyll-feed reads backwards.
    """
    rows = connection.execute(_NEWEST, {"of": feed, "now": to_us(now), "most": limit})
    return [_recent_row(row) for row in rows]


#: The posts of a feed that changed are those of the last time, but for one.
_recent_row = lru_cache(maxsize=1024)(post_row)

_COUNTS = (
    select(feed_posts.c.feed, func.count())
    .where(feed_posts.c.published <= bindparam("now"))
    .group_by(feed_posts.c.feed)
)


def counts(connection: Connection, now: datetime) -> dict[str, int]:
    """How many posts each feed has that are published at `now`. Reads the whole index of feeds."""
    rows = connection.execute(_COUNTS, {"now": to_us(now)})
    return {row[0]: row[1] for row in rows}


_OF_FEED = select(feed_posts.c.published, feed_posts.c.path).where(
    feed_posts.c.feed == bindparam("of")
)
_OLDEST_FIRST = (feed_posts.c.published, feed_posts.c.path)
_NEWEST_FIRST = (feed_posts.c.published.desc(), feed_posts.c.path.desc())
_PLACES = _OF_FEED.where(
    feed_posts.c.published.between(bindparam("first"), bindparam("last"))
).order_by(*_OLDEST_FIRST)


def places(connection: Connection, feed: str, first: datetime, last: datetime) -> list[Place]:
    """The places of a feed's posts that are dated between `first` and `last`, oldest first."""
    values = {"of": feed, "first": to_us(first), "last": to_us(last)}
    return [_place(row) for row in connection.execute(_PLACES, values)]


_HERE = tuple_(*_OLDEST_FIRST)
_AT = tuple_(bindparam("published_"), bindparam("path_"))
_BEFORE = _OF_FEED.where(_HERE < _AT).order_by(*_NEWEST_FIRST).limit(_MOST)
_NOT_BEFORE = (
    _OF_FEED.where(_HERE >= _AT, feed_posts.c.published <= bindparam("until"))
    .order_by(*_OLDEST_FIRST)
    .limit(_MOST)
)


def places_around(
    connection: Connection, feed: str, place: Place, until: datetime, most: int
) -> list[Place]:
    """`most` places of a feed before one, and it with as many after it if it is in the feed.

    Fewer if there are no more. The posts are dated up to `until`.
    """
    at = {"of": feed, "published_": to_us(place.published), "path_": place.path}
    before = connection.execute(_BEFORE, {**at, "most": most})
    here = connection.execute(_NOT_BEFORE, {**at, "most": most + 1, "until": to_us(until)})
    return [*reversed([_place(row) for row in before]), *map(_place, here)]


def place_before(connection: Connection, feed: str, place: Place) -> Place | None:
    """The place of the next older post; None: there is none."""
    at = {"of": feed, "published_": to_us(place.published), "path_": place.path}
    row = connection.execute(_BEFORE, {**at, "most": 1}).first()
    return None if row is None else _place(row)


def _place(row: Row[int, str]) -> Place:
    return Place(from_us(row.published), row.path)


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


_DUE = select(posts).where(
    posts.c.out,
    ~posts.c.held,
    posts.c.published > bindparam("after"),
    posts.c.published <= bindparam("until"),
)


def due(connection: Connection, after: datetime, until: datetime) -> list[PostRow]:
    """The posts that became due later than `after` and not later than `until`."""
    rows = connection.execute(_DUE, {"after": to_us(after), "until": to_us(until)})
    return [post_row(row) for row in rows]


_FUTURE = (posts.c.out, posts.c.published > bindparam("now"))
_NEXT_DUE = select(func.min(posts.c.published)).where(*_FUTURE)


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When the next future post is due; None: no post waits."""
    first: int | None = connection.scalar(_NEXT_DUE, {"now": to_us(now)})
    return from_us(first)


def future(connection: Connection, now: datetime, limit: int) -> list[PostRow]:
    """The posts that are due after `now`, the next one first."""
    rows = connection.execute(
        select(posts).where(*_FUTURE).order_by(posts.c.published, posts.c.path).limit(limit),
        {"now": to_us(now)},
    )
    return [post_row(row) for row in rows]


def count_future(connection: Connection, now: datetime) -> int:
    """How many posts are due after `now`."""
    return connection.scalar(select(func.count()).where(*_FUTURE), {"now": to_us(now)}) or 0


def find_by_name(connection: Connection, names: Collection[str], now: datetime) -> list[PostHead]:
    """The posts that are published at `now` and have one of these names, sorted by path.

    A name is a path or the end of one, with or without the file's suffix. SQLite ignores case here.
    Held posts are found too: an author who links to one knows its address.
    """
    path = "/" + posts.c.path
    matches = [path.endswith(f"/{name}", autoescape=True) for name in names]
    matches += [path.contains(f"/{name}.", autoescape=True) for name in names]
    rows = connection.execute(
        select(posts)
        .where(posts.c.out, posts.c.published <= to_us(now), or_(*matches))
        .order_by(posts.c.path)
    )
    return [head for row in rows if (head := post_row(row).head)]


def paths_by_ending(connection: Connection, name: str) -> list[str]:
    """The paths of documents, posts or not, that end in `name`, with or without a suffix."""
    path = posts.c.path
    matches = path.endswith(name, autoescape=True) | path.contains(f"{name}.", autoescape=True)
    return list(connection.scalars(select(path).where(matches)))


_SHARED_URLS = (
    select(posts.c.url_hash)
    .where(posts.c.url_hash.is_not(None))
    .group_by(posts.c.url_hash)
    .having(func.count() > 1)
)


def with_shared_address(connection: Connection) -> list[tuple[str, str]]:
    """(url, path) of each post whose page is the file of another's, sorted."""
    shared = select(posts.c.url, posts.c.path).where(posts.c.url_hash.in_(_SHARED_URLS))
    return sorted((url, path) for url, path in connection.execute(shared))


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
