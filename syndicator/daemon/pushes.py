"""Push passes on request: when a build queued jobs, when one is due, and every few seconds."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from syndicator.daemon.push_log import PassLines, log_passes
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
from syndicator.outbound.hold import Hold
from syndicator.push.record import PushReport
from syndicator.push.worker import PushWorker
from syndicator.service import Service
from syndicator.store import audiences, outbox
from syndicator.store.audiences import Audience
from syndicator.store.backup import checkpoint
from syndicator.store.database import Database

#: How often to look for due jobs. A build requests a pass at once.
INTERVAL = timedelta(seconds=5)

#: When to look again for a job that a pass left although it was due.
_OVERDUE_WAIT = timedelta(seconds=1)

#: Seconds between cleanups of the state, by the monotonic clock. Leases end by the wall clock: a
#: clock that was wrong for a short time must not end all of them.
_CLEANUP = 3600.0

#: Seconds between two checkpoints, at least. A copy of the state's file alone is as old at most,
#: and the log holds what was written since.
_CHECKPOINT = 5.0


#: Seconds for which a run waits at most until the pings of a feed are being sent. Threads share one
#: interpreter lock: building the next feed meanwhile delays these pings by more than that takes.
_YIELD = 0.05

#: Seconds between two counts of subscribers when nothing is sent: leases end, and other processes
#: remove subscriptions. With 100,000 subscriptions it takes a tenth of a second.
COUNT_INTERVAL = 20.0

#: Counts that take longer, in seconds, are made less often: a ping that is queued meanwhile waits.
LONG_COUNT = 0.2

#: The part of the time that they may take.
_COUNT_PART = 1 / 20


class CountTimes(Struct):
    """When to count what is queued, and the subscribers: times of a monotonic clock."""

    again: float = -math.inf  #: nothing is counted before
    subscribers: float = -math.inf  #: when they are counted next

    def passed(self, now: float, *, asked: bool) -> bool:
        """Whether to count after a pass. `asked`: whether it sent anything to a callback."""
        if asked:
            self.subscribers = now
        return now >= self.again

    def counted(self, began: float, now: float) -> None:
        """Wait after a count that took long."""
        took = now - began
        self.again = now + took / _COUNT_PART if took > LONG_COUNT else now
        if self.subscribers <= began:
            self.subscribers = now + COUNT_INTERVAL


class Pushes:
    """Runs push passes in a thread of its own; logs each pass, and counts each request.

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
        self._activity = telemetry.activity
        self._faults = telemetry.faults
        self._notify = notify
        self._log: Any = structlog.get_logger()
        self._stopping = threading.Event()
        #: The subscribers of each topic after the last pass; None: there was none yet.
        self.audiences: Mapping[str, Audience] | None = None
        self._cleaned = -math.inf
        self._checkpointed = -math.inf
        self._counts = CountTimes()
        self._queued = 0  #: jobs, when they were last counted
        self._yield = Hold()  #: of the run that queues jobs
        self._lines = PassLines()
        #: By hub and topic: the error of the last ping in this pass; None: it succeeded.
        self._ping_errors: dict[tuple[str, str], str | None] = {}
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

    def progressed(self) -> None:
        """A pass goes on, in its thread."""
        self.worker.heartbeat.beat()
        self._activity.store_when_due(self._database)

    def store_activity(self) -> None:
        """Store the last minute, after the end of the thread."""
        self._activity.store(self._database)

    def request(self) -> None:
        """Begin a pass as soon as the current one is over."""
        self.worker.request(True)

    def request_now(self, *, waits: bool = False) -> None:
        """Have the current pass take up new jobs, and another one follow.

        `waits`: until the pings among them are being sent, for `_YIELD` and a fifth of the time at
        most.
        """
        taken = self._push_worker.nudge()
        self.worker.request(True)
        if waits:
            began = time.monotonic()
            self._yield.begin(began, _YIELD)
            taken.wait(self._yield.left(began))
            self._yield.end(time.monotonic())

    def hold(self) -> None:
        """Begin no delivery until the jobs of a run are queued, or for a short time."""
        self._push_worker.hold()

    def record(self, job: Job, outcome: JobOutcome) -> None:
        """Count one request, unless it was not sent.

        Requests are details: strangers choose callbacks, and there are as many deliveries as
        subscribers. `status` and `hub list` show which fail, and the log a hub that fails.
        """
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
        if job.kind is JobKind.PING:
            self._ping_errors[job.target, job.topic] = outcome.error
        line = attempt_line(job.kind, job.target, job.topic, result)
        event = "sent" if isinstance(outcome, Done) else "not sent"
        self._log.debug(event, **line, **({"error": outcome.error} if outcome.error else {}))

    def _push(self, _requested: bool) -> None:
        try:
            self._service.check()
            if time.monotonic() > self._cleaned + _CLEANUP:
                self._service.delete_expired()
                self._cleaned = time.monotonic()
            report = self._push_worker.once(counted=False)
            self._count(asked=asked_callbacks(report))
            report = replace(report, queued=self._queued)
            self._checkpoint()
        except Exception as error:
            if not self._stopping.is_set():
                self._faults.report("push", error)
                if isinstance(error, MovedStateError):
                    self._notify(Event.STATE_MOVED)
            return
        self._faults.report("push", None)
        if report.next_due is not None:
            self._timers.at("retry", next_pass(report.next_due, datetime.now(UTC)), self.request)
        self._log_pass(report)

    def _log_pass(self, report: PushReport) -> None:
        """Log the passes that sent something, and the hubs that fail or work again."""
        errors, self._ping_errors = self._ping_errors, {}
        self._faults.report_pings(errors)
        log_passes(self._lines.due(report, time.monotonic()))

    def log_rest(self) -> None:
        """Log the passes that no line has yet, after the end of the thread."""
        log_passes(self._lines.rest())

    def _checkpoint(self) -> None:
        """After a pass: nobody waits then."""
        if time.monotonic() > self._checkpointed + _CHECKPOINT:
            checkpoint(self._database)
            self._checkpointed = time.monotonic()

    def _count(self, *, asked: bool) -> None:
        """Count what is queued, and the subscribers. `asked`: see `CountTimes.passed`."""
        began = time.monotonic()
        if not self._counts.passed(began, asked=asked):
            return
        with self._database.read() as connection:
            counts = outbox.counts(connection)
            oldest = outbox.oldest_since(connection)
        queued = queued_by_kind(counts)
        self._queued = queued.total()
        self._metrics.set_queue(queued, oldest)
        if self._counts.subscribers <= began:
            self._count_subscribers()
        self._counts.counted(began, time.monotonic())

    def _count_subscribers(self) -> None:
        with self._database.read() as connection:
            self.audiences = audiences.by_topic(connection, datetime.now(UTC))
        self._metrics.set_subscribers(
            {topic: audience.subscribers for topic, audience in self.audiences.items()}
        )


def next_pass(due: datetime, now: datetime) -> datetime:
    """When the next pass begins, if a job is due then.

    A job that is due already became so as the pass ended, or another process works on it.
    """
    return due if due > now else now + _OVERDUE_WAIT


def asked_callbacks(report: PushReport) -> bool:
    """Whether a pass sent anything to a callback, so that subscriptions may have changed."""
    return bool(
        (report.done.keys() | report.retried.keys() | report.given_up.keys()) - {JobKind.PING}
    )
