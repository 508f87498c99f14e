"""The watcher reports changes, and whether it works."""

from pathlib import Path
from queue import Queue
from threading import Event

from syndicator.daemon.watch import Watcher
from syndicator.errors import SourceError


def test_success_is_reported_only_when_it_works(tmp_path: Path) -> None:
    """A missing folder fails at each attempt. Once it is there, the watcher reports changes."""
    results: Queue[SourceError | None] = Queue()
    reports: Queue[frozenset[str]] = Queue()
    watcher = Watcher(
        tmp_path / "site",
        output=tmp_path / "feeds",
        state=None,
        changed=reports.put,
        failed=results.put,
    )
    watcher.start()
    try:
        assert isinstance(results.get(timeout=10), SourceError)
        watcher.restart()
        assert isinstance(results.get(timeout=10), SourceError)
        (tmp_path / "site").mkdir()
        watcher.restart()
        assert results.get(timeout=10) is None
        (tmp_path / "site" / "a.md").write_text("x")
        assert str(tmp_path / "site" / "a.md") in reports.get(timeout=10)
    finally:
        watcher.stop()


def test_our_own_files_are_not_reported(tmp_path: Path) -> None:
    """The feeds, and the state with the files beside it.

    A folder with a longer name is another one.
    """
    reports: Queue[frozenset[str]] = Queue()
    ready = Event()
    for name in ("feed", "feedback"):
        (tmp_path / name).mkdir()
    watcher = Watcher(
        tmp_path,
        output=tmp_path / "feed",
        state=tmp_path / "state.db",
        changed=reports.put,
        failed=lambda error: ready.set(),
    )
    watcher.start()
    try:
        assert ready.wait(10)
        for name in ("feed/all.rss", "state.db-wal", "feedback/a.md"):
            (tmp_path / name).write_text("x")
        assert reports.get(timeout=10) == {str(tmp_path / "feedback/a.md")}
    finally:
        watcher.stop()
