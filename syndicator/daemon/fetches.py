"""Fetches from git on request: at each poll, and when a forge reports a push."""

import threading
from collections.abc import Callable
from datetime import timedelta

from syndicator.daemon.heartbeat import stuck
from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.worker import Worker
from syndicator.errors import SourceError, SyndicatorError
from syndicator.model.progress import Cancel, Cancelled
from syndicator.service import Service


class Fetches:
    """Fetches in a thread of its own, so that a slow remote delays no future post.

    `fetched` is called after each attempt, also a failed one: a poll looks at more than the source.
    """

    def __init__(
        self,
        service: Service,
        poll: timedelta,
        telemetry: Telemetry,
        fetched: Callable[[], None],
    ) -> None:
        self._site = service.git
        self._member = service.member
        self._pushed = False  #: whether a forge reported a push
        self._faults = telemetry.faults
        self._fetched = fetched
        self._stopping = threading.Event()
        self.worker: Worker[bool] = Worker(
            "fetch", self._fetch, nothing=False, at_least=2 * poll, failed=self._failed
        )

    def start(self) -> None:
        self.worker.start()

    def stop(self) -> None:
        """Stop soon: a git that runs is killed."""
        self._stopping.set()
        self.worker.stop()

    def request(self) -> None:
        """Fetch soon."""
        self.worker.request(True)

    def pushed(self) -> None:
        """A forge reported a push: fetch soon, or let the process do so that builds."""
        self._pushed = True
        self.request()

    def stuck(self) -> list[str]:
        """The thread, if it ended by itself or has not worked for long."""
        return [] if self._stopping.is_set() else stuck({"fetch": self.worker.heartbeat})

    def _fetch(self, _request: bool) -> None:
        pushed, self._pushed = self._pushed, False
        if not self._member.is_builder:
            if pushed:
                self._member.request_run()
            return
        cancel = Cancel(run=self._stopping.is_set)
        try:
            self._faults.report("fetch", self._site.fetch(self._beat, cancel=cancel))
            self._fetched()
            self._tidy(cancel)
        except Cancelled:
            pass

    def _tidy(self, cancel: Cancel) -> None:
        try:
            self._site.tidy(self._beat, cancel=cancel)
        except SourceError as error:  # a later fetch repeats it
            self._faults.report("packing the clone", error)
        else:
            self._faults.report("packing the clone", None)

    def _beat(self, *_: object) -> None:
        self.worker.heartbeat.beat()

    def _failed(self, error: Exception) -> None:
        """Something around git failed: git's own failures are returned."""
        self._faults.report("fetch", error)
        if isinstance(error, SyndicatorError):
            self._fetched()
