"""The pages of archives in the state, and what an update finds out of date in the index."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from values import NOW, archive_page, feed_row, head, post_row, seconds, spec

from syndicator.build.archive_plan import END, decide, posts_on_a_page, posts_without_page
from syndicator.build.archive_regions import FeedIndex
from syndicator.build.page_borders import Block, blocks
from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.places import EVERYTHING, Place, interval_of
from syndicator.store import archives, feeds, posts
from syndicator.store.database import Database
from syndicator.store.post_rows import PostRow, place_of

FILE = ArchivedFile("digest", datetime(2026, 1, 2, tzinfo=UTC), {"": (5, 10**18), ".gz": (3, 7)})
FAR = [datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, 9, 0, 0, 1, UTC)]


def put(database: Database, *pages: ArchivePage) -> None:
    with database.begin() as connection:
        archives.put(connection, pages)


def page(day: int, name: str = "", **fields: Any) -> ArchivePage:
    """A page with the posts of a day and of the next one."""
    first = datetime(2026, 1, day, tzinfo=UTC)
    oldest, newest = Place(first, "a.md"), Place(first + timedelta(days=1), "b.md")
    values: dict[str, Any] = {"oldest": oldest, "newest": newest, "feed": "all"} | fields
    return replace(archive_page(name or f"all/{day}", {"rss": FILE}), **values)


def test_a_page_is_read_as_it_was_stored(database: Database) -> None:
    """With names in other scripts, the first and the last dates, and intervals of any length."""
    places = [Place(at, f"_posts/é{'x' * 200}\U0001f600.md") for at in FAR]
    stored = [
        page(
            3,
            f"category/日本/{bits}",
            feed="category/日本",
            block=interval_of(places[0], bits),
            oldest=places[0],
            newest=places[1],
            posts=("b", "é"),
            older="x",
            is_open=True,
        )
        for bits in (0, 1, 63, 200)
    ]
    ended = page(4, ended=NOW, moved_to="all")
    put(database, *stored, ended)
    with database.read() as connection:
        assert {each.name: each for each in archives.pages_of(connection, "category/日本")} == {
            each.name: each for each in stored
        }
        assert {each.name for each in archives.all_pages(connection)} == {
            each.name for each in (*stored, ended)
        }
        assert archives.pages_of(connection, "all") == [ended]
    put(database, replace(ended, ended=None, moved_to=None, files={}))
    with database.read() as connection:
        assert archives.pages_of(connection, "all") == [
            replace(ended, ended=None, moved_to=None, files={})
        ]


@pytest.mark.parametrize(
    ("day", "formats", "expected"),
    [
        (1, {"rss"}, ("all/3", "all/1")),
        (3, {"rss"}, ("all/3", "all/3")),
        (4, {"rss"}, ("all/3", "all/3")),
        (5, {"rss"}, None),  # newer than every page
        (3, {"rss", "atom"}, None),  # the page is not there in each format yet
    ],
)
def test_where_a_history_continues(
    database: Database, day: int, formats: set[str], expected: tuple[str, str] | None
) -> None:
    """Pages that ended, and those of other feeds, do not count."""
    other = page(9, "category/x/9", feed="category/x")
    put(database, page(1), page(3), page(5, ended=NOW, moved_to="all"), other)
    older = Place(datetime(2026, 1, day, tzinfo=UTC), "a.md")
    with database.read() as connection:
        assert archives.continuation(connection, "all", older, formats) == expected
        assert archives.continuation(connection, "none", older, formats) is None


def test_the_places_that_wait(database: Database) -> None:
    """Each once, in the order of a feed, until they are taken back."""
    one, other = (Place(at, "é.md") for at in FAR)
    with database.begin() as connection:
        archives.mark(connection, [("all", other), ("all", one), ("all", one), ("x", one)])
        archives.mark(connection, [("all", one)])
    with database.begin() as connection:
        assert archives.changes(connection, "all") == [one, other]
        assert archives.outdated_feeds(connection) == {"all", "x"}
        assert archives.summary(connection).waiting == 3
        archives.unmark(connection, "all", [one])
        archives.unmark(connection, "x", [one, other])
        archives.unmark(connection, "x", [])
    with database.read() as connection:
        assert archives.changes(connection, "all") == [other]
        assert archives.outdated_feeds(connection) == {"all"}


def test_posts_are_marked_in_feeds_that_have_an_archive(database: Database) -> None:
    """A feed whose archive was never made, or was removed, has nothing to make again."""
    row = post_row(feeds=("all", "category/x", "category/y"))
    with database.begin() as connection:
        feeds.put(connection, [feed_row("all"), feed_row("category/x"), feed_row("category/y")])
        archives.set_key(connection, "all", "1")
        archives.set_key(connection, "category/x", "1")
        archives.set_key(connection, "category/x", None)
        archives.mark_posts(connection, [row, post_row("hidden.md", head=None)])
    with database.read() as connection:
        assert archives.outdated_feeds(connection) == {"all"}
        assert archives.changes(connection, "all") == [place_of(row)]


def test_the_room_of_archives(database: Database) -> None:
    """Pages that ended take room, and don't count as pages."""
    put(database, page(1), page(3, ended=NOW, moved_to="all"), page(5, files={}))
    with database.read() as connection:
        assert archives.summary(connection) == (2, 0, 16)


class Index:
    """The posts of a feed in a state, and the pages that updates left."""

    def __init__(self, database: Database, limit: int) -> None:
        self.database = database
        self.spec = spec("all", limit=limit)
        self.most = posts_on_a_page(limit)
        self.rows: dict[str, PostRow] = {}
        self.pages: list[ArchivePage] = []

    def put(self, path: str, published: datetime) -> list[Place]:
        """Save a post. Returns the places that changed: where it was, and where it is."""
        before = self.rows.get(path)
        self.rows[path] = row = post_row(path, head=head(path, published=published))
        with self.database.begin() as connection:
            posts.put(connection, [row], [before] if before else [])
        return [place_of(each) for each in (before, row) if each]

    def remove(self, path: str) -> list[Place]:
        row = self.rows.pop(path)
        with self.database.begin() as connection:
            posts.remove(connection, [row])
        return [place_of(row)]

    def update(self, changed: list[Place] | None) -> int:
        """Make the pages of a plan. Returns how many differ from those before."""
        shown = min(self.spec.limit, len(self.rows))
        with self.database.read() as connection:
            index = FeedIndex(connection, self.spec, NOW)
            plan = index.plan(self.pages, shown, changed)
        before = {(each.block, each.posts) for each in self.pages}
        self.pages = sorted((*plan.keep, *map(made, plan.make)), key=lambda each: each.oldest)
        return len({(each.block, each.posts) for each in self.pages} - before)

    def from_nothing(self) -> list[tuple[object, ...]]:
        places = sorted(
            place for row in self.rows.values() if (place := place_of(row)).published <= NOW
        )
        without = posts_without_page(min(self.spec.limit, len(places)))
        edge = places[-without] if without else END
        every = decide([], [EVERYTHING], blocks(places, self.most), edge).make
        return [(block.interval, block.places) for block in every]


def made(block: Block) -> ArchivePage:
    return archive_page(
        f"all/{block.interval.name}",
        {},
        block=block.interval,
        oldest=block.places[0],
        newest=block.places[-1],
        posts=tuple(block.places),
    )


@pytest.mark.parametrize("limit", [4, 30])
def test_an_update_ends_in_the_pages_of_a_division_from_nothing(
    database: Database, limit: int
) -> None:
    """After any changes, and one change makes few pages. Posts of the future are on no page."""
    dice = random.Random(limit)
    index = Index(database, limit)
    count = 0
    for round_ in range(60):
        changed: list[Place] = []
        for _ in range(dice.choice([1, 1, 5]) if round_ else 50):
            kind = dice.randrange(4) if index.rows and round_ else 3
            if kind == 0:
                changed += index.remove(dice.choice(sorted(index.rows)))
                continue
            count += 1
            path = dice.choice(sorted(index.rows)) if kind == 1 else f"{count}é.md"
            days = dice.choice([0, 0, dice.randrange(800), 700 + round_, -9])
            at = NOW - timedelta(days=800 - days) if days >= 0 else NOW + seconds(count)
            changed += index.put(path, at + seconds(dice.choice([0, count])))
        number = index.update(changed)
        assert [(each.block, each.posts) for each in index.pages] == index.from_nothing()
        assert round_ == 0 or number <= 4 * len(changed)
    assert index.update([]) == index.update(None) == 0


def test_posts_of_an_archive_that_is_still_to_be_made(database: Database) -> None:
    """They wait, unless the feed's document shows them all. Nobody waits for an unwanted one."""
    with database.begin() as connection:
        rows = [feed_row(name, shown=shown) for name, shown in [("a", 2), ("b", 3), ("c", 2)]]
        feeds.put(connection, rows)
        every = ("a", "b", "c")
        posts.put(connection, [post_row(f"{each}.md", feeds=every) for each in range(3)], [])
        for name in ("a", "b"):
            archives.set_key(connection, name, archives.UNMADE)
        assert archives.summary(connection).waiting == 3
        archives.set_key(connection, "a", "key")
        assert archives.summary(connection).waiting == 0
