"""The index of posts is updated from the documents of a folder, one batch in one transaction."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from indexed import SETTLED, IndexedFolder
from sqlalchemy import text
from values import NOW, entry, seconds

from syndicator.build.index import RENAMING, IndexResult
from syndicator.build.index_plan import Counts
from syndicator.errors import StateError
from syndicator.model.progress import Phase
from syndicator.store import entries, feeds, identities, posts
from syndicator.store.entries import EntryRow


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[IndexedFolder]:
    made = IndexedFolder(tmp_path)
    yield made
    made.database.close()


def test_documents_are_indexed(folder: IndexedFolder) -> None:
    """Rows, identities, problems, new feeds and stale feeds are stored."""
    good, bad = folder.write("a", category="News"), folder.write("b", date="never")
    folder.age()
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


def test_gone_documents_leave_the_index(folder: IndexedFolder) -> None:
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


def test_a_batch_is_one_transaction(folder: IndexedFolder) -> None:
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


def test_progress_is_reported_after_each_batch(folder: IndexedFolder) -> None:
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
    ("differing", "is_read"),
    [
        ("settled = true", False),
        ("size = 1", True),
        ("mtime_ns = 1", True),
        ("ctime_ns = 1", True),
        ("inode = 1", True),
        ("settled = false", True),
        ("digest = ''", True),
    ],
)
def test_which_fresh_documents_are_read(
    folder: IndexedFolder, differing: str, is_read: bool
) -> None:
    """Those that differ from their row in one number, are not settled, or were marked unread."""
    path = folder.write("a", "Text.")
    folder.index(path)
    [row] = folder.rows(path)
    folder.write("a", "Edit.")
    seen = folder.source.stat(path)
    assert seen
    with folder.database.begin() as connection:
        posts.update_stat(connection, [row._replace(stat=seen, settled=True)])
        connection.execute(text(f"UPDATE posts SET {differing}"))
    assert folder.index(path).counts.changed == is_read


def test_an_edit_that_keeps_size_and_mtime_is_a_change(folder: IndexedFolder) -> None:
    path = folder.write("a", "teh")
    folder.age()
    assert folder.index(path).scan_again == set()
    folder.write("a", "the")
    assert folder.index(path).counts.changed == 1


def test_documents_to_scan_again(folder: IndexedFolder) -> None:
    """Files that changed within the clock's resolution, and those that vanished before reading."""
    now = datetime.now().timestamp()
    old, racy = folder.write("a"), folder.write("b", time=now)
    folder.age()
    result = folder.index(old, racy, "_posts/2026-01-01-gone.md")
    assert result.scan_again == {racy, "_posts/2026-01-01-gone.md"}
    assert folder.ids() == {"a": "a", "b": "b"}
    assert folder.index(racy).scan_again == {racy}
    folder.write("b")
    folder.age()
    assert folder.index(racy).scan_again == set()


def test_a_touched_file_changes_nothing_else(folder: IndexedFolder) -> None:
    """The row has its new stat, so that the next scan need not read it."""
    path = folder.write("a")
    folder.index(path)
    folder.stale()
    folder.write("a", time=SETTLED + 1)
    folder.age()
    assert folder.index(path) == IndexResult()
    assert folder.stale() == []
    with folder.database.read() as connection:
        row = posts.get(connection, [path])[path]
    assert row.stat.mtime_ns == (SETTLED + 1) * 1_000_000_000


def test_entries_that_show_posts_are_stale_after_any_change(folder: IndexedFolder) -> None:
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
def test_an_id_given_up_in_the_same_run_is_free(folder: IndexedFolder, batch: int) -> None:
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


def test_a_suffixed_id_of_an_earlier_run_stays(folder: IndexedFolder) -> None:
    """Feeds have shown it. The problem ends with the other post."""
    first, second = folder.write("a", id="x"), folder.write("b", id="x")
    folder.index(first, second)
    assert folder.ids() == {"a": "x", "b": "x#2026-01-01-b"}
    assert folder.problems("id") == {second}
    read: list[int] = []
    folder.index(folder.write("c"), progress=lambda done, *_: read.append(done))
    assert read == [1]  # no id became free: the post with the problem is not read again
    folder.index(gone=(folder.remove("c"),))
    result = folder.index(gone=(folder.remove("a"),))
    assert folder.ids() == {"b": "x#2026-01-01-b"}
    assert folder.problems("id") == set()
    assert result.counts == Counts(gone=1, freed_id=True)
    assert folder.index(second).counts == Counts()


def test_an_identity_before_a_suffixed_id_is_given_back(folder: IndexedFolder) -> None:
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
def test_a_renamed_post_keeps_its_id(folder: IndexedFolder, later: timedelta, id: str) -> None:
    """If it was removed in the same run, or within the hour before."""
    folder.index(folder.write("a", title="Same"))
    gone = (folder.remove("a"),)
    new = folder.write("b", title="Same")
    if later:
        folder.index(gone=gone)
    folder.index(new, gone=() if later else gone, at=NOW + later)
    assert folder.ids() == {"b": id}


def test_posts_exchange_names(folder: IndexedFolder) -> None:
    """Each keeps the id of its text. Once more, an identity whose path is taken is kept aside."""
    paths = [folder.write("a", "One.", title="One"), folder.write("b", "Two.", title="Two")]
    folder.index(*paths)
    folder.write("a", "Two.", title="Two", time=SETTLED + 1)
    folder.write("b", "One.", title="One", time=SETTLED + 1)
    folder.index(*paths)
    assert folder.ids() == {"a": "b", "b": "a"}
    assert folder.index(*paths).counts == Counts()


def test_an_identity_whose_path_is_taken_is_kept(folder: IndexedFolder) -> None:
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


def test_a_post_that_returns_has_its_id_again(folder: IndexedFolder) -> None:
    """However long it was gone, and whatever became of its text."""
    path = folder.write("a", title="Same", id="first")
    folder.index(path)
    folder.write("a", title="Same", time=SETTLED + 1)
    folder.index(path)
    assert folder.ids() == {"a": "first"}
    folder.index(gone=(folder.remove("a"),))
    copy = folder.write("b", title="Same")
    folder.index(copy, at=NOW + RENAMING * 2)
    folder.write("a", "Edited.", title="Same")
    folder.index(path, at=NOW + RENAMING * 2)
    assert folder.ids() == {"a": "first", "b": "b"}


@pytest.mark.parametrize("hidden", [{"published": "false"}, {"draft": "true"}])
def test_a_hidden_post_keeps_its_id_against_a_new_one(
    folder: IndexedFolder, hidden: dict[str, str]
) -> None:
    """It may be shown again. The other has a problem until the hidden one's file is removed."""
    first = folder.write("b", id="x")
    folder.index(first)
    folder.write("b", id="x", time=SETTLED + 1, **hidden)
    folder.index(first)
    second = folder.write("a", id="x")
    folder.index(second)
    ids = {"a": "x#2026-01-01-a", "b": "x"}
    assert (folder.ids(), folder.problems("id")) == (ids, {second})
    folder.write("b", id="x")
    folder.index(first)
    assert (folder.ids(), folder.problems("id")) == (ids, {second})
    folder.write("b", id="x", time=SETTLED + 1, **hidden)
    folder.index(first)
    assert folder.problems("id") == {second}
    folder.index(gone=(folder.remove("b"),))
    assert (folder.ids(), folder.problems("id")) == ({"a": "x#2026-01-01-a"}, set())


def test_a_post_that_returns_hidden_takes_back_no_id(folder: IndexedFolder) -> None:
    """While its file was gone, another post got its id and may be the same one."""
    first = folder.write("b", id="x")
    folder.index(first)
    folder.index(gone=(folder.remove("b"),))
    second = folder.write("a", "Another text.", id="x")
    folder.index(second)
    folder.write("b", id="x", published="false")
    folder.index(first)
    folder.write("a", "Yet another.", id="x", time=SETTLED + 1)
    folder.index(second)
    assert (folder.ids(), folder.problems("id")) == ({"a": "x", "b": None}, set())


@pytest.mark.parametrize("batch", [1, 1000])
def test_ids_exchanged_in_one_run(folder: IndexedFolder, batch: int) -> None:
    """Each post gets the id of its front matter, even if another had it when it was read."""
    paths = [folder.write(name, id=name) for name in "abc"]
    folder.index(*paths)
    for name, id in zip("abc", "bca", strict=True):
        folder.write(name, id=id, time=SETTLED + 1)
    counts = folder.index(*paths, batch=batch).counts
    assert folder.ids() == {"a": "b", "b": "c", "c": "a"}
    assert (counts.new, counts.changed, folder.problems("id")) == (0, 3, set())


def test_a_suffixed_id_that_another_post_has(folder: IndexedFolder) -> None:
    """It is looked up, and the next one is chosen."""
    other, first = folder.write("z", id="x#2026-01-01-b"), folder.write("a", id="x")
    folder.index(other, first)
    second = folder.write("b", id="x")
    folder.index(second)
    assert folder.ids()["b"] == f"x#{second}"
