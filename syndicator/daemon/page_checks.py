"""Asks for the pages of held posts, in a thread of its own, until they are live."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from syndicator.daemon.telemetry import Telemetry
from syndicator.daemon.timers import Timers
from syndicator.daemon.worker import Worker
from syndicator.live.asker import PageAsker

#: How long it waits for a request before it looks without one.
_AT_LEAST = timedelta(minutes=2)


class PageChecks:
    """Runs rounds of requests when pages are due. `on_change` is called when a build has to act."""

    def __init__(
        self,
        asker: PageAsker,
        timers: Timers,
        telemetry: Telemetry,
        on_change: Callable[[], None],
        is_builder: Callable[[], bool] = lambda: True,
    ) -> None:
        self._is_builder = is_builder
        self._asker = asker
        self._timers = timers
        self._faults = telemetry.faults
        self._on_change = on_change
        self.worker = Worker(
            "pages",
            self._ask,
            nothing=False,
            at_least=_AT_LEAST,
            failed=partial(self._faults.report, "pages"),
        )

    def start(self) -> None:
        self.worker.start()
        self.request()

    def stop(self) -> None:
        """End, and abort the requests under way."""
        self.worker.stop()
        self._asker.close()

    def request(self) -> None:
        """Ask soon for the pages that are due."""
        self.worker.request(True)

    def _ask(self, _requested: bool) -> None:
        if not self._is_builder():
            return
        found = self._asker.round()
        self._faults.report("pages", None)
        if found.changed:
            self._on_change()
        if found.again:
            self.request()
        elif found.next_at is not None:
            self._timers.at("pages", found.next_at, self.request)
