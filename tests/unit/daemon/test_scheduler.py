"""What a daemon builds first."""

import sqlite3
import threading
import time
from collections.abc import Callable, Container
from contextlib import closing
from pathlib import Path

import pytest
from command import AT_ONCE, PATIENCE, until
from msgspec.structs import replace
from support import FEEDS, Site

from syndicator import config, observe
from syndicator.daemon.faults import Faults
from syndicator.daemon.parts import source_of
from syndicator.daemon.scheduler import Scheduler
from syndicator.daemon.telemetry import Telemetry
from syndicator.service import Service
from syndicator.sources.folder import FolderScan, SourceFolder


@pytest.mark.parametrize("patience", [3, 0])
def test_a_full_scan_is_interrupted_for_a_saved_post(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    """A post saved during a scan is published before the scan goes on, within limits.

    It never counts as missed by the watcher.
    """
    site = Site(tmp_path, settings=FEEDS)
    site.post("2026-01-01-one")
    metrics = observe.Metrics()
    scan = SourceFolder.scan
    first_run_over = threading.Event()
    scanned_on = threading.Event()

    def slow(
        source: SourceFolder, known: Container[int] | None, progress: Callable[[int], None]
    ) -> FolderScan:
        if first_run_over.is_set() and not (site.root / "_posts/2026-01-02-two.md").exists():
            site.post("2026-01-02-two")
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:  # until the watcher has reported it
                progress(1)
                if not patience and watcher.reported_at:
                    break
                time.sleep(0.005)
            scanned_on.set()
        return scan(source, known, progress)

    monkeypatch.setattr(SourceFolder, "scan", slow)
    often = {"SYNDICATOR_SOURCE__POLL": "100ms"}
    with Service(config.load(site.config_path, often), clock=site.clock) as service:
        source = replace(source_of(service.config, service.database), patience=patience)
        telemetry = Telemetry(metrics, Faults())
        scheduler = Scheduler(service, source, telemetry, lambda event: first_run_over.set())
        watcher = scheduler.builds.watcher
        assert watcher
        scheduler.start()
        until(lambda: scheduler.builds.last is not None and scheduler.builds.last.posts == 2)
        assert scheduler.stop(5)
    assert scanned_on.is_set() is not bool(patience)
    assert metrics.registry.get_sample_value("syndicator_polls_missed_total") == 0


def test_a_locked_state_does_not_delay_a_stop(tmp_path: Path) -> None:
    """What was done in the last minute is not stored then: a stop promises to take five seconds."""
    site = Site(tmp_path, settings=FEEDS)
    metrics = observe.Metrics()
    with Service(config.load(site.config_path, {}), clock=site.clock) as service:
        source = source_of(service.config, service.database)
        begun = threading.Event()
        telemetry = Telemetry(metrics, Faults())
        scheduler = Scheduler(service, source, telemetry, lambda _: begun.set())
        scheduler.start()
        assert begun.wait(PATIENCE)
        metrics.runs.labels("changed").inc()
        with closing(sqlite3.connect(site.state)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            scheduler.stop(0.5)
            assert time.monotonic() - began < AT_ONCE


def test_stopped_threads_are_not_stuck(tmp_path: Path) -> None:
    """A reload stops them, and `/livez` stays as it was meanwhile."""
    site = Site(tmp_path, settings=FEEDS)
    with Service(config.load(site.config_path, {}), clock=site.clock) as service:
        begun = threading.Event()
        scheduler = Scheduler(
            service,
            source_of(service.config, service.database),
            Telemetry(observe.Metrics(), Faults()),
            lambda event: begun.set(),
        )
        scheduler.start()
        assert begun.wait(PATIENCE)
        assert scheduler.builds.stuck() == []
        assert scheduler.stop(5)
        assert scheduler.builds.stuck() == []
