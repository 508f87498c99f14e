"""The index of posts is updated from the documents of a folder, one batch in one transaction."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from values import NOW, entry, feed_row, seconds

from syndicator.build.feed_names import FeedNames
from syndicator.build.index import RENAMING, Indexer, IndexResult
from syndicator.build.index_plan import Counts
from syndicator.build.site_reader import SiteReader
from syndicator.errors import StateError
from syndicator.model.progress import Phase, Progress, quiet
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, identities, posts, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow

SETTLED = 1_700_000_000


class Folder:
    """A folder of posts, and the index of it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "site"
        (self.root / "_posts").mkdir(parents=True)
        (self.root / "_config.yml").write_text("url: https://x\npermalink: /:title\n")
        self.database = Database(f"sqlite:///{root / 'state.db'}")
        with self.database.begin() as connection:
            feeds.put(connection, [feed_row("all", stale=False)])

    def write(self, name: str, text: str = "Text.", *, time: float = SETTLED, **head: str) -> str:
        """Save a post, long ago unless a time is given. Returns its path."""
        path = f"_posts/2026-01-01-{name}.md"
        lines = "".join(f"{key}: {value}\n" for key, value in ({"title": name} | head).items())
        (self.root / path).write_text(f"---\n{lines}---\n{text}")
        os.utime(self.root / path, (time, time))
        return path

    def remove(self, name: str) -> str:
        path = f"_posts/2026-01-01-{name}.md"
        (self.root / path).unlink()
        return path

    def index(
        self,
        *fresh: str,
        gone: tuple[str, ...] = (),
        at: datetime = NOW,
        batch: int = 1000,
        using_posts: tuple[str, ...] = (),
        progress: Progress = quiet,
    ) -> IndexResult:
        site = SiteReader(self.root, {}).read()
        source = SourceFolder(self.root, site.scope)
        with self.database.read() as connection:
            names = FeedNames(feeds.all_names(connection), {"category"})
        indexer = Indexer(self.database, source, site, names, using_posts, batch)
        return indexer.index(fresh, gone, at, progress)

    def ids(self) -> dict[str, str | None]:
        """The id that each document holds, by the name of its file."""
        with self.database.read() as connection:
            paths = [row[0] for row in posts.all_stats(connection)]
            rows = posts.get(connection, paths)
        return {
            path[18:-3]: row.id and row.id.removeprefix("https://x/") for path, row in rows.items()
        }

    def stale(self) -> list[str]:
        """The feeds that are stale, which they are not any more."""
        with self.database.begin() as connection:
            rows = feeds.stale(connection)
            connection.execute(text("UPDATE feeds SET stale = false"))
        return [row.name for row in rows]

    def problems(self, stage: str) -> set[str]:
        with self.database.read() as connection:
            return problems.subjects(connection, stage)

    def count(self) -> int:
        with self.database.read() as connection:
            return posts.count(connection)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.database.close()


def test_documents_are_indexed(folder: Folder) -> None:
    """Rows, identities, problems, new feeds and stale feeds are stored."""
    good, bad = folder.write("a", category="News"), folder.write("b", date="never")
    result = folder.index(good, bad)
    assert result == IndexResult(counts=Counts(new=1, last=good))
    assert folder.ids() == {"a": "a", "b": None}
    assert folder.stale() == ["all", "category/news"]
    assert folder.problems("read") == {bad}
    with folder.database.read() as connection:
        assert identities.get(connection, [good, bad]).keys() == {good}
    folder.write("b", time=SETTLED + 1)
    assert folder.index(bad).counts == Counts(new=1, last=bad)
    assert folder.problems("read") == set()
    assert folder.stale() == ["all"]


def test_gone_documents_leave_the_index(folder: Folder) -> None:
    """Their identities stay, with the time; their feeds are stale."""
    paths = [folder.write(name) for name in "abc"]
    folder.index(*paths)
    folder.stale()
    gone = (folder.remove("b"), folder.remove("a"))
    assert folder.index(gone=gone, batch=1).counts == Counts(gone=2, freed_id=True)
    assert folder.ids() == {"c": "c"}
    assert folder.stale() == ["all"]
    with folder.database.read() as connection:
        known = identities.get(connection, paths)
    assert [known[path].gone for path in paths] == [NOW, NOW, None]


def test_a_batch_is_one_transaction(folder: Folder) -> None:
    """If its last statement fails, none of it is stored; the batches before it are."""
    paths = [folder.write(name) for name in ("a", "b")]
    third = folder.write("c", category="News")
    with folder.database.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE UPDATE ON feeds WHEN OLD.name = 'category/news'"
                " BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        )
    with pytest.raises(StateError, match="full"):
        folder.index(*paths, third, batch=2)
    assert folder.ids() == {"a": "a", "b": "b"}
    with folder.database.read() as connection:
        assert identities.get(connection, [third]) == {}
        assert [row.name for row in feeds.all_names(connection)] == ["all"]


def test_progress_is_reported_after_each_batch(folder: Folder) -> None:
    """Of the documents to read, whether they had to be read or not. What it raises ends the run."""
    paths = [folder.write(name) for name in "abcde"]
    seen: list[tuple[int, int | None, Phase, int]] = []
    folder.index(
        *paths, batch=2, progress=lambda *progress: seen.append((*progress, folder.count()))
    )
    assert seen == [(done, 5, Phase.READING, done) for done in (2, 4, 5)]
    seen.clear()
    folder.index(*paths, batch=4, progress=lambda *progress: seen.append((*progress, 5)))
    assert [done for done, *_ in seen] == [4, 5]

    def cancel(*_: object) -> None:
        raise EOFError

    more = [folder.write(name) for name in "fgh"]
    with pytest.raises(EOFError):
        folder.index(*more, batch=2, progress=cancel)
    assert folder.count() == 7


@pytest.mark.parametrize(
    ("forget", "time", "is_read"),
    [
        ("", SETTLED, False),
        ("", SETTLED + 1, True),
        ("settled = false", SETTLED, True),
        ("digest = ''", SETTLED, True),
    ],
)
def test_which_fresh_documents_are_read(
    folder: Folder, forget: str, time: float, is_read: bool
) -> None:
    """Those that differ from their row in size or mtime, are not settled, or were marked unread."""
    path = folder.write("a", "Text.")
    folder.index(path)
    if forget:
        with folder.database.begin() as connection:
            connection.execute(text(f"UPDATE posts SET {forget}"))
    folder.write("a", "Edit.", time=time)
    assert folder.index(path).counts.changed == is_read


def test_documents_to_scan_again(folder: Folder) -> None:
    """Files that changed within the clock's resolution, and those that vanished before reading."""
    now = datetime.now().timestamp()
    old, racy = folder.write("a"), folder.write("b", time=now)
    result = folder.index(old, racy, "_posts/2026-01-01-gone.md")
    assert result.racy == {racy, "_posts/2026-01-01-gone.md"}
    assert folder.ids() == {"a": "a", "b": "b"}
    assert folder.index(racy).racy == {racy}
    folder.write("b")
    assert folder.index(racy).racy == set()


def test_a_touched_file_changes_nothing_else(folder: Folder) -> None:
    """The row has its new stat, so that the next scan need not read it."""
    path = folder.write("a")
    folder.index(path)
    folder.stale()
    folder.write("a", time=SETTLED + 1)
    assert folder.index(path) == IndexResult()
    assert folder.stale() == []
    with folder.database.read() as connection:
        row = posts.get(connection, [path])[path]
    assert row.stat.mtime_ns == (SETTLED + 1) * 1_000_000_000


def test_entries_that_show_posts_are_stale_after_any_change(folder: Folder) -> None:
    """A new, changed or removed post; not a touched file."""
    shows = folder.write("list", category="Lists")
    other = folder.write("a")
    folder.index(shows, other)

    def marked(*fresh: str, gone: tuple[str, ...] = ()) -> bool:
        folder.stale()
        row = EntryRow(path=shows, key="k", entry=entry(), uses_posts=True, needs={})
        with folder.database.begin() as connection:
            entries.put(connection, [row])
        folder.index(*fresh, gone=gone, using_posts=(shows,))
        with folder.database.read() as connection:
            key = connection.scalar(text("SELECT key FROM entries"))
        assert ("category/lists" in folder.stale()) == (key == "")
        return key == ""

    folder.write("a", time=SETTLED + 1)
    assert not marked(other)
    assert not marked()
    folder.write("a", "Edited.")
    assert marked(other)
    assert marked(gone=(folder.remove("a"),))
    assert marked(folder.write("b"))


@pytest.mark.parametrize("batch", [1, 1000])
def test_an_id_given_up_in_the_same_run_is_free(folder: Folder, batch: int) -> None:
    """Whichever batch gives it up: posts with a suffixed id are read again, and counted once."""
    first, second = folder.write("a", id="x"), folder.write("b", id="y")
    folder.index(first, second)
    folder.write("a", id="y", time=SETTLED + 1)
    folder.write("b", id="z", time=SETTLED + 1)
    new = folder.write("0", id="x")
    result = folder.index(new, first, second, batch=batch)
    assert folder.ids() == {"0": "x", "a": "y", "b": "z"}
    assert folder.problems("id") == set()
    assert (result.counts.new, result.counts.changed) == (1, 2)


def test_a_suffixed_id_of_an_earlier_run_stays(folder: Folder) -> None:
    """Feeds have shown it. The problem ends with the other post."""
    first, second = folder.write("a", id="x"), folder.write("b", id="x")
    folder.index(first, second)
    assert folder.ids() == {"a": "x", "b": "x#2026-01-01-b"}
    assert folder.problems("id") == {second}
    result = folder.index(gone=(folder.remove("a"),))
    assert folder.ids() == {"b": "x#2026-01-01-b"}
    assert folder.problems("id") == set()
    assert result.counts == Counts(gone=1, freed_id=True)
    assert folder.index(second).counts == Counts()


def test_an_identity_before_a_suffixed_id_is_given_back(folder: Folder) -> None:
    """A known post that was given one in this run gets the id that became free after all."""
    first, second = folder.write("a", id="x"), folder.write("b", id="y")
    folder.index(first, second)
    folder.write("a", id="y", time=SETTLED + 1)
    folder.index(first, batch=1)
    assert folder.ids() == {"a": "y#2026-01-01-a", "b": "y"}
    folder.write("a", id="w", time=SETTLED + 2)
    folder.index(first)
    folder.write("a", id="y", text="New.", time=SETTLED + 3)
    folder.write("b", id="z", time=SETTLED + 3)
    folder.index(first, second, batch=1, at=NOW + seconds(9))
    assert folder.ids() == {"a": "y", "b": "z"}
    with folder.database.read() as connection:
        known = identities.get(connection, [first])[first]
    assert (known.id, known.updated) == ("y", NOW + seconds(9))


@pytest.mark.parametrize(
    ("later", "id"),
    [(timedelta(0), "a"), (RENAMING, "a"), (RENAMING + seconds(0.001), "b")],
)
def test_a_renamed_post_keeps_its_id(folder: Folder, later: timedelta, id: str) -> None:
    """If it was removed in the same run, or within the hour before."""
    folder.index(folder.write("a", title="Same"))
    gone = (folder.remove("a"),)
    new = folder.write("b", title="Same")
    if later:
        folder.index(gone=gone)
    folder.index(new, gone=() if later else gone, at=NOW + later)
    assert folder.ids() == {"b": id}


def test_posts_exchange_names(folder: Folder) -> None:
    """Each keeps the id of its text. Once more, an identity whose path is taken is kept aside."""
    paths = [folder.write("a", "One.", title="One"), folder.write("b", "Two.", title="Two")]
    folder.index(*paths)
    folder.write("a", "Two.", title="Two", time=SETTLED + 1)
    folder.write("b", "One.", title="One", time=SETTLED + 1)
    folder.index(*paths)
    assert folder.ids() == {"a": "b", "b": "a"}
    assert folder.index(*paths).counts == Counts()


def test_an_identity_whose_path_is_taken_is_kept(folder: Folder) -> None:
    """Three runs exchange two names through a third name."""
    one, two = folder.write("a", "One.", title="One"), folder.write("b", "Two.", title="Two")
    folder.index(one, two)
    folder.index(gone=(folder.remove("a"),))
    folder.write("a", "Two.", title="Two")
    folder.index(one, gone=(folder.remove("b"),))
    assert folder.ids() == {"a": "b"}
    folder.write("b", "One.", title="One")
    folder.index(two)
    assert folder.ids() == {"a": "b", "b": "a"}
    with folder.database.read() as connection:
        paths = connection.scalars(text("SELECT path FROM identities ORDER BY path")).all()
    assert paths == [one, two]
