"""Builds on request: after a poll, when the watcher reports a change, when a post's time comes."""

import gc
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from syndicator.daemon.faults import Faults
from syndicator.daemon.watch import Watcher
from syndicator.daemon.worker import Worker
from syndicator.errors import MovedStateError, SyndicatorError, Trouble
from syndicator.model.content import Report
from syndicator.model.progress import Cancel, Cancelled
from syndicator.observe import Metrics, run_line
from syndicator.service import Service

#: Reasons for a full scan. Every other request is a path that changed.
POLL, DUE = "poll", "due"
WATCHING = "watching"
_REASONS = frozenset({POLL, DUE, WATCHING})

#: With more changed paths than this a full scan is cheaper.
_FEW = 200

#: For how many poll intervals a full scan may be interrupted for posts that were just saved.
MAX_INTERRUPTED_POLLS = 3


def split_requests(requests: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What to do now, and what after it: a few posts that were saved come before a full scan."""
    saved = requests - _REASONS
    scans = requests & _REASONS
    return (saved, scans) if saved and len(saved) <= _FEW else (requests, frozenset())


class Builds:
    """Runs builds in a thread of its own, and logs and counts them.

    `first_run_over` is called after the first run, whether it succeeded or failed. `state_moved` is
    called when the state has to be opened again, `wake_at` with the time of the next future post,
    `push_soon` when a build may have queued jobs. `stuck_threads` returns the threads of the daemon
    that have not worked for too long.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        faults: Faults,
        *,
        first_run_over: Callable[[], None],
        state_moved: Callable[[], None],
        wake_at: Callable[[datetime | None], None],
        push_soon: Callable[[], None],
        stuck_threads: Callable[[], list[str]],
        patience: int = MAX_INTERRUPTED_POLLS,
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._faults = faults
        self._first_run_over: Callable[[], None] | None = first_run_over
        self._state_moved = state_moved
        self._wake_at = wake_at
        self._push_soon = push_soon
        self._stuck_threads = stuck_threads
        self._log: Any = structlog.get_logger()
        self._stopping = threading.Event()
        poll = service.config.source.poll
        self._interruptible = patience * poll.total_seconds()
        #: These three by the monotonic clock: the end of the last full scan, the last report of the
        #: watcher, the end of the last run that succeeded.
        self._scanned_at = 0.0
        self.watcher_reported_at = 0.0
        self.succeeded_at = 0.0
        self.last: Report | None = None  #: what the last run that succeeded did
        self.trouble: Trouble | None = None  #: why the last run failed; None: it succeeded
        self.worker = Worker("build", self._build, at_least=2 * poll, failed=self._failed)
        self.watcher = self._new_watcher() if service.config.source.watch else None

    def start(self) -> None:
        self.worker.start()
        if self.watcher:
            self.watcher.start()

    def stop(self) -> None:
        """Stop at the next progress call of the run."""
        self._stopping.set()
        if self.watcher:
            self.watcher.stop()
        self.worker.stop()

    def request(self, *requests: str) -> None:
        """Build soon, for POLL, DUE or WATCHING, or for paths that changed."""
        self.worker.request(*requests)

    def _build(self, requests: frozenset[str]) -> None:
        begun = time.monotonic()
        now, later = split_requests(requests)
        if later and self._is_interruptible() and self._changed_paths(now) is not None:
            requests = now
            self.worker.request(*later)
        paths = self._changed_paths(requests)

        # A full scan takes seconds with many posts: a post that was just saved comes before it.
        cancel = Cancel(
            run=self._stopping.is_set,
            scan=lambda: requests <= _REASONS and self._is_interruptible() and self._saved_since(),
            heavy_posts=self._saved_since,
        )
        try:
            self._service.check()
            report = self._service.build(
                lambda *_: self.worker.heartbeat.beat(), paths=paths, cancel=cancel
            )
        except Cancelled:
            if self._stopping.is_set():
                return
            # Leave it to the next poll: repeated at once, it would not end where files often
            # change.
            self.worker.request(*requests - {POLL})
            return
        except Exception as error:
            self._run_failed(error)
        else:
            self._run_succeeded(report, requests, begun, full=paths is None)
        if self.trouble:
            gc.collect()  # the traceback's reference cycles keep the feeds in memory
        if self._first_run_over:
            self._first_run_over()
            self._first_run_over = None

    def _run_failed(self, error: Exception) -> None:
        self._metrics.runs.labels("failed").inc()
        self.trouble = Trouble.of(error)
        bug = SyndicatorError(f"{error!r}", hint="this is a bug; the log has its traceback")
        self._service.beat(error if isinstance(error, SyndicatorError) else bug)
        self._faults.report("build", error)
        if isinstance(error, MovedStateError):
            self._state_moved()

    def _run_succeeded(
        self, report: Report, requests: frozenset[str], begun: float, *, full: bool
    ) -> None:
        self.trouble = None
        self.succeeded_at = time.monotonic()
        self._service.beat(self._stuck_error())
        self._faults.report("build", None)
        self._report(report, requests, begun)
        if full:
            self._scanned_at = time.monotonic()
        if report.put_off:
            root = self._service.config.source.path
            self.worker.request(*(str(root / path) for path in report.put_off))

    def _failed(self, error: Exception) -> None:
        """Something around a run failed, such as logging its result."""
        self.trouble = Trouble.of(error)
        self._faults.report("build", error)

    def _stuck_error(self) -> SyndicatorError | None:
        threads = ", ".join(self._stuck_threads())
        hint = "restart the daemon; the log may say why they stopped"
        return SyndicatorError(f"threads have stopped: {threads}", hint=hint) if threads else None

    def _is_interruptible(self) -> bool:
        return self.last is not None and time.monotonic() < self._scanned_at + self._interruptible

    def _saved_since(self) -> bool:
        """Whether a post was saved since the run began."""
        return bool(self.worker.pending() - _REASONS)

    def _changed_paths(self, requests: frozenset[str]) -> list[str] | None:
        """The documents that may have changed, relative to the source; None: any."""
        if not requests or requests & _REASONS or len(requests) > _FEW or self.last is None:
            return None
        root = self._service.config.source.path
        paths = [Path(path) for path in requests]
        # The watcher reports a folder that came or went, and not the files in it.
        if any(
            os.path.isdir(path) or not path.suffix or not path.is_relative_to(root)
            for path in paths
        ):
            return None
        return sorted(path.relative_to(root).as_posix() for path in paths)

    def _report(self, report: Report, requests: frozenset[str], begun: float) -> None:
        """Log and count a run, and schedule what follows from it."""
        self._metrics.count_run(report)
        self._faults.report_problems((*report.problems, *report.notes))
        changed = self.last is not None and bool(report.new or report.changed or report.gone)
        # A poll may find what was saved during its scan, shortly before the watcher reports it.
        if self.watcher and requests == {POLL} and changed and self.watcher_reported_at < begun:
            self._metrics.missed.inc()
            self.watcher.restart()
        if report.repaired and self.last:
            hint = (
                "does another program write to output.path, "
                "or another syndicator with a state of its own?"
            )
            self._log.warning(
                "repaired files that another program changed", files=report.repaired, hint=hint
            )
        (self._log.info if report.has_changes else self._log.debug)("run", **run_line(report))
        if report.next_due != (self.last.next_due if self.last else None):
            self._wake_at(report.next_due)
        if (
            report.has_changes or self.last is None
        ):  # it may have queued pings, deliveries and denials
            self._push_soon()
        self.last = report

    def _new_watcher(self) -> Watcher:
        config = self._service.config
        return Watcher(
            config.source.path,
            output=config.output.path,
            state=self._service.database.path,
            changed=self._watcher_reported,
            failed=lambda error: self._faults.report("watch", error),
        )

    def _watcher_reported(self, paths: frozenset[str]) -> None:
        self.watcher_reported_at = time.monotonic()
        self.worker.request(*paths or {WATCHING})
