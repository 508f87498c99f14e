"""What a daemon's build does first."""

import threading
import time
from collections.abc import Callable, Container
from pathlib import Path

import pytest
from command import PATIENCE, until
from support import FEEDS, Site

from syndicator import config, observe
from syndicator.daemon.faults import Faults
from syndicator.daemon.scheduler import Scheduler, parted
from syndicator.service import Service
from syndicator.sources.folder import FolderScan, SourceFolder

MANY = [f"_posts/{number}.md" for number in range(300)]


@pytest.mark.parametrize(
    ("asked", "now", "later"),
    [
        (["poll"], ["poll"], []),
        (["a.md", "b.md"], ["a.md", "b.md"], []),
        (["a.md", "poll", "due"], ["a.md"], ["poll", "due"]),
        ([*MANY, "poll"], [*MANY, "poll"], []),  # that many are found sooner by a look
        ([], [], []),
    ],
)
def test_what_was_saved_comes_before_a_look_at_everything(
    asked: list[str], now: list[str], later: list[str]
) -> None:
    assert parted(frozenset(asked)) == (set(now), set(later))


@pytest.mark.parametrize("patience", [3, 0])
def test_a_look_at_everything_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    """What is saved while a poll looks is out before it looks on, within bounds; it never counts as missed."""
    monkeypatch.setattr("syndicator.daemon.scheduler._PATIENCE", patience)
    site = Site(tmp_path, settings=FEEDS)
    site.post("2026-01-01-one")
    metrics, look, begun, looked_on = (
        observe.Metrics(),
        SourceFolder.scan,
        threading.Event(),
        threading.Event(),
    )

    def slow(
        source: SourceFolder, known: Container[int] | None, progress: Callable[[int], None]
    ) -> FolderScan:
        if begun.is_set() and not (site.root / "_posts/2026-01-02-two.md").exists():
            site.post("2026-01-02-two")
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:  # until the watch has told of it
                progress(1)
                if not patience and work._told:
                    break
                time.sleep(0.005)
            looked_on.set()
        return look(source, known, progress)

    monkeypatch.setattr(SourceFolder, "scan", slow)
    often = {"SYNDICATOR_SOURCE__POLL": "100ms"}
    with Service(config.load(site.config_path, often), clock=site.clock) as service:
        work = Scheduler(service, metrics, Faults(), first=begun.set, moved=lambda: None)
        work.start()
        until(lambda: work.last is not None and work.last.posts == 2)
        assert work.stop(5)
    assert looked_on.is_set() is not bool(patience)
    assert metrics.registry.get_sample_value("syndicator_polls_missed_total") == 0


def test_threads_that_were_told_to_stop_are_not_stuck(tmp_path: Path) -> None:
    """A reload ends them: `/livez` stays as it was meanwhile."""
    site = Site(tmp_path, settings=FEEDS)
    with Service(config.load(site.config_path, {}), clock=site.clock) as service:
        begun = threading.Event()
        work = Scheduler(service, observe.Metrics(), Faults(), first=begun.set, moved=lambda: None)
        work.start()
        assert begun.wait(PATIENCE)
        assert work.stuck() == []
        assert work.stop(5)
        assert work.stuck() == []
