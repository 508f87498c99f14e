"""The pages of the archives, and the places whose pages are outdated."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import asdict
from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.places import Interval, Place
from syndicator.store.feeds import to_disk
from syndicator.store.post_rows import PostRow, place_of
from syndicator.store.schema import archive_changes, archive_pages, feed_posts, feeds
from syndicator.store.sql import to_row, upsert
from syndicator.store.times import from_us, to_us

#: The key of a feed whose whole archive is still to be made.
UNMADE = ""


class ArchiveSummary(NamedTuple):
    """What the archives of all feeds hold."""

    pages: int
    waiting: int  #: places of posts whose page is not up to date
    bytes: int  #: of all files


_PAGES = select(archive_pages).order_by(archive_pages.c.oldest, archive_pages.c.oldest_path)
_OF_FEED = _PAGES.where(archive_pages.c.feed == bindparam("of"))
_NEWEST = (
    select(archive_pages)
    .where(archive_pages.c.feed == bindparam("of"), archive_pages.c.ended.is_(None))
    .order_by(archive_pages.c.oldest.desc(), archive_pages.c.oldest_path.desc())
)
_NOT_AFTER = _NEWEST.where(archive_pages.c.oldest <= bindparam("at"))
_CHANGES = select(archive_changes).where(archive_changes.c.feed == bindparam("of"))
_ARCHIVED = select(feeds.c.name).where(feeds.c.archive_key.is_not(None))
_UNMARK = delete(archive_changes).where(
    *(key == bindparam(key.name) for key in archive_changes.primary_key)
)


def all_pages(connection: Connection) -> Iterator[ArchivePage]:
    """Every page, also those that ended."""
    return map(_page, connection.execute(_PAGES.execution_options(yield_per=1000)))


def pages_of(connection: Connection, feed: str) -> list[ArchivePage]:
    """The pages of a feed, oldest first, also those that ended."""
    return [_page(row) for row in connection.execute(_OF_FEED, {"of": feed})]


class Continuation(NamedTuple):
    """Where the history of a feed continues after some of its newest posts."""

    newest: str  #: the name of the archive's newest page
    page: str  #: the name of the page with the next older post


def continuation(
    connection: Connection, feed: str, older: Place, formats: Collection[str]
) -> Continuation | None:
    """`older`: the place of the next older post. `formats`: those of the feed.

    None: it is newer than every page in use, or the newest page, which is made last, is not there
    in each format yet.
    """
    newest = connection.execute(_NEWEST.limit(1), {"of": feed}).first()
    if newest is None:
        return None
    last = _page(newest)
    if older > last.newest or not last.files.keys() >= set(formats):
        return None
    rows = connection.execute(_NOT_AFTER.limit(100), {"of": feed, "at": to_us(older.published)})
    pages = (page for page in map(_page, rows) if page.oldest <= older)
    page = next(pages, None)
    return Continuation(newest.name, page.name if page else newest.name)


_LATEST = (
    select(archive_pages)
    .where(archive_pages.c.feed == bindparam("of"))
    .order_by(archive_pages.c.newest.desc(), archive_pages.c.newest_path.desc())
    .limit(1)
)


def latest(connection: Connection, feed: str) -> ArchivePage | None:
    """The page with the newest post, in use or ended; None: there are no pages."""
    row = connection.execute(_LATEST, {"of": feed}).first()
    return None if row is None else _page(row)


def put(connection: Connection, pages: Iterable[ArchivePage]) -> None:
    upsert(connection, archive_pages, [_columns(page) for page in pages])


def changes(connection: Connection, feed: str) -> list[Place]:
    """The places of a feed whose pages are outdated, oldest first."""
    rows = connection.execute(_CHANGES, {"of": feed})
    return sorted(Place(from_us(row.published), row.path) for row in rows)


def mark(connection: Connection, places: Iterable[tuple[str, Place]]) -> None:
    """Have the pages of these places made again: each a feed's name and a place in it."""
    rows = [to_row({"feed": feed, **place._asdict()}) for feed, place in places]
    upsert(connection, archive_changes, rows)


def mark_posts(connection: Connection, rows: Iterable[PostRow]) -> None:
    """Have the pages of these posts made again, in the feeds whose whole archive was made once."""
    if archived := set(connection.scalars(_ARCHIVED)):
        posts = [row for row in rows if row.head]
        places = ((name, place_of(row)) for row in posts for name in archived & {*row.feeds})
        mark(connection, places)


def unmark(connection: Connection, feed: str, places: Collection[Place]) -> None:
    if places:
        rows = [to_row({"feed": feed, **place._asdict()}) for place in places]
        connection.execute(_UNMARK, rows)


def outdated_feeds(connection: Connection) -> set[str]:
    """The feeds with outdated pages."""
    return set(connection.scalars(select(archive_changes.c.feed).distinct()))


def kept_feeds(connection: Connection) -> set[str]:
    """The feeds whose whole archive was made once, or that have outdated places."""
    return {*connection.scalars(_ARCHIVED), *outdated_feeds(connection)}


def set_key(connection: Connection, feed: str, key: str | None) -> None:
    """Remember the settings that a feed's whole archive was made with; None: it has none."""
    connection.execute(update(feeds).where(feeds.c.name == feed).values(archive_key=key))


def summary(connection: Connection) -> ArchiveSummary:
    """Pages in use, places that wait, and the room of all files, also of pages that ended."""
    count = 0
    size = 0
    for row in connection.execute(select(archive_pages.c.files, archive_pages.c.ended)):
        count += row.ended is None
        for _, _, disk in json.loads(row.files).values():
            size += sum(stat[0] for stat in disk.values())
    changed = connection.scalar(select(func.count()).select_from(archive_changes)) or 0
    unmade = sum(posts for posts, shown in connection.execute(_UNMADE_POSTS) if posts > shown)
    return ArchiveSummary(count, changed + unmade, size)


#: How many posts each feed has, and shows, whose whole archive is still to be made.
_UNMADE_POSTS = select(
    select(func.count()).where(feed_posts.c.feed == feeds.c.name).scalar_subquery(), feeds.c.shown
).where(feeds.c.archive_key == UNMADE)


def _columns(page: ArchivePage) -> dict[str, Any]:
    values = {
        **asdict(page),
        **page.block._asdict(),
        "oldest": page.oldest.published,
        "oldest_path": page.oldest.path,
        "newest": page.newest.published,
        "newest_path": page.newest.path,
        "open": page.is_open,
        "files": {
            suffix: (file.digest, to_us(file.updated), dict(file.disk))
            for suffix, file in page.files.items()
        },
    }
    return to_row({name: values[name] for name in archive_pages.columns.keys()})  # noqa: SIM118


def _page(row: Row[Any]) -> ArchivePage:
    return ArchivePage(
        name=row.name,
        feed=row.feed,
        block=Interval(row.bits, bytes(row.prefix)),
        oldest=Place(from_us(row.oldest), row.oldest_path),
        newest=Place(from_us(row.newest), row.newest_path),
        posts=tuple(json.loads(row.posts)),
        key=row.key,
        older=row.older,
        newer=row.newer,
        files=_files(row.files),
        is_open=row.open,
        ended=from_us(row.ended),
        moved_to=row.moved_to,
    )


def _files(text: str) -> Mapping[str, ArchivedFile]:
    return {
        suffix: ArchivedFile(digest, from_us(updated), to_disk(disk))
        for suffix, (digest, updated, disk) in json.loads(text).items()
    }
