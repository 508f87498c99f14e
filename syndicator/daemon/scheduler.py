"""The schedule of one config: when it polls, pushes, retries, and publishes future posts."""

import threading
import time
from collections.abc import Callable
from typing import Any

from syndicator.daemon import pushes
from syndicator.daemon.build_requests import Reason
from syndicator.daemon.builds import Builds, Source
from syndicator.daemon.fetches import Fetches
from syndicator.daemon.pushes import Pushes
from syndicator.daemon.signals import Event
from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.timers import Timers
from syndicator.daemon.worker import Worker
from syndicator.errors import SyndicatorError, Trouble
from syndicator.model.outbox import queued_by_kind
from syndicator.ops.status import Known
from syndicator.service import Service
from syndicator.store import outbox
from syndicator.web.health import Readiness


class Scheduler:
    """Polls, builds and pushes, from `start` to `stop`.

    `notify` is called with FIRST_RUN_OVER and STATE_MOVED.
    """

    def __init__(
        self,
        service: Service,
        source: Source,
        telemetry: Telemetry,
        notify: Callable[[Event], None],
    ) -> None:
        self._database = service.database
        self._member = service.member
        self._poll = source.poll
        self._folder = source.folder
        self._timers = Timers()
        self.pushes = Pushes(
            service, service.pusher, service.database, self._timers, telemetry, notify
        )
        self.builds = Builds(service, source, self._timers, self.pushes, telemetry, notify)
        self.fetches: Fetches | None = None
        if source.fetched:
            self.fetches = Fetches(service, source.poll, telemetry, self._request_build)

    def start(self) -> None:
        if self.fetches:
            self.fetches.start()
            self._timers.every("poll", self._poll, self.fetches.request)
            if self._folder.is_dir():
                self._request_build()  # without waiting for a remote that may not answer
        else:
            self._timers.every("poll", self._poll, self._request_build)
        self._timers.every("push", pushes.INTERVAL, self.pushes.request)
        self.builds.start()
        self.pushes.start()
        self._timers.start()

    def stop(self, seconds: float) -> bool:
        """Stop the workers. False: one hangs and was left behind."""
        until = time.monotonic() + seconds
        self._timers.stop()
        self.builds.stop()
        self.pushes.stop()
        workers: list[Worker[Any]] = [self.builds.worker, self.pushes.worker]
        if self.fetches:
            self.fetches.stop()
            workers.append(self.fetches.worker)
        if self.builds.page_checks:
            workers.append(self.builds.page_checks.worker)
        ended = [worker.join(until - time.monotonic()) for worker in workers]
        if all(ended):
            self.pushes.log_rest()
            self._store_activity(until - time.monotonic())
        return all(ended)

    def stuck(self) -> list[str]:
        """The threads that ended by themselves or have not worked for long."""
        return [*self.builds.stuck(), *(self.fetches.stuck() if self.fetches else ())]

    def request_run(self) -> None:
        """Look at everything soon, after a fetch if the source is in git."""
        if self.fetches:
            self.fetches.request()
        else:
            self._request_build()

    def _request_build(self) -> None:
        self.builds.request(Reason.POLL)

    def _store_activity(self, seconds: float) -> None:
        """Store what was done in the last minute. Another process may lock the state for longer."""
        storing = threading.Thread(target=self.pushes.store_activity, name="activity", daemon=True)
        storing.start()
        storing.join(max(seconds, 0))

    def known(self) -> Known:
        """What the last run and the last push pass read, for a status that is read often."""
        last = self.builds.last if self._member.is_builder else None
        problems = (*last.problems, *last.notes) if last and self.builds.trouble is None else None
        return Known(problems=problems, audiences=self.pushes.audiences)

    def readiness(self) -> Readiness:
        """Ready: the state can be read, and the last run succeeded, not too long ago.

        A process that stands by has no runs.
        """
        try:
            with self._database.read() as connection:
                counts = outbox.counts(connection)
        except SyndicatorError as error:
            details = {"last_run_seconds_ago": None, "queued": None}
            return Readiness(ready=False, trouble=Trouble.of(error), details=details)
        queued = queued_by_kind(counts).total()
        if not self._member.is_builder:
            return Readiness(
                ready=self._member.life is not None,
                details={"last_run_seconds_ago": None, "queued": queued},
            )
        age = round(time.monotonic() - self.builds.succeeded_at, 1) if self.builds.last else None
        late = age is None or age > 3 * self._poll.total_seconds() + 60
        return Readiness(
            ready=self.builds.trouble is None and not late,
            trouble=self.builds.trouble,
            details={"last_run_seconds_ago": age, "queued": queued},
        )
