"""Noticing at once: what can't be watched is said once, until it can."""

from pathlib import Path
from queue import Queue

from syndicator.daemon.watch import Watch
from syndicator.errors import SourceError


def test_a_watch_works_again_only_when_it_does(tmp_path: Path) -> None:
    """A folder that isn't there fails at each try, with no word between that it works; then it works, and tells."""
    said: Queue[SourceError | None] = Queue()
    told: Queue[frozenset[str]] = Queue()
    watch = Watch(tmp_path / "site", [], tell=told.put, failed=said.put)
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
