"""The pages of new posts that are asked for until they are live."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update

from syndicator.model.awaited import AwaitedPage, PageAnswer
from syndicator.store.schema import awaited_pages, posts
from syndicator.store.sql import among, among_values, batches, upsert
from syndicator.store.times import from_us, to_us

_OF_ITS_POST = and_(posts.c.path == awaited_pages.c.path, posts.c.url == awaited_pages.c.url)

_ALL = (
    select(awaited_pages, posts.c.held, posts.c.published)
    .join(posts, _OF_ITS_POST)
    .order_by(posts.c.published.desc(), posts.c.path.desc())
)


def all_pages(connection: Connection) -> list[AwaitedPage]:
    """Every awaited page of a post that has this address, the newest posts first."""
    return [
        AwaitedPage(
            path=row.path,
            url=row.url,
            published=from_us(row.published),
            since=from_us(row.since),
            held=row.held,
            late=row.late,
            live=row.live,
            attempts=row.attempts,
            asked=from_us(row.asked),
            answer=row.answer,
        )
        for row in connection.execute(_ALL)
    ]


_COUNT_HELD = (
    select(func.count()).select_from(awaited_pages).join(posts, _OF_ITS_POST).where(posts.c.held)
)


def count_held(connection: Connection) -> int:
    """The number of posts that wait for their page."""
    return connection.scalar(_COUNT_HELD) or 0


def put(connection: Connection, pages: Iterable[tuple[str, str, datetime]]) -> None:
    """Begin to await pages: the path of each post, its address, and since when."""
    upsert(
        connection,
        awaited_pages,
        [
            {
                "path": path,
                "url": url,
                "since": to_us(since),
                "late": False,
                "live": False,
                "attempts": 0,
                "asked": None,
                "answer": None,
            }
            for path, url, since in pages
        ],
    )


_RECORD = (
    update(awaited_pages)
    .where(awaited_pages.c.path == bindparam("path_"), awaited_pages.c.url == bindparam("url_"))
    .values(
        attempts=awaited_pages.c.attempts + 1,
        asked=bindparam("asked_"),
        answer=bindparam("answer_"),
        live=bindparam("live_"),
    )
)


def record(
    connection: Connection, answers: Sequence[tuple[AwaitedPage, PageAnswer]], now: datetime
) -> None:
    """Record what requests showed. A post that has another address by now is left as it is."""
    rows = [
        {
            "path_": page.path,
            "url_": page.url,
            "asked_": to_us(now),
            "answer_": answer.text,
            "live_": answer.live,
        }
        for page, answer in answers
    ]
    if rows:
        connection.execute(_RECORD, rows)


_SET_LATE = (
    update(awaited_pages)
    .where(awaited_pages.c.path == bindparam("path_"))
    .values(late=bindparam("late_"))
)


def set_late(connection: Connection, late: Mapping[str, bool]) -> None:
    """Store which posts are late, by path."""
    rows = [{"path_": path, "late_": value} for path, value in sorted(late.items())]
    if rows:
        connection.execute(_SET_LATE, rows)


_REMOVE = delete(awaited_pages).where(among(awaited_pages.c.path))
_REMOVE_OTHERS = delete(awaited_pages).where(~exists().where(_OF_ITS_POST))


def remove(connection: Connection, paths: Iterable[str]) -> None:
    """Await the pages of these posts no longer, nor those of addresses that no post has."""
    for batch in batches(sorted(paths)):
        connection.execute(_REMOVE, among_values(batch))
    connection.execute(_REMOVE_OTHERS)
