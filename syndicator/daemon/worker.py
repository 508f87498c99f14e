"""A thread that does one kind of work on request, never twice at once."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Generic, Protocol, Self, TypeVar

from syndicator.daemon.heartbeat import Heartbeat

#: Seconds before work that raised is repeated.
PAUSE = 1.0


class Request(Protocol):
    """A value of which two can be merged into one that asks for both."""

    def __or__(self, other: Self, /) -> Self: ...


R = TypeVar("R", bound=Request)


class Worker(Generic[R]):
    """Calls `work` with all requests since the last call, merged. Requests made meanwhile are next.

    `nothing`: the request that asks for nothing.

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
        work: Callable[[R], None],
        *,
        nothing: R,
        at_least: timedelta,
        failed: Callable[[Exception], None],
        pause: float = PAUSE,
    ) -> None:
        self._work = work
        self._failed = failed
        self._pause_seconds = pause
        self._at_least = at_least.total_seconds()
        self._changed = threading.Condition()
        self._nothing = nothing
        self._requested = nothing
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.heartbeat = Heartbeat(self._thread)

    def start(self) -> None:
        self._thread.start()

    def request(self, request: R) -> None:
        """Work soon. `work` is called with this request, merged with others."""
        with self._changed:
            self._requested = self._requested | request
            self._changed.notify()

    def pending(self) -> R:
        """The requests for which work has not begun."""
        with self._changed:
            return self._requested

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
        while (request := self._next()) is not None:
            try:
                self._work(request)
            except Exception as error:
                with suppress(Exception):  # the report itself may fail
                    self._failed(error)
                self._pause(request)

    def _next(self) -> R | None:
        """Wait for a request, or for `at_least`. None: stop."""
        with self._changed:
            self.heartbeat.beat(self._at_least)
            self._changed.wait_for(
                lambda: self._stopping or self._requested != self._nothing, self._at_least
            )
            if self._stopping:
                return None
            request, self._requested = self._requested, self._nothing
            self.heartbeat.beat()
        return request

    def _pause(self, request: R) -> None:
        """Wait, then request the same again."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, self._pause_seconds)
            self._requested = self._requested | request
