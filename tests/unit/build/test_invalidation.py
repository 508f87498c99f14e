"""What is stale although no post changed."""

import os
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from builds import NOW, REPORT, SNAPSHOT, a_state, file_row, post_row, store
from msgspec.structs import replace

from syndicator.build import invalidation
from syndicator.build.dependencies import TODAY, Dependencies, state_of_day
from syndicator.build.invalidation import Facts, StaleParts, find_stale, look, period
from syndicator.build.snapshot import Snapshot
from syndicator.model.content import FileState
from syndicator.outputs.folder import OutputFolder
from syndicator.sources.referenced_files import FileStates, needs_text
from syndicator.store import entries, feeds, posts
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import PostRow

HOUR = timedelta(hours=1)
EARLIER, LATER = NOW - HOUR, NOW + HOUR


def known(*, built_at: datetime | None, next_due: datetime | None = None) -> Snapshot:
    """What a run of this process left. `built_at`: when."""
    return replace(SNAPSHOT, built_at=built_at, report=replace(REPORT, next_due=next_due))


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (known(built_at=None), None),
        (known(built_at=EARLIER), None),  # no post waits
        (known(built_at=EARLIER, next_due=LATER), None),
        (known(built_at=EARLIER, next_due=NOW), (EARLIER, NOW)),
        (known(built_at=EARLIER, next_due=NOW - HOUR / 2), (EARLIER, NOW)),
        (known(built_at=NOW), None),
        (known(built_at=NOW, next_due=LATER), None),
        # The clock was set back.
        (known(built_at=LATER), (NOW, LATER)),
        (known(built_at=LATER, next_due=LATER + HOUR), (NOW, LATER)),
        # Loaded from the state: it is not known yet when a post is due.
        (replace(SNAPSHOT, built_at=None), None),
        (replace(SNAPSHOT, built_at=EARLIER), (EARLIER, NOW)),
        (replace(SNAPSHOT, built_at=NOW), (NOW, NOW)),
        (replace(SNAPSHOT, built_at=LATER), (NOW, LATER)),
    ],
)
def test_the_dates_that_are_due(
    snapshot: Snapshot, expected: tuple[datetime, datetime] | None
) -> None:
    """Those since the last build. If the clock was set back, those that are ahead again."""
    assert period(snapshot, NOW) == expected


OLD, NEW = (1, 10), (2, 20)
DUE = post_row("due.md", feeds=("all",))

USING_FILES = replace(
    SNAPSHOT,
    dependencies=Dependencies({"image.md": {"a.png": OLD}, "other.md": {"b.png": OLD}}),
    using_posts=frozenset({"list.md"}),
)


def facts(
    states: dict[str, FileState] | None = None,
    lost: frozenset[str] = frozenset(),
    due: tuple[PostRow, ...] | None = None,
) -> Facts:
    return Facts(states=states or {}, lost=lost, due=due)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (facts(), StaleParts()),
        (facts({"a.png": OLD, "b.png": OLD}), StaleParts()),
        (facts({"a.png": NEW}), StaleParts(entries=frozenset({"image.md"}))),
        (facts(lost=frozenset({"all"})), StaleParts(feeds=frozenset({"all"}))),
        (
            facts(due=(DUE,)),
            StaleParts(
                entries=frozenset({"list.md"}),
                feeds=frozenset({"all"}),
                due=(DUE,),
                date_passed=True,
            ),
        ),
        (facts(due=()), StaleParts(date_passed=True)),
        (
            facts({"b.png": None}, frozenset({""}), (DUE,)),
            StaleParts(
                entries=frozenset({"other.md", "list.md"}),
                feeds=frozenset({"", "all"}),
                due=(DUE,),
                date_passed=True,
            ),
        ),
    ],
)
def test_what_facts_make_stale(found: Facts, expected: StaleParts) -> None:
    """Entries by their files; feeds by their files and posts that are due.

    A post that is due also changes the entries that show other posts.
    """
    assert find_stale(USING_FILES, found) == expected


@pytest.mark.parametrize(
    ("stale", "expected"),
    [
        (StaleParts(), False),
        (StaleParts(entries=frozenset({"a.md"})), True),
        (StaleParts(feeds=frozenset({"all"})), True),
        (StaleParts(date_passed=True), True),
    ],
)
def test_nothing_is_stale(stale: StaleParts, expected: bool) -> None:
    """A date that passed is something: the report says when the next one will."""
    assert bool(stale) is expected


# ------------------------------------------------------------------ with folders and a state


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with a_state(tmp_path) as database:
        yield database


def looked(
    database: Database,
    snapshot: Snapshot,
    changed_paths: Collection[str] | None = None,
    now: datetime = NOW,
) -> Facts:
    """What `look` finds now, in `site` and `feeds` beside the state."""
    assert database.path
    folder = database.path.parent
    output = OutputFolder(folder / "feeds", ("gzip",))
    return look(snapshot, now, changed_paths, FileStates(folder / "site"), output, database)


def write(root: Path, path: str) -> Path:
    """Save a file of five bytes, with the mtime of `builds.file_row`."""
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_text("12345")
    os.utime(full, ns=(10**18, 10**18))
    return full


def test_files_of_the_site_are_looked_at(tmp_path: Path, database: Database) -> None:
    """Those that entries depend on, each as it is now. None: it is missing."""
    write(tmp_path, "site/a.png")
    write(tmp_path, "site/a.txt")
    write(tmp_path, "site/unused.png")
    used = {"a.png": (4, 0), "a.txt": (5, 1), "b.png": None}
    states = looked(database, replace(SNAPSHOT, dependencies=Dependencies({"p": used}))).states
    assert {path: state and state[0] for path, state in states.items()} == {
        "a.png": 5,
        "a.txt": 5,
        "b.png": None,
    }
    assert [needs_text(states[path]) for path in used] == [False, True, False]


def test_entries_that_show_the_day_are_stale_at_midnight(database: Database) -> None:
    """In the site's time zone, and only those. A few changed paths don't make one look."""
    site = replace(SNAPSHOT.site, timezone=ZoneInfo("Asia/Tokyo"))
    dependencies = Dependencies({"day.md": {TODAY: state_of_day(NOW, site.timezone)}})
    snapshot = replace(SNAPSHOT, site=site, dependencies=dependencies, built_at=None)
    midnight = NOW.astimezone(site.timezone).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    before, after = (looked(database, snapshot, now=midnight + each) for each in (-HOUR, HOUR))
    assert find_stale(snapshot, before).entries == frozenset()
    assert find_stale(snapshot, after).entries == {"day.md"}
    assert looked(database, snapshot, ["a.md"], now=midnight + HOUR).states == {}


def test_only_changed_paths_are_looked_at(tmp_path: Path, database: Database) -> None:
    """Neither the other files of the site, nor the published ones; of no paths, none at all."""
    snapshot = replace(USING_FILES, files={"all.rss": file_row("all.rss")})
    assert looked(database, snapshot, ["b.png", "unused.png"]) == facts({"b.png": None})
    assert looked(database, snapshot, []) == facts()
    assert looked(database, snapshot).lost == {"all"}


def test_lost_files_are_those_of_their_feeds(tmp_path: Path, database: Database) -> None:
    """Someone else changed or removed them. A removed feed's files are not missed."""
    rows = [
        file_row("all.rss"),
        file_row("changed.rss"),
        file_row("missing.rss"),
        file_row("gone.rss", gone=True),
        file_row("zipped.rss", disk={"": (5, 10**18), ".gz": (5, 10**18)}),
        file_row("index.html", feed=""),
    ]
    for row in rows[:2]:
        write(tmp_path, f"feeds/{row.path}")
    write(tmp_path, "feeds/changed.rss").write_text("oops")
    write(tmp_path, "feeds/zipped.rss")
    snapshot = replace(SNAPSHOT, files={row.path: row for row in rows})
    assert looked(database, snapshot).lost == {"changed", "missing", "zipped", ""}


@pytest.mark.parametrize(
    ("snapshot", "due"),
    [
        (known(built_at=EARLIER), None),
        (known(built_at=EARLIER, next_due=NOW), {"all", "now"}),
        (known(built_at=LATER), {"all", "later"}),
        (replace(SNAPSHOT, built_at=EARLIER - HOUR), {"all", "earlier", "now"}),
        (replace(SNAPSHOT, built_at=NOW), set()),
    ],
)
def test_feeds_of_posts_that_are_due(
    database: Database, snapshot: Snapshot, due: set[str] | None
) -> None:
    """Of the dates of `period`: later than the first, and not later than the second."""
    dates = {"earlier": EARLIER, "now": NOW, "later": LATER}
    rows = [
        post_row(f"{name}.md", published=date, feeds=("all", name)) for name, date in dates.items()
    ]
    store(database, *rows)
    found = looked(database, snapshot).due
    assert (None if found is None else {name for row in found for name in row.feeds}) == due


def test_stale_parts_are_marked(database: Database) -> None:
    """Entries, the feeds their posts are in, and feeds. The entries are shown meanwhile."""
    store(database, post_row("a.md", feeds=("of-a",)), post_row("b.md", feeds=("of-b",)))
    with database.begin() as connection:
        entry = {"key": "k", "entry": None, "uses_posts": False, "needs": {}}
        entries.put(connection, [EntryRow(path=path, **entry) for path in ("a.md", "b.md")])
        names = ("of-a", "of-b", "lost")
        rows = [FeedRow(name=name, kind="tag", label=name, folded=name) for name in names]
        feeds.put(connection, [replace(row, stale=False) for row in rows])
        stale = StaleParts(entries=frozenset({"a.md"}), feeds=frozenset({"lost"}))
        invalidation.apply(connection, stale)
        assert {row.name for row in feeds.stale(connection)} == {"of-a", "lost"}
        assert posts.get(connection, ["a.md"])["a.md"].digest == "bytes"  # it is not read again
        keys = entries.get(connection, ["a.md", "b.md"], _no_cache())
        assert {path: row.key for path, row in keys.items()} == {"a.md": "", "b.md": "k"}


def _no_cache() -> entries.Recent:
    return entries.Recent(0)
