"""The watcher reports changes, and whether it works."""

import resource
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from threading import Event

import pytest
from command import PATIENCE, until

from syndicator.daemon.place_watch import PlaceWatcher
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
        assert reports.get(timeout=10) == frozenset()  # what changed before is not known
        (tmp_path / "site" / "a.md").write_text("x")
        until(lambda: str(tmp_path / "site" / "a.md") in reports.get(timeout=10))
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


def swap(link: Path, target: str) -> None:
    """Let a link lead elsewhere, as `mv -T` and deploy tools do."""
    new = link.with_name("new")
    new.symlink_to(target)
    new.replace(link)


def replace_folder(link: Path, target: str) -> None:
    """Put a folder in the place of the one that the link leads to."""
    (link.parent / "1").rename(link.parent / "old")
    (link.parent / target).rename(link.parent / "1")


def replace_link(link: Path, target: str) -> None:
    link.unlink()
    link.symlink_to(target)


@pytest.mark.parametrize("way", [swap, replace_link, replace_folder])
def test_a_swapped_link_is_reported(tmp_path: Path, way: Callable[[Path, str], None]) -> None:
    """Any file may have changed then, and from then on the other folder is watched."""
    reports: Queue[frozenset[str]] = Queue()
    ready = Event()
    for release in "12":
        (tmp_path / release / "site").mkdir(parents=True)
    (tmp_path / "current").symlink_to("1")
    (tmp_path / "newest").symlink_to("current")
    watcher = Watcher(
        tmp_path / "newest/site",
        output=tmp_path / "feeds",
        state=None,
        changed=reports.put,
        failed=lambda error: ready.set(),
    )
    watcher.start()
    try:
        assert ready.wait(PATIENCE)
        way(tmp_path / "current", "2")
        assert reports.get(timeout=PATIENCE) == frozenset()
        post = tmp_path / "newest/site/a.md"

        def is_watched() -> bool:
            """What is saved before the other folder is watched is reported as any file."""
            post.write_text("x")
            seen = reports.get(timeout=PATIENCE)
            assert seen in (frozenset(), {str(post)})
            return bool(seen)

        until(is_watched)
    finally:
        watcher.stop()


def test_a_place_is_compared_without_events(tmp_path: Path) -> None:
    """Where no folder can be watched, within a second or two."""
    (tmp_path / "1").mkdir()
    (tmp_path / "current").symlink_to("1")
    moves: Queue[bool] = Queue()
    watcher = PlaceWatcher(tmp_path / "current", lambda: moves.put(True))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # no file can be opened
    try:
        watcher.start()
        swap(tmp_path / "current", ".")
        assert moves.get(timeout=PATIENCE)
        assert watcher.heartbeat.is_alive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        watcher.stop()
