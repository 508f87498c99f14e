"""The pages of new posts that are asked for until they are live."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from syndicator.model.awaited import AwaitedPage, PageAnswer
from syndicator.store.schema import awaited_pages, posts
from syndicator.store.sql import among, execute_among, rows_among, upsert
from syndicator.store.times import from_us, to_us

_NOT_ASKED = {"late": False, "live": False, "attempts": 0, "asked": None, "answer": None}
_ALL = select(awaited_pages)
_POSTS = select(posts.c.path, posts.c.url, posts.c.held, posts.c.published).where(
    among(posts.c.path)
)


def all_pages(connection: Connection) -> list[AwaitedPage]:
    """Every awaited page of a post that has this address, the newest posts first.

    The few rows are joined here: SQLite's planner would go through all posts.
    """
    rows = {row.path: row for row in connection.execute(_ALL)}
    pages = []
    for post in rows_among(connection, _POSTS, rows):
        row = rows[post.path]
        if post.url == row.url:
            times = {"since": from_us(row.since), "asked": from_us(row.asked)}
            of_post = {"published": from_us(post.published), "held": post.held}
            pages.append(AwaitedPage(**{**row._mapping, **times, **of_post}))
    return sorted(pages, key=lambda page: (page.published, page.path), reverse=True)


def put(connection: Connection, pages: Iterable[tuple[str, str, datetime]]) -> None:
    """Begin to await pages: the path of each post, its address, and since when."""
    rows = [
        {"path": path, "url": url, "since": to_us(since), **_NOT_ASKED}
        for path, url, since in pages
    ]
    upsert(connection, awaited_pages, rows)


_RECORD = (
    update(awaited_pages)
    .where(awaited_pages.c.path == bindparam("path_"), awaited_pages.c.url == bindparam("url_"))
    .values(attempts=awaited_pages.c.attempts + 1)
)


def record(
    connection: Connection, answers: Sequence[tuple[AwaitedPage, PageAnswer]], now: datetime
) -> None:
    """Record what requests showed. A post that has another address by now is left as it is."""
    rows = [
        {
            "path_": page.path,
            "url_": page.url,
            "asked": to_us(now),
            "answer": answer.text,
            "live": answer.live,
        }
        for page, answer in answers
    ]
    if rows:
        connection.execute(_RECORD, rows)


_SET_LATE = update(awaited_pages).where(awaited_pages.c.path == bindparam("path_"))


def set_late(connection: Connection, late: Mapping[str, bool]) -> None:
    """Store which posts are late, by path."""
    rows = [{"path_": path, "late": value} for path, value in sorted(late.items())]
    if rows:
        connection.execute(_SET_LATE, rows)


_REMOVE = delete(awaited_pages).where(among(awaited_pages.c.path))
_REMOVE_OTHERS = delete(awaited_pages).where(
    ~exists().where(posts.c.path == awaited_pages.c.path, posts.c.url == awaited_pages.c.url)
)


def remove(connection: Connection, paths: Iterable[str]) -> None:
    """Await the pages of these posts no longer, nor those of addresses that no post has."""
    execute_among(connection, _REMOVE, sorted(paths))
    connection.execute(_REMOVE_OTHERS)
