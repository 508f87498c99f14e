"""Builds on request: after a poll, when the watcher reports a change, when a post's time comes."""

import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from syndicator.daemon import archives, malloc
from syndicator.daemon.build_requests import (
    NOTHING,
    BuildRequest,
    FollowUp,
    Reason,
    RunPlan,
    after_interruption,
    follow_up,
    interrupts_archive,
    is_interruptible,
    plan,
)
from syndicator.daemon.early_imports import import_for_changes
from syndicator.daemon.heartbeat import stuck
from syndicator.daemon.page_checks import PageChecks
from syndicator.daemon.pushes import Pushes
from syndicator.daemon.run_log import hand_over, log_run
from syndicator.daemon.signals import Event
from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.timers import Timers
from syndicator.daemon.watch import Watcher
from syndicator.daemon.worker import Worker
from syndicator.errors import (
    LostLeaseError,
    MovedStateError,
    SyndicatorError,
    Trouble,
)
from syndicator.from_config import live_rules
from syndicator.live_pages import page_asker
from syndicator.model.progress import Cancel, Cancelled
from syndicator.model.report import Report
from syndicator.service import Service
from syndicator.store.engines import shrink_memory


class Source(Struct, frozen=True, kw_only=True):
    """The folder of the site, and how its changes are noticed."""

    folder: Path
    poll: timedelta  #: the interval of polls
    watch: bool  #: whether changes are reported between polls, too
    #: Not watched, as the state: syndicator writes there itself. None: it is not a folder.
    output: Path | None
    state: Path | None  #: None: it is not a file
    #: Whether the folder is a clone's: a poll fetches first, and nothing else changes it.
    fetched: bool = False
    #: For how many intervals a full scan may be interrupted for posts that were just saved.
    patience: int = 3


class Builds:
    """Runs builds in a thread of its own, and logs and counts them.

    `notify` is called with FIRST_RUN_OVER after the first run, whether it succeeded or failed, and
    with STATE_MOVED when the state has to be opened again.
    """

    def __init__(
        self,
        service: Service,
        source: Source,
        timers: Timers,
        pushes: Pushes,
        telemetry: Telemetry,
        notify: Callable[[Event], None],
    ) -> None:
        self._service = service
        self._source = source
        self._timers = timers
        self._pushes = pushes
        self._metrics = telemetry.metrics
        self._faults = telemetry.faults
        self._notify = notify
        self._log: Any = structlog.get_logger()
        self._stopping = threading.Event()
        self._first_run = True
        self.pages_changed = False  #: whether the present update of the archives wrote pages
        #: These two by the monotonic clock: the end of the last full scan (None: there was none),
        #: and of the last run that succeeded.
        self._scanned_at: float | None = None
        self.succeeded_at = 0.0
        self.last: Report | None = None  #: what the last run that succeeded did
        self.trouble: Trouble | None = None  #: why the last run failed; None: it succeeded
        self.worker = Worker(
            "build", self._build, nothing=NOTHING, at_least=2 * source.poll, failed=self._failed
        )
        self.watcher: Watcher | None = None
        if source.watch:
            self.watcher = Watcher(
                source.folder,
                output=source.output,
                state=source.state,
                changed=self._watcher_reported,
                failed=partial(self._faults.report, "watch"),
            )
        #: None: new posts wait for no page.
        self.page_checks: PageChecks | None = None
        if live_rules(service.config).wanted:
            self.page_checks = PageChecks(
                page_asker(service),
                timers,
                telemetry,
                partial(self.request, Reason.PAGE),
                lambda: service.member.is_builder,
            )

    def start(self) -> None:
        self.worker.start()
        if self.watcher:
            self.watcher.start()
        if self.page_checks:
            self.page_checks.start()

    def stop(self) -> None:
        """Stop at the next progress call of the run."""
        self._stopping.set()
        if self.watcher:
            self.watcher.stop()
        if self.page_checks:
            self.page_checks.stop()
        self.worker.stop()

    def request(self, reason: Reason) -> None:
        """Scan all documents soon, and build."""
        self.worker.request(BuildRequest(reasons=frozenset({reason})))

    def _build(self, request: BuildRequest) -> None:
        if not self._service.member.is_builder:
            self._stand_by()
            return
        begun = time.monotonic()
        run = plan(
            request,
            self._source.folder,
            [path for path in request.saved if os.path.isdir(path)],
            first=self.last is None,
            interruptible=self._is_interruptible(),
        )
        self.worker.request(run.later)
        if run.urgent:
            self._pushes.hold()
        try:
            self._service.check()
            report = self._service.build(
                lambda *_: self.worker.heartbeat.beat(),
                paths=run.documents,
                cancel=self._cancel(run.now),
            )
        except Cancelled:
            if not self._stopping.is_set():
                self.worker.request(after_interruption(run.now))
            return
        except LostLeaseError as error:
            hand_over(self._service, error)
            return
        except Exception as error:
            self._run_failed(error)
        else:
            self._run_succeeded(report, run, begun)
            self.pages_changed = False
            cancel = Cancel(  # the next run's update resumes it
                run=lambda: (
                    self._stopping.is_set()
                    or interrupts_archive(self.worker.pending(), progressed=self.pages_changed)
                )
            )
            archives.update(self._service, self._faults, self.worker.heartbeat.beat, cancel)
        if self.trouble:
            gc.collect()  # the traceback's reference cycles keep the feeds in memory
        self._first_run_over()

    def _stand_by(self) -> None:
        """Do nothing, while another process builds. Imports what a build needs."""
        self.trouble = self.last = None  # its next run is like its first
        if self._first_run:
            assert self._service.builder
            self._first_run_over()

    def _first_run_over(self) -> None:
        if self._first_run:
            self._first_run = False
            self._notify(Event.FIRST_RUN_OVER)
            import_for_changes(self._service)
            shrink_memory(self._service.database.engine)
            malloc.trim()

    def _cancel(self, request: BuildRequest) -> Cancel:
        """A full scan takes seconds with many posts: a post that was just saved comes before it."""

        def saved() -> bool:
            return bool(self.worker.pending().paths)

        def scan() -> bool:
            return not request.paths and self._is_interruptible() and saved()

        def over() -> bool:
            return self._stopping.is_set() or not self._service.member.is_builder

        return Cancel(run=over, scan=scan, heavy_posts=saved)

    def _run_failed(self, error: Exception) -> None:
        self._metrics.runs.labels("failed").inc()
        self.trouble = Trouble.of(error)
        bug = SyndicatorError(f"{error!r}", hint="this is a bug; the log has its traceback")
        self._service.beat(error if isinstance(error, SyndicatorError) else bug)
        self._faults.report("build", error)
        if isinstance(error, MovedStateError):
            self._notify(Event.STATE_MOVED)

    def _run_succeeded(self, report: Report, run: RunPlan, begun: float) -> None:
        self.trouble = None
        self.succeeded_at = time.monotonic()
        self._service.beat(_stuck_error(self.stuck()))
        self._faults.report("build", None)
        reported_at = self.watcher.reported_at if self.watcher else None
        then = follow_up(report, self.last, run.now, begun=begun, reported_at=reported_at)
        log_run(self._metrics, self._faults, report, then)
        self._follow_up(report, then)
        self.last = report
        if run.documents is None:
            self._scanned_at = time.monotonic()

    def _failed(self, error: Exception) -> None:
        """Something around a run failed, such as logging its result."""
        self.trouble = Trouble.of(error)
        self._faults.report("build", error)

    def stuck(self) -> list[str]:
        """The threads of builds and pushes that ended by themselves or have not worked for long."""
        if self._stopping.is_set():
            return []
        threads = {"build": self.worker.heartbeat, "push": self._pushes.worker.heartbeat}
        if self.watcher:
            threads |= self.watcher.heartbeats
        if self.page_checks:
            threads["pages"] = self.page_checks.worker.heartbeat
        return stuck(threads)

    def _is_interruptible(self) -> bool:
        limit = self._source.patience * self._source.poll
        return is_interruptible(time.monotonic(), self._scanned_at, limit)

    def _follow_up(self, report: Report, then: FollowUp) -> None:
        if then.missed and self.watcher:
            self.watcher.restart()
        if then.reschedule:
            if report.next_due:
                self._timers.at("due", report.next_due, lambda: self.request(Reason.DUE))
            else:
                self._timers.cancel("due")
        if then.push:
            self._pushes.request_now()
        if self.page_checks and report.held:
            self.page_checks.request()
        put_off = frozenset(str(self._source.folder / path) for path in report.put_off)
        self.worker.request(BuildRequest(paths=put_off))

    def _watcher_reported(self, paths: frozenset[str]) -> None:
        reasons = frozenset() if paths else frozenset({Reason.WATCHER})
        self.worker.request(BuildRequest(reasons=reasons, paths=paths))


def _stuck_error(threads: Sequence[str]) -> SyndicatorError | None:
    if not threads:
        return None
    hint = "restart the daemon; the log may say why they stopped"
    return SyndicatorError(f"threads have stopped: {', '.join(threads)}", hint=hint)
