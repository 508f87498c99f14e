"""A thread that does one kind of work on request, never twice at once."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from syndicator.daemon.heartbeat import Heartbeat

#: Seconds before work that raised is repeated.
PAUSE = 1.0


class Worker:
    """Calls `work` with all requests since the last call. Requests made meanwhile are next.

    `at_least`: the longest it waits for a request before it works without one. The scheduler
    requests by the wall clock; this counts by the monotonic clock, so that a clock that is set back
    does not stop the work.

    Work that raises is repeated after `pause` seconds; `failed` is called with the exception.
    `heartbeat` reports whether the thread is alive and has worked lately; long work has to call its
    `beat`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[frozenset[str]], None],
        *,
        at_least: timedelta,
        failed: Callable[[Exception], None],
        pause: float = PAUSE,
    ) -> None:
        self._work = work
        self._failed = failed
        self._pause_seconds = pause
        self._at_least = at_least.total_seconds()
        self._changed = threading.Condition()
        self._requested: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.heartbeat = Heartbeat(self._thread)

    def start(self) -> None:
        self._thread.start()

    def request(self, *requests: str) -> None:
        """Work soon. `work` is called with these requests."""
        with self._changed:
            self._requested.update(requests)
            self._changed.notify()

    def pending(self) -> frozenset[str]:
        """Requests for which work has not begun."""
        with self._changed:
            return frozenset(self._requested)

    def stop(self) -> None:
        """End after the current work."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread. False: it still runs."""
        if self._thread.ident is not None:
            self._thread.join(max(seconds, 0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (requests := self._next()) is not None:
            try:
                self._work(requests)
            except Exception as error:
                with suppress(Exception):  # the report itself may fail
                    self._failed(error)
                self._pause(requests)

    def _next(self) -> frozenset[str] | None:
        """Wait for requests, or for `at_least`. None: stop."""
        with self._changed:
            self.heartbeat.beat(self._at_least)
            self._changed.wait_for(lambda: self._stopping or self._requested, self._at_least)
            if self._stopping:
                return None
            requests = frozenset(self._requested)
            self._requested.clear()
            self.heartbeat.beat()
        return requests

    def _pause(self, requests: frozenset[str]) -> None:
        """Wait, then request the same again."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, self._pause_seconds)
            self._requested.update(requests)
