"""Which documents are new, changed or gone since the last scan."""

import os
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builds import a_state, post_row, store
from msgspec.structs import replace
from settled import age

from syndicator.build.scan import LastScan, ScanResult, after, needs_full_scan, scan, some_are_gone
from syndicator.errors import SourceError
from syndicator.model.content import Problem, Scope
from syndicator.sources.folder import SourceFolder
from syndicator.store import posts
from syndicator.store.database import Database

SEEN = array("q", [1, 2])


@pytest.mark.parametrize(
    ("last", "paths", "documents", "expected"),
    [
        (LastScan(), ["a.md"], ["a.md"], True),  # no scan to compare the others with
        (LastScan(SEEN), ["a.md"], ["a.md"], False),
        (LastScan(SEEN), ["a.md", "b.txt"], ["a.md"], False),
        (LastScan(SEEN), [], [], False),
        (LastScan(array("q")), ["a.md"], ["a.md"], False),  # of a source without documents
        (LastScan(SEEN, linked=True), ["a.md"], ["a.md"], False),
        (LastScan(SEEN, linked=True), ["a.md", "b.txt"], ["a.md"], True),
        (LastScan(SEEN, linked=True), ["b.txt"], [], True),
        (LastScan(SEEN, linked=True), [], [], False),
    ],
)
def test_when_some_paths_are_not_enough(
    last: LastScan, paths: list[str], documents: list[str], expected: bool
) -> None:
    """On the first run; and if a path that is not a document's may be one's under a link."""
    assert needs_full_scan(last, paths, documents) is expected


@pytest.mark.parametrize(
    ("indexed", "seen", "fresh", "fresh_and_indexed", "expected"),
    [
        (0, 0, 0, 0, False),
        (3, 3, 0, 0, False),
        (3, 2, 0, 0, True),
        (3, 4, 1, 0, False),  # one is new
        (3, 3, 1, 0, True),  # one is new, one is gone
        (3, 3, 1, 1, False),  # one changed
        (3, 2, 1, 1, True),  # one changed, one is gone
        (3, 3, 2, 1, True),  # one is new, one changed, one is gone
        (3, 4, 2, 1, False),  # one is new, one changed
    ],
)
def test_documents_are_gone_by_number(
    indexed: int, seen: int, fresh: int, fresh_and_indexed: int, expected: bool
) -> None:
    """Those that exist and are indexed are the unchanged ones and the indexed fresh ones."""
    assert some_are_gone(indexed, seen, fresh, fresh_and_indexed) is expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            ScanResult(fresh=["a"], gone=["b"]),
            LastScan(SEEN, True, frozenset("x"), frozenset("abd")),
        ),
        (ScanResult(), LastScan(SEEN, True, frozenset("x"), frozenset("d"))),
        (
            ScanResult(["a"], ["b"], array("q", [3]), linked=False),
            LastScan(array("q", [3]), False, frozenset("x")),
        ),
        (ScanResult(stat_hashes=SEEN, linked=True), LastScan(SEEN, True, frozenset("x"))),
    ],
)
def test_what_the_next_scan_is_compared_with(result: ScanResult, expected: LastScan) -> None:
    """With the last full scan, but not for paths that were scanned alone since then.

    Paths that were unsettled before are so again only if they still are.
    """
    last = LastScan(SEEN, linked=True, scan_again=frozenset("c"), scanned_alone=frozenset("d"))
    assert after(last, result, ["x"]) == expected


@pytest.mark.parametrize(
    ("result", "expected", "is_full"),
    [
        (ScanResult(), False, False),
        (ScanResult(fresh=["a"]), True, False),
        (ScanResult(gone=["a"]), True, False),
        (ScanResult(stat_hashes=SEEN), False, True),
        (ScanResult(stat_hashes=array("q")), False, True),
        (ScanResult(fresh=["a"], stat_hashes=SEEN), True, True),
    ],
)
def test_a_result_without_documents_is_false(
    result: ScanResult, expected: bool, is_full: bool
) -> None:
    """Every document was scanned if there are stat hashes, even of none."""
    assert (bool(result), result.is_full) == (expected, is_full)


# ------------------------------------------------------------------ with a folder and a state


class Source:
    """A folder of posts, the state that indexes them, and the last scan."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root / "site"
        (self.root / "_posts").mkdir(parents=True)
        self.database = database
        self.last = LastScan()

    def write(self, name: str, text: str = "12345") -> str:
        """Save a document with the stat that `builds.post_row` has. Returns its path."""
        path = f"_posts/{name}"
        (self.root / path).write_text(text)
        os.utime(self.root / path, ns=(10**18, 10**18))
        return path

    def remove(self, name: str) -> None:
        (self.root / "_posts" / name).unlink()

    def index(self, *names: str, settled: bool = True) -> None:
        """Store rows of documents as `write` saves them."""
        folder = SourceFolder(self.root, Scope())
        for name in names:
            row = post_row(f"_posts/{name}", settled=settled)
            if seen := folder.stat(f"_posts/{name}"):
                stat = row.stat._replace(ctime_ns=seen.ctime_ns, inode=seen.inode)
                row = row._replace(stat=stat)
            store(self.database, row)

    def look(
        self,
        paths: Collection[str] | None = None,
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> tuple[list[str], list[str]]:
        """The names of fresh and gone documents. The scan is not kept, see `scan`."""
        folder = SourceFolder(self.root, Scope(), progress_every=1)
        self.result = scan(self.database, folder, self.last, paths, progress)
        fresh, gone = self.result.fresh, self.result.gone
        assert list(fresh) == sorted(fresh)
        return _names(fresh), sorted(_names(gone))

    def scan(
        self, paths: Collection[str] | None = None, *, scan_again: Collection[str] = ()
    ) -> tuple[list[str], list[str]]:
        """The same. The next scan is compared with this one."""
        names = self.look(paths)
        self.last = after(self.last, self.result, [f"_posts/{name}" for name in scan_again])
        return names


def _names(paths: Collection[str]) -> list[str]:
    return [path.removeprefix("_posts/") for path in paths]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    with a_state(tmp_path) as database:
        yield Source(tmp_path, database)


def test_the_first_scan_is_compared_with_the_state(source: Source) -> None:
    """New, changed and unsettled documents are fresh. Those that are not seen are gone."""
    for name in ("same.md", "unsettled.md", "new.md"):
        source.write(name)
    source.write("changed.md", "123456")
    source.index("same.md", "changed.md", "gone.md")
    source.index("unsettled.md", settled=False)
    assert source.look() == (["changed.md", "new.md", "unsettled.md"], ["gone.md"])


@pytest.mark.parametrize(
    "change",
    [
        {"size": 6},
        {"mtime_ns": 1},
        {"ctime_ns": 1},
        {"inode": 1},
        {"inode": (1 << 64) - 1},
    ],
)
def test_one_difference_is_enough(source: Source, change: dict[str, int]) -> None:
    """The new text may be as long as the old one, and its mtime the same."""
    path = source.write("a.md")
    source.index("a.md")
    assert source.look() == ([], [])
    row = post_row(path)
    seen = SourceFolder(source.root, Scope()).stat(path)
    assert seen
    with source.database.begin() as connection:
        posts.update_stat(connection, [row._replace(stat=seen._replace(**change))])
    assert source.look() == (["a.md"], [])


def test_an_edit_that_keeps_size_and_mtime(source: Source) -> None:
    """In place and by a new file, as `sed -i` does; found in comparison with the last scan."""
    path = source.root / source.write("a.md", "teh")
    source.scan()
    age(source.root)
    source.write("a.md", "the")
    assert source.scan() == (["a.md"], [])
    before = path.stat()
    source.write("other.md", "hte")
    (source.root / "_posts/other.md").replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert source.scan() == (["a.md"], [])
    assert source.scan() == ([], [])


def test_a_changed_document_is_not_gone(source: Source) -> None:
    """Although no document has its stat any more, while another one is gone."""
    source.write("changed.md", "123456")
    source.index("changed.md", "gone.md")
    assert source.look() == (["changed.md"], ["gone.md"])


def test_a_scan_is_compared_with_the_one_before(source: Source) -> None:
    """Not with the state, which is slower to read."""
    source.write("a.md")
    source.write("b.md")
    assert source.scan() == (["a.md", "b.md"], [])
    assert source.scan() == ([], [])
    source.write("b.md", "another text")
    source.write("c.md")
    assert source.scan() == (["b.md", "c.md"], [])
    source.write("b.md")
    assert source.scan() == (["b.md"], [])
    source.index("a.md", "b.md", "c.md")
    source.remove("a.md")
    assert source.scan() == ([], ["a.md"])


def test_unsettled_documents_are_scanned_again(source: Source) -> None:
    """By the next scan of each kind, if they still exist."""
    source.write("a.md")
    source.write("new.md")
    source.scan(scan_again=["a.md", "vanished.md"])
    assert source.look(paths=[]) == (["a.md"], [])
    assert source.look(paths=["_posts/new.md"]) == (["a.md", "new.md"], [])
    assert source.look(paths=["_posts/a.md"]) == (["a.md"], [])
    source.write("new.md", "changed")
    assert source.look() == (["a.md", "new.md"], [])
    assert source.scan() == (["a.md", "new.md"], [])
    assert source.look() == ([], [])


def test_an_unsettled_path_that_is_not_a_documents_any_more(source: Source) -> None:
    """Its folder may be a link out of the source now."""
    source.write("a.md")
    source.write("notes.txt")
    source.scan(scan_again=["notes.txt"])
    source.write("new.md")
    assert source.look(["_posts/new.md"]) == source.look() == (["new.md"], [])


def test_some_paths_are_scanned_alone(source: Source) -> None:
    """Others may have changed: they wait for the next full scan."""
    source.write("a.md")
    source.write("b.md")
    source.index("a.md", "b.md", "c.md")
    source.scan()
    source.write("a.md", "changed")
    source.write("b.md", "changed")
    source.write("new.md")
    paths = ["a.md", "c.md", "new.md", "never.md", "notes.txt"]
    assert source.look([f"_posts/{name}" for name in paths]) == (["a.md", "new.md"], ["c.md"])
    assert not source.result.is_full
    assert source.look() == (["a.md", "b.md", "new.md"], ["c.md"])


def test_a_path_that_is_not_a_documents_is_gone_from_no_index(source: Source) -> None:
    """Whatever the state has under it."""
    source.write("a.md")
    source.scan()
    source.index("notes.txt")
    assert source.look(["_posts/notes.txt"]) == ([], [])


def test_what_was_undone_after_a_scan_of_its_path(source: Source) -> None:
    """The next full scan compares with the state then, not with the full scan before."""
    for name in ("removed.md", "changed.md", "other.md"):
        source.write(name)
    source.index("removed.md", "changed.md", "other.md")
    source.scan()
    source.remove("removed.md")
    source.write("changed.md", "changed")
    source.write("new.md")
    paths = ["_posts/removed.md", "_posts/changed.md", "_posts/new.md"]
    assert source.scan(paths) == (["changed.md", "new.md"], ["removed.md"])
    source.index("new.md")
    source.write("removed.md")
    source.write("changed.md")
    source.remove("new.md")
    assert source.scan() == (["changed.md", "removed.md"], ["new.md"])
    assert source.scan() == ([], [])


def test_the_last_document_is_gone(source: Source) -> None:
    """A scan of some paths does not judge that: an unmounted disk removes all of them too."""
    source.write("a.md")
    source.index("a.md")
    source.scan()
    source.remove("a.md")
    with pytest.raises(SourceError, match="has no posts where it had 1"):
        source.scan(["_posts/a.md"])
    source.write("b.md")
    assert source.scan(["_posts/a.md"]) == (["b.md"], ["a.md"])
    assert source.result.is_full


def test_an_emptied_source_is_an_error(source: Source) -> None:
    """It may be an unmounted disk. The number is that of the index."""
    source.index(*(f"{number}.md" for number in range(1002)))
    with pytest.raises(SourceError, match=r"site has no posts where it had 1,002$") as caught:
        source.scan()
    assert str(caught.value.hint) == (
        "check that it is mounted; if all posts were deleted, start with a new state"
    )
    (source.root / "_posts").rmdir()
    with pytest.raises(SourceError, match="has no posts"):
        source.scan()


def test_a_source_that_never_had_documents(source: Source) -> None:
    """It may be empty: nothing is missing."""
    assert source.scan() == ([], [])
    assert source.scan(["_posts/a.md"]) == ([], [])


def test_a_linked_folder_has_two_paths(source: Source) -> None:
    """A watch reports the real path. A full scan finds the one through the link."""
    texts = source.root / "texts"
    texts.mkdir()
    (source.root / "_posts/in").symlink_to(texts)
    (texts / "a.md").write_text("One.")
    assert source.scan() == (["in/a.md"], [])
    assert source.scan() == ([], [])  # it is linked, though nothing changed
    (texts / "b.md").write_text("Two.")
    assert source.look(["_posts/in/b.md"]) == (["in/b.md"], [])
    assert not source.result.is_full
    assert source.scan(["texts/b.md"]) == (["in/b.md"], [])
    (source.root / "_posts/in").unlink()
    source.write("c.md")
    source.scan()
    source.write("d.md")
    assert source.scan(["texts/b.md"]) == ([], [])  # no folder is linked now


def test_progress_may_end_a_scan(source: Source) -> None:
    """Each scan reports the files so far. What the callback raises is raised."""
    source.write("a.md")
    source.write("b.md")
    counts: list[int] = []
    for _ in range(2):  # compared with the state, then with the scan before
        source.look(progress=counts.append)
        source.scan()
        assert counts == [1, 2]
        counts.clear()

    def stop(_: int) -> None:
        raise EOFError

    with pytest.raises(EOFError):
        source.look(progress=stop)
    source.last = replace(source.last, stat_hashes=None)
    with pytest.raises(EOFError):
        source.look(progress=stop)


def test_a_document_that_is_excluded_now_is_gone(source: Source) -> None:
    """Its file still exists. Another scope comes with another config, and a new snapshot."""
    source.write("a.md")
    source.write("b.md")
    source.index("a.md", "b.md")
    folder = SourceFolder(source.root, Scope(exclude=("_posts/a.md",)))
    result = scan(source.database, folder, LastScan(), None, lambda _: None)
    assert (list(result.fresh), list(result.gone)) == ([], ["_posts/a.md"])


def test_a_moved_file_keeps_its_stat(source: Source) -> None:
    """A path is part of what is compared: the old one is gone, the new one fresh."""
    source.write("a.md")
    source.write("other.md")
    source.index("a.md", "other.md")
    source.scan()
    (source.root / "_posts/a.md").rename(source.root / "_posts/b.md")
    assert source.look() == (["b.md"], ["a.md"])


def _open_above(root: Path) -> None:
    """Let other users enter a folder: pytest's are for this user alone."""
    for folder in (root, *root.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)


@contextmanager
def _another_user() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_closed_folder(source: Source) -> None:
    """It is a document itself until it is opened. What it holds is not gone."""
    below = source.root / "_posts/below"
    below.mkdir()
    names = ("a.md", "b.md", "below/c.md")
    for name in names:
        source.write(name)
    source.index(*names)
    assert source.scan() == ([], [])
    _open_above(source.root)
    below.chmod(0o700)
    source.remove("a.md")
    folder = SourceFolder(source.root, Scope())
    with _another_user():
        assert source.look(["_posts/below/c.md"]) == ([], [])
        assert source.scan(scan_again=["below", "below/c.md"]) == (["below"], ["a.md"])
        problem = folder.read("_posts/below")
        assert isinstance(problem, Problem)
        assert problem.message.startswith("can't be read: Permission denied")
    source.index("below")
    with _another_user():
        assert source.scan(scan_again=["below", "below/c.md"]) == ([], [])
    (below / "c.md").unlink()
    assert source.scan() == ([], ["a.md", "below", "below/c.md"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_a_source_of_closed_folders(source: Source) -> None:
    """No feed is built without their posts, as of a source that can't be read."""
    source.write("a.md")
    _open_above(source.root)
    (source.root / "_posts").chmod(0o700)
    with _another_user(), pytest.raises(SourceError, match="_posts can't be read: Permission"):
        source.look()
