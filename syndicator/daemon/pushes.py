"""Push passes on request: when a build queued jobs, when one is due, and every few seconds."""

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from syndicator.daemon.signals import Event
from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.timers import Timers
from syndicator.daemon.worker import Worker
from syndicator.errors import MovedStateError
from syndicator.model.outbox import (
    Done,
    GaveUp,
    Job,
    JobKind,
    JobOutcome,
    Released,
    Retry,
    queued_by_kind,
)
from syndicator.observe import attempt_line
from syndicator.push.worker import PushWorker
from syndicator.service import Service
from syndicator.store import outbox, subscriptions
from syndicator.store.backup import checkpoint
from syndicator.store.database import Database

#: How often to look for due jobs. A build requests a pass at once.
INTERVAL = timedelta(seconds=5)

#: Seconds between cleanups of the state, by the monotonic clock. Leases end by the wall clock: a
#: clock that was wrong for a short time must not end all of them.
_CLEANUP = 3600.0

#: Seconds between two checkpoints, at least. A copy of the state's file alone is as old at most,
#: and the log holds what was written since.
_CHECKPOINT = 5.0

#: Failed requests to callbacks that one pass logs one by one. Its summary counts all of them.
_LOGGED = 20


class Pushes:
    """Runs push passes in a thread of its own, and logs and counts each request.

    `notify` is called with STATE_MOVED when the state has to be opened again.
    """

    def __init__(
        self,
        service: Service,
        push_worker: PushWorker,
        database: Database,
        timers: Timers,
        telemetry: Telemetry,
        notify: Callable[[Event], None],
    ) -> None:
        self._service = service
        self._push_worker = push_worker
        self._database = database
        self._timers = timers
        self._metrics = telemetry.metrics
        self._faults = telemetry.faults
        self._notify = notify
        self._log: Any = structlog.get_logger()
        self._stopping = threading.Event()
        self._cleaned = -math.inf
        self._checkpointed = -math.inf
        self._failures = 0  #: failed requests to callbacks in this pass
        self.worker = Worker(
            "push",
            self._push,
            nothing=False,
            at_least=2 * INTERVAL,
            failed=partial(self._faults.report, "push"),
        )

    def start(self) -> None:
        self.worker.start()

    def stop(self) -> None:
        """End after the requests that are under way."""
        self._stopping.set()
        self.worker.stop()
        self._push_worker.stop()

    def request(self) -> None:
        """Begin a pass as soon as the current one is over."""
        self.worker.request(True)

    def request_now(self) -> None:
        """Have the current pass take up new jobs, and another one follow."""
        self._push_worker.nudge()
        self.worker.request(True)

    def record(self, job: Job, outcome: JobOutcome) -> None:
        """Log and count one request. One that was not sent is neither."""
        match outcome:
            case Done():
                result = "done"
            case Retry():
                result = "retry"
            case GaveUp():
                result = "given_up"
            case Released():
                return
        self._metrics.count_attempt(job.kind, job.target, result)
        line = attempt_line(job.kind, job.target, job.topic, result)
        if isinstance(outcome, Done):
            # There are as many deliveries as subscribers: the summary of the pass counts them.
            (self._log.info if job.kind is JobKind.PING else self._log.debug)("sent", **line)
            return
        if job.kind is not JobKind.PING:
            self._failures += 1
        named = job.kind is JobKind.PING or self._failures <= _LOGGED
        log = self._log.warning if named else self._log.debug
        log("not sent", **line, error=outcome.error)

    def _push(self, _requested: bool) -> None:
        try:
            self._service.check()
            if time.monotonic() > self._cleaned + _CLEANUP:
                self._service.delete_expired()
                self._cleaned = time.monotonic()
            self._failures = 0
            report = self._push_worker.once()
            self._count_queue()
            self._checkpoint()
        except Exception as error:
            if not self._stopping.is_set():
                self._faults.report("push", error)
                if isinstance(error, MovedStateError):
                    self._notify(Event.STATE_MOVED)
            return
        self._faults.report("push", None)
        # A job that is due already is one that another process works on.
        if report.next_due is not None and report.next_due > datetime.now(UTC):
            self._timers.at("retry", report.next_due, self.request)
        if report.done or report.retried or report.given_up:
            self._log.info("push", summary=report.summary(), seconds=round(report.seconds, 3))

    def _checkpoint(self) -> None:
        """After a pass: nobody waits then."""
        if time.monotonic() > self._checkpointed + _CHECKPOINT:
            checkpoint(self._database)
            self._checkpointed = time.monotonic()

    def _count_queue(self) -> None:
        with self._database.read() as connection:
            counts = outbox.counts(connection)
            oldest = outbox.oldest_since(connection)
            audiences = subscriptions.by_topic(connection, datetime.now(UTC))
        self._metrics.set_queue(queued_by_kind(counts), oldest)
        self._metrics.set_subscribers(
            {topic: audience.subscribers for topic, audience in audiences.items()}
        )
