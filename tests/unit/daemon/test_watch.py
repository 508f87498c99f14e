"""Noticing at once: what can't be watched is said once, until it can."""

from pathlib import Path
from queue import Queue
from threading import Event

from syndicator.daemon.watch import Watcher
from syndicator.errors import SourceError


def test_a_watch_works_again_only_when_it_does(tmp_path: Path) -> None:
    """A folder that isn't there fails at each try, with no word between that it works; then it works, and tells."""
    said: Queue[SourceError | None] = Queue()
    told: Queue[frozenset[str]] = Queue()
    watch = Watcher(
        tmp_path / "site", output=tmp_path / "feeds", state=None, tell=told.put, failed=said.put
    )
    watch.start()
    try:
        assert isinstance(said.get(timeout=10), SourceError)
        watch.restart()
        assert isinstance(said.get(timeout=10), SourceError)
        (tmp_path / "site").mkdir()
        watch.restart()
        assert said.get(timeout=10) is None
        (tmp_path / "site" / "a.md").write_text("x")
        assert str(tmp_path / "site" / "a.md") in told.get(timeout=10)
    finally:
        watch.stop()


def test_what_we_write_is_not_told_of(tmp_path: Path) -> None:
    """The feeds, and the state with what stands beside it; a folder whose name begins like theirs is another one."""
    told: Queue[frozenset[str]] = Queue()
    ready = Event()
    for name in ("feed", "feedback"):
        (tmp_path / name).mkdir()
    watch = Watcher(
        tmp_path,
        output=tmp_path / "feed",
        state=tmp_path / "state.db",
        tell=told.put,
        failed=lambda error: ready.set(),
    )
    watch.start()
    try:
        assert ready.wait(10)
        for name in ("feed/all.rss", "state.db-wal", "feedback/a.md"):
            (tmp_path / name).write_text("x")
        assert told.get(timeout=10) == {str(tmp_path / "feedback/a.md")}
    finally:
        watch.stop()
