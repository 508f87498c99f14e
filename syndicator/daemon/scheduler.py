"""The schedule of one config: when it polls, pushes, retries, and publishes future posts.

APScheduler only makes requests. Work runs in the threads of `Worker`s, so that it can't be missed,
overlap or hang the schedule.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from syndicator.daemon import builds, pushes
from syndicator.daemon.build_requests import Reason
from syndicator.daemon.builds import Builds
from syndicator.daemon.faults import Faults
from syndicator.daemon.pushes import Pushes
from syndicator.errors import SyndicatorError, Trouble
from syndicator.model.outbox import queued_by_kind
from syndicator.observe import Metrics
from syndicator.service import Service
from syndicator.store import outbox
from syndicator.web.health import Readiness


class Scheduler:
    """Polls, builds and pushes, from `start` to `stop`.

    `first_run_over` is called after the first run, `state_moved` when the state has to be opened
    again. `patience`: for how many poll intervals a full scan may be interrupted for saved posts.
    """

    def __init__(
        self,
        service: Service,
        metrics: Metrics,
        faults: Faults,
        *,
        first_run_over: Callable[[], None],
        state_moved: Callable[[], None],
        patience: int = builds.MAX_INTERRUPTED_POLLS,
    ) -> None:
        self._service = service
        self._stopping = False
        self._pushes = Pushes(
            service, metrics, faults, state_moved=state_moved, retry_at=self._retry_at
        )
        self.builds = Builds(
            service,
            metrics,
            faults,
            first_run_over=first_run_over,
            state_moved=state_moved,
            wake_at=self._wake_at,
            push_soon=self.push_soon,
            stuck_threads=self.stuck,
            patience=patience,
        )
        service.on_outcome = self._pushes.record
        service.on_queued = self.push_soon
        service.on_push_progress = self._pushes.worker.heartbeat.beat
        # One thread is enough for requests. The default grace time would drop those that are late.
        self._schedule = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        poll = self._service.config.source.poll
        self._every("poll", poll, lambda: self.builds.request(Reason.POLL))
        self._every("push", pushes.INTERVAL, self._pushes.request)
        self.builds.start()
        self._pushes.start()
        self._schedule.start()

    def stop(self, seconds: float) -> bool:
        """Stop the workers. False: one hangs and was left behind."""
        until = time.monotonic() + seconds
        self._stopping = True
        self._schedule.shutdown(wait=False)
        self.builds.stop()
        self._pushes.stop()
        workers = (self.builds.worker, self._pushes.worker)
        ended = [worker.join(until - time.monotonic()) for worker in workers]
        return all(ended)

    def stuck(self) -> list[str]:
        """The threads that ended by themselves, or that have not worked for too long."""
        if self._stopping:
            return []
        heartbeats = {
            "build": self.builds.worker.heartbeat,
            "push": self._pushes.worker.heartbeat,
        }
        if self.builds.watcher:
            heartbeats["watch"] = self.builds.watcher.heartbeat
        return [name for name, heartbeat in heartbeats.items() if not heartbeat.is_alive()]

    def readiness(self) -> Readiness:
        """Ready: the state can be read, and the last run succeeded, not too long ago."""
        try:
            with self._service.database.read() as connection:
                counts = outbox.counts(connection)
        except SyndicatorError as error:
            details = {"last_run_seconds_ago": None, "queued": None}
            return Readiness(ready=False, trouble=Trouble.of(error), details=details)
        age = round(time.monotonic() - self.builds.succeeded_at, 1) if self.builds.last else None
        late = age is None or age > 3 * self._service.config.source.poll.total_seconds() + 60
        return Readiness(
            ready=self.builds.trouble is None and not late,
            trouble=self.builds.trouble,
            details={"last_run_seconds_ago": age, "queued": queued_by_kind(counts).total()},
        )

    def push_soon(self) -> None:
        """Send queued jobs now, without waiting for the next pass."""
        self._pushes.request_now()

    def _wake_at(self, due: datetime | None) -> None:
        """Build when the next future post is due. None: no post waits."""
        if due is not None:
            self._at("due", due, lambda: self.builds.request(Reason.DUE))
        else:
            with suppress(JobLookupError):  # it was not scheduled, or has just run
                self._schedule.remove_job("due")

    def _retry_at(self, due: datetime) -> None:
        """Push when the next job is due."""
        self._at("retry", due, self._pushes.request)

    def _every(self, name: str, interval: timedelta, request: Callable[[], None]) -> None:
        self._schedule.add_job(
            request,
            "interval",
            seconds=interval.total_seconds(),
            id=name,
            next_run_time=datetime.now(UTC),
            replace_existing=True,
        )

    def _at(self, name: str, due: datetime, request: Callable[[], None]) -> None:
        self._schedule.add_job(request, "date", run_date=due, id=name, replace_existing=True)
