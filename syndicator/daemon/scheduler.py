"""One config at work: a builder, a pusher, a watch, and the schedule that asks them.

The scheduler only asks: what runs is a `Worker`'s own thread. So a job can't be missed, overlap or hang.
"""

import gc
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from syndicator.build.pipeline import SCANNING
from syndicator.daemon.faults import Faults
from syndicator.daemon.watch import Watcher
from syndicator.daemon.worker import Worker
from syndicator.errors import MovedStateError, SyndicatorError, Trouble
from syndicator.model.content import Report
from syndicator.model.outbox import JobKind, JobOutcome, queued_by_kind
from syndicator.observe import Metrics, attempt_line, run_line
from syndicator.service import Service
from syndicator.store import outbox, subscriptions
from syndicator.web.health import Readiness

#: Why a run looks at everything. Anything else that is asked for is a path.
POLL, DUE, WATCHING = "poll", "due", "watching"
_REASONS = frozenset({POLL, DUE, WATCHING})

#: How often to look for debts that came due. A build asks for a look at once.
_DRAIN = timedelta(seconds=5)

#: Seconds between tidyings of the state, by the monotonic clock: leases end by the other one, and one that ran
#: ahead for a moment must not end them all.
_TIDY = 3600.0

#: Requests to callbacks that failed which one pass logs one by one. Its summary counts all of them.
_NAMED = 20

#: More changed paths than this, and a look at everything is cheaper.
_FEW = 200

#: For how many polls' time a look at everything gives way to posts that were just saved.
_PATIENCE = 3


class _Stopped(Exception):  # noqa: N818  # not an error
    """Ends a build between two of its steps."""


class _GaveWay(Exception):  # noqa: N818  # nor is this
    """Ends a look at everything, which takes seconds where posts are many, for a post that was just saved."""


def parted(asked: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What to do now, and what after it: a few posts that were saved come before a look at everything."""
    saved, looks = asked - _REASONS, asked & _REASONS
    return (saved, looks) if saved and len(saved) <= _FEW else (asked, frozenset())


class Scheduler:
    """Polls, builds and pushes, from `start` to `stop`.

    `first` is called when the first run is over, `moved` when the state has to be opened anew.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        faults: Faults,
        *,
        first: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        self._service, self._metrics, self._faults = service, metrics, faults
        self._first: Callable[[], None] | None = first
        self._moved = moved
        self._log: Any = structlog.get_logger()
        self._stopping = threading.Event()
        self._looked = 0.0  #: when the last look at everything was over, by the monotonic clock
        self._tidied = -math.inf
        self._failures = 0  #: requests to callbacks that failed in this pass
        self._told = 0.0  #: when the watch last told of something, by the monotonic clock
        self.last: Report | None = None  #: what the last run that succeeded did
        self.polled = 0.0  #: when that was, by the monotonic clock
        self.trouble: Trouble | None = None  #: why the last run failed; None: it did not
        config = service.config
        self._poll = config.source.poll
        self._builder = Worker(
            "build", self._build, at_least=2 * self._poll, failed=self._build_failed
        )
        self._pusher = Worker(
            "push", self._push, at_least=2 * _DRAIN, failed=partial(faults.tell, "push")
        )
        self._watch = self._watching() if config.source.watch else None
        service.heard, service.owing, service.working = (
            self._heard,
            self.push_soon,
            self._pusher.pulse.beat,
        )
        # One thread is enough for asking; the defaults for misfires would drop what comes late.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        now = datetime.now(UTC)
        self._every("poll", self._poll, lambda: self._builder.ask(POLL), now)
        self._every("drain", _DRAIN, lambda: self._pusher.ask(POLL), now)
        self._builder.start()
        self._pusher.start()
        self._scheduler.start()
        if self._watch:
            self._watch.start()

    def stop(self, seconds: float) -> bool:
        """End after the file in hand. False: something hangs and was left behind."""
        until = time.monotonic() + seconds
        self._stopping.set()
        if self._watch:
            self._watch.stop()
        self._scheduler.shutdown(wait=False)
        self._builder.stop()
        self._pusher.stop()
        self._service.pusher.stop()
        ended = [worker.join(until - time.monotonic()) for worker in (self._builder, self._pusher)]
        return all(ended)

    def _every(
        self, name: str, interval: timedelta, ask: Callable[[], None], first: datetime
    ) -> None:
        self._scheduler.add_job(
            ask,
            "interval",
            seconds=interval.total_seconds(),
            id=name,
            next_run_time=first,
            replace_existing=True,
        )

    def stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        if self._stopping.is_set():
            return []
        threads = {"build": self._builder, "push": self._pusher, "watch": self._watch}
        return [name for name, thread in threads.items() if thread and not thread.pulse.is_felt()]

    def _stuck_threads(self) -> SyndicatorError | None:
        names = ", ".join(self.stuck())
        hint = "restart the daemon; the log may say what became of it"
        return (
            SyndicatorError(f"threads don't work any more: {names}", hint=hint) if names else None
        )

    def readiness(self) -> Readiness:
        """Whether the state can be reached, and runs succeed, and did so lately."""
        try:
            with self._service.database.read() as connection:
                counts = outbox.counts(connection)
        except SyndicatorError as error:
            return Readiness(ready=False, trouble=Trouble.of(error), facts={})
        age = round(time.monotonic() - self.polled, 1) if self.last else None
        late = age is None or age > 3 * self._poll.total_seconds() + 60
        return Readiness(
            ready=self.trouble is None and not late,
            trouble=self.trouble,
            facts={"last_run_seconds_ago": age, "owed": queued_by_kind(counts).total()},
        )

    def push_soon(self) -> None:
        """Something is owed that should not wait for the next look."""
        self._service.pusher.nudge()
        self._pusher.ask(POLL)

    # ------------------------------------------------------------------------------------------------ build

    def _build(self, asked: frozenset[str]) -> None:
        begun = time.monotonic()
        now, later = parted(asked)
        if later and self._may_give_way() and self._paths(now) is not None:
            asked = now
            self._builder.ask(*later)
        paths = self._paths(asked)

        def between(_done: int, _total: int | None, what: str) -> None:
            self._builder.pulse.beat()
            if self._stopping.is_set():
                raise _Stopped
            if (
                what == SCANNING
                and asked <= _REASONS
                and self._may_give_way()
                and self._builder.waiting() - _REASONS
            ):
                raise _GaveWay

        try:
            self._service.check()
            report = self._service.build(between, paths=paths, urgent=self._is_awaited)
        except _Stopped:
            return
        except _GaveWay:
            # The next poll is soon enough: begun again at once, a look would never end where files change often.
            self._builder.ask(*asked - {POLL})
            return
        except Exception as error:
            self._metrics.polls.labels("failed").inc()
            self.trouble = Trouble.of(error)
            ours = SyndicatorError(
                f"{error!r}", hint="this is a fault of ours; the log has its trace"
            )
            self._service.beat(error if isinstance(error, SyndicatorError) else ours)
            self._faults.tell("build", error)
            if isinstance(error, MovedStateError):
                self._moved()
        else:
            self.trouble, self.polled = None, time.monotonic()
            self._service.beat(self._stuck_threads())
            self._faults.tell("build", None)
            self._tell(report, asked, begun)
            if paths is None:
                self._looked = time.monotonic()
            if report.put_off:
                self._builder.ask(
                    *(str(self._service.config.source.path / path) for path in report.put_off)
                )
        if self.trouble:
            gc.collect()  # what failed holds on to itself in circles, and to the feeds that it was writing
        if self._first:
            self._first()
            self._first = None

    def _build_failed(self, error: Exception) -> None:
        """Something around a run failed: what was to be told of it, or the telling."""
        self.trouble = Trouble.of(error)
        self._faults.tell("build", error)

    def _may_give_way(self) -> bool:
        return (
            self.last is not None
            and time.monotonic() < self._looked + _PATIENCE * self._poll.total_seconds()
        )

    def _is_awaited(self) -> bool:
        """Whether a post was saved since the run began."""
        return bool(self._builder.waiting() - _REASONS)

    def _paths(self, asked: frozenset[str]) -> list[str] | None:
        """The documents that may have changed, relative to the source; None: any."""
        if not asked or asked & _REASONS or len(asked) > _FEW or self.last is None:
            return None
        root = self._service.config.source.path
        paths = [Path(path) for path in asked]
        # Of a folder that came or went, the watch tells nothing but the folder.
        if any(
            os.path.isdir(path) or not path.suffix or not path.is_relative_to(root)
            for path in paths
        ):
            return None
        return sorted(path.relative_to(root).as_posix() for path in paths)

    def _tell(self, report: Report, asked: frozenset[str], begun: float) -> None:
        """Log it, count it, and see to what follows from it."""
        self._metrics.ran(report)
        self._faults.problems((*report.problems, *report.notes))
        found = self.last is not None and bool(report.new or report.changed or report.gone)
        # A poll may find what was saved while it looked, a moment before the watch tells of it.
        if self._watch and asked == {POLL} and found and self._told < begun:
            self._metrics.missed.inc()
            self._watch.restart()
        if report.mended and self.last:
            hint = "does another program write to output.path, or another syndicator with a state of its own?"
            self._log.warning(
                "files were changed by others, and are put right", files=report.mended, hint=hint
            )
        (self._log.info if report.has_changes else self._log.debug)("run", **run_line(report))
        if report.next_due != (self.last.next_due if self.last else None):
            self._wake(report.next_due)
        if (
            report.has_changes or self.last is None
        ):  # deliveries and denials may have come to be owed as well as pings
            self.push_soon()
        self.last = report

    def _wake(self, due: datetime | None) -> None:
        """Build again at the moment the next post appears."""
        if due is not None:
            self._scheduler.add_job(
                lambda: self._builder.ask(DUE),
                "date",
                run_date=due,
                id="due",
                replace_existing=True,
            )
        else:
            with suppress(JobLookupError):  # there was none, or its time has come just now
                self._scheduler.remove_job("due")

    # ------------------------------------------------------------------------------------------------- push

    def _push(self, _asked: frozenset[str]) -> None:
        try:
            self._service.check()
            if time.monotonic() > self._tidied + _TIDY:
                self._service.tidy()
                self._tidied = time.monotonic()
            self._failures = 0
            report = self._service.push()
            self._count_debts()
        except Exception as error:
            if not self._stopping.is_set():
                self._faults.tell("push", error)
                if isinstance(error, MovedStateError):
                    self._moved()
            return
        self._faults.tell("push", None)
        self._try_again(report.next_due)
        if report.paid or report.again or report.gave_up:
            self._log.info("push", summary=report.summary(), seconds=round(report.seconds, 3))

    def _try_again(self, due: datetime | None) -> None:
        """Push again at the moment the next debt comes due."""
        if due is not None and due > datetime.now(UTC):  # else another process is paying it
            self._scheduler.add_job(
                lambda: self._pusher.ask(DUE),
                "date",
                run_date=due,
                id="retry",
                replace_existing=True,
            )

    def _heard(self, settlement: JobOutcome) -> None:
        """Tell of one request and what became of it."""
        if not settlement.attempted:
            return
        job = settlement.job
        outcome = "done" if settlement.done else "retry" if settlement.retry_at else "given_up"
        self._metrics.tried(job.kind, job.target, outcome)
        line = attempt_line(job.kind, job.target, job.topic, outcome)
        if settlement.done:
            # Deliveries are as many as there are subscribers: the pass sums them up.
            (self._log.info if job.kind is JobKind.PING else self._log.debug)("sent", **line)
            return
        if job.kind is not JobKind.PING:
            self._failures += 1
        named = job.kind is JobKind.PING or self._failures <= _NAMED
        (self._log.warning if named else self._log.debug)(
            "not sent", **line, error=settlement.error
        )

    def _count_debts(self) -> None:
        with self._service.database.read() as connection:
            counts, oldest = outbox.counts(connection), outbox.oldest_since(connection)
            audiences = subscriptions.by_topic(connection, datetime.now(UTC))
        self._metrics.owes(queued_by_kind(counts), oldest)
        self._metrics.serves({topic: audience.subscribers for topic, audience in audiences.items()})

    # ------------------------------------------------------------------------------------------------ watch

    def _watching(self) -> Watcher:
        config = self._service.config
        return Watcher(
            config.source.path,
            output=config.output.path,
            state=self._service.database.path,
            tell=self._changed,
            failed=lambda error: self._faults.tell("watch", error),
        )

    def _changed(self, paths: frozenset[str]) -> None:
        self._told = time.monotonic()
        self._builder.ask(*paths or {WATCHING})
