"""What is known before a run, and when it has to be loaded from the state again."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builds import NOW, OPTIONS, REPORT, SITE, SNAPSHOT, a_state, file_row, post_row, store
from msgspec.structs import replace
from reading import site_of

from syndicator.build import snapshot
from syndicator.build.scan import LastScan
from syndicator.build.settings import settings_of, stored
from syndicator.build.snapshot import Reason, Snapshot, Snapshots
from syndicator.errors import SourceError
from syndicator.model.content import Problem, Term
from syndicator.store import entries, feeds, kv, posts, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.feeds import FeedRow, FileRow

PROBLEM = Problem(path="_config.yml", message="exclude is not a list")
OF_A_RUN = replace(SNAPSHOT, report=REPORT)
MINUTE = timedelta(minutes=1)


def test_the_first_snapshot_is_the_one_from_the_state() -> None:
    """Later ones have the report of a run."""
    assert SNAPSHOT.is_first
    assert not OF_A_RUN.is_first


@pytest.mark.parametrize(
    ("config", "site_problems", "expected"),
    [
        (SITE, (PROBLEM,), True),
        (f"{SITE}# A comment\n", (PROBLEM,), True),
        (f"{SITE}title: Another\n", (PROBLEM,), False),
        (SITE, (), False),
    ],
)
def test_a_snapshot_is_of_one_site(
    config: str, site_problems: tuple[Problem, ...], expected: bool
) -> None:
    """By its values and its problems."""
    one = replace(SNAPSHOT, site_problems=(PROBLEM,))
    assert one.is_of(site_of(config), site_problems) is expected


def waiting(next_due: datetime | None = None, *using_posts: str, put_off: bool = False) -> Snapshot:
    return replace(
        SNAPSHOT,
        report=replace(REPORT, next_due=next_due),
        using_posts=frozenset(using_posts),
        put_off=put_off,
    )


@pytest.mark.parametrize(
    ("known", "only", "expected"),
    [
        (waiting(), "a.md", "a.md"),
        (waiting(), None, None),
        (waiting(None, "a.md"), "a.md", "a.md"),
        (waiting(None, "list.md"), "a.md", None),
        (waiting(None, "a.md", "list.md"), "a.md", None),
        (waiting(put_off=True), "a.md", None),
        (waiting(NOW + MINUTE), "a.md", "a.md"),
        (waiting(NOW), "a.md", None),
        (waiting(NOW - MINUTE), "a.md", None),
        (SNAPSHOT, "a.md", "a.md"),  # not known yet when a post is due
    ],
)
def test_a_post_is_rendered_at_once_if_no_other_waits(
    known: Snapshot, only: str | None, expected: str | None
) -> None:
    """Even a heavy one. Others are those put off, those that show posts, and those that are due."""
    assert known.post_at_once(only, NOW) == expected


# ------------------------------------------------------------------ with folders and a state


class Parts:
    """A site on disk, a state, and snapshots of both."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root / "site"
        self.database = database
        self.options = replace(OPTIONS, source=self.root)
        self.reported: list[Sequence[FileRow]] = []
        self.write("_config.yml", SITE)
        self.write("_posts/a.md", "")
        self.restart()

    def restart(self) -> Snapshots:
        """Snapshots as another process has them."""
        self.snapshots = Snapshots(
            self.options, self.database, self.reported.append, lambda pages: None
        )
        return self.snapshots

    def write(self, path: str, text: str | bytes) -> Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode())
        return full

    def run(self) -> Snapshot:
        """Load a snapshot, and leave it as a run that changed nothing. Every feed is built."""
        known = self.snapshots.load()
        with self.database.begin() as connection:
            feeds.put(connection, [replace(row, stale=False) for row in feeds.stale(connection)])
        kept = replace(known, report=REPORT)
        self.snapshots.keep(kept)
        return kept

    def stale(self) -> list[str]:
        with self.database.read() as connection:
            return [row.name for row in feeds.stale(connection)]


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with a_state(tmp_path) as database:
        yield Parts(tmp_path, database)


def test_a_run_leaves_its_snapshot_to_the_next(parts: Parts) -> None:
    """The same object, while the site is as it was and no other process ran."""
    assert not parts.snapshots.is_valid
    kept = parts.run()
    assert parts.snapshots.is_valid
    assert parts.snapshots.load() is kept
    parts.write("_posts/b.md", "")
    assert parts.snapshots.load() is kept


@pytest.mark.parametrize("reason", list(Reason))
def test_an_invalid_snapshot_is_loaded_again(
    parts: Parts, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    """The next run is like the first of a process: it compares every file with the state.

    The log has the reason once.
    """
    caplog.set_level("DEBUG", "syndicator")
    parts.run()
    for _ in range(2):
        parts.snapshots.invalidate(reason)
        assert not parts.snapshots.is_valid
    assert caplog.messages == [f"the next run loads the state again: {reason}"]
    loaded = parts.snapshots.load()
    assert loaded.is_first
    assert loaded.last_scan == LastScan()
    assert parts.stale() == []


def test_a_run_of_another_process_makes_it_invalid(parts: Parts) -> None:
    """What that run published is reported before anything else happens."""
    parts.run()
    parts.reported.clear()
    with parts.database.begin() as connection:
        feeds.put_files(connection, [file_row("all.rss")])
    Snapshots(parts.options, parts.database, lambda rows: None, lambda pages: None).load()
    loaded = parts.snapshots.load()
    assert loaded.is_first
    assert loaded.files == {"all.rss": file_row("all.rss")}
    assert parts.reported == [[file_row("all.rss")]]
    kept = parts.run()
    assert parts.snapshots.load() is kept
    assert len(parts.reported) == 1


@pytest.mark.parametrize(
    ("path", "text", "unread"),
    [
        ("_config.yml", f"{SITE}title: Another\n", True),
        ("_data/a.yml", "1", True),
        ("_data/a.yml", b"\xff", False),  # only a problem: the site's values are the same
    ],
)
def test_another_site_makes_it_invalid(
    parts: Parts, path: str, text: str | bytes, unread: bool
) -> None:
    """Posts are read again if their site has other values."""
    parts.run()
    store(parts.database, post_row("_posts/a.md"))
    parts.write(path, text)
    loaded = parts.snapshots.load()
    assert loaded.is_first
    with parts.database.read() as connection:
        assert stored(connection) == settings_of(parts.options, loaded.site)
        assert posts.get(connection, ["_posts/a.md"])["_posts/a.md"].settled is not unread
        assert problems.all_problems(connection) == loaded.site_problems
    assert bool(loaded.site_problems) is not unread
    assert parts.stale() == (["all"] if unread else [])


def test_other_options_make_feeds_stale(parts: Parts) -> None:
    """When the process that has them starts."""
    parts.run()
    parts.options = replace(parts.options, limit=9)
    parts.restart().load()
    assert parts.stale() == ["all"]


def test_a_problem_of_the_site_ends_with_its_cause(parts: Parts) -> None:
    """Another process may have found it."""
    broken = parts.write("_data/a.yml", b"\xff")
    assert [problem.path for problem in parts.run().site_problems] == ["_data/a.yml"]
    broken.unlink()
    parts.restart().load()
    with parts.database.read() as connection:
        assert problems.all_problems(connection) == ()


def test_a_new_state_gets_the_feed_of_the_whole_site(parts: Parts) -> None:
    """It is stale. A feed that exists stays as it is."""
    parts.snapshots.load()
    with parts.database.read() as connection:
        assert feeds.all_feeds(connection) == [
            FeedRow(name="all", kind=None, label=None, folded="", stale=True)
        ]
    parts.run()
    row = FeedRow(name="all", kind=None, label=None, folded="", stale=False, content_key="k")
    with parts.database.begin() as connection:
        feeds.put(connection, [row, FeedRow(name="tag/a", kind="tag", label="a", folded="a")])
    parts.restart().load()
    with parts.database.read() as connection:
        assert row in feeds.all_feeds(connection)


@pytest.mark.parametrize(("path", "missing"), [("_config.yml", "is gone"), ("_posts", "no _posts")])
def test_what_makes_a_site_must_not_go_missing_between_processes(
    parts: Parts, path: str, missing: str
) -> None:
    """The state knows what the site had when it was last read."""
    parts.options = replace(parts.options, overrides={"url": "https://example.com"})
    if path == "_posts":
        (parts.root / "_config.yml").unlink()
    parts.restart().load()
    (parts.root / path).rename(parts.root / "away")
    with pytest.raises(SourceError, match=missing):
        parts.restart().load()
    (parts.root / "away").rename(parts.root / path)
    parts.restart().load()


def test_a_plain_folder_may_lack_both(parts: Parts) -> None:
    """It never had a config or `_posts`."""
    parts.options = replace(parts.options, overrides={"url": "https://example.com"})
    for path in ("_config.yml", "_posts/a.md"):
        (parts.root / path).unlink()
    for _ in range(2):
        assert parts.restart().load().site.scope.roots == ("",)


def test_a_site_that_cannot_be_read_leaves_the_snapshot(parts: Parts) -> None:
    """Nothing changed: the next run continues from it."""
    kept = parts.run()
    (parts.root / "_config.yml").rename(parts.root / "away")
    with pytest.raises(SourceError):
        parts.snapshots.load()
    assert parts.snapshots.is_valid
    (parts.root / "away").rename(parts.root / "_config.yml")
    assert parts.snapshots.load() is kept


def test_a_snapshot_from_the_state(parts: Parts) -> None:
    """All that a run would leave but its scan and its report, which are of one process."""
    site = site_of(SITE)
    row = FeedRow(name="category/news-2", kind="category", label="News", folded="news")
    entry = {"key": "k", "entry": None}
    with parts.database.begin() as connection:
        empty = snapshot.from_state(connection, site, (PROBLEM,), ("category",))
        kv.put(connection, "now", NOW.isoformat())
        feeds.put(connection, [row])
        feeds.put_files(connection, [file_row("all.rss")])
        image = EntryRow(path="a.md", uses_posts=False, needs={"a.png": (1, 2)}, **entry)
        entries.put(connection, [image, EntryRow(path="b.md", uses_posts=True, needs={}, **entry)])
        loaded = snapshot.from_state(connection, site, (PROBLEM,), ("category",))
    assert empty.built_at is None
    assert (loaded.site, loaded.site_problems, loaded.built_at) == (site, (PROBLEM,), NOW)
    assert loaded.files == {"all.rss": file_row("all.rss")}
    assert loaded.using_posts == {"b.md"}
    assert list(loaded.dependencies.files(None)) == ["a.png"]
    news, tag = Term(kind="category", label="news"), Term(kind="tag", label="x")
    assert loaded.names.of_all((news, tag)) == ("all", "category/news-2")
    assert (loaded.is_first, loaded.put_off, loaded.last_scan) == (True, False, LastScan())
