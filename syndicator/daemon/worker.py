"""A thread that does one thing whenever it is asked to, and never twice at once."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from syndicator.daemon.heartbeat import Heartbeat

#: Seconds before work that raised is done again.
PAUSE = 1.0


class Worker:
    """Calls `work` with all that was asked for since the last call. What is asked meanwhile is done next.

    `at_least`: how long it waits for someone to ask before it works by itself. The scheduler asks by the wall
    clock; a clock that is set back must not stop the work, so this counts by the monotonic one.

    Work that raises is done again after a pause; `failed` is called with what it raised. `pulse` tells whether
    the thread lives and has worked lately: work that takes long calls its `beat`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[frozenset[str]], None],
        *,
        at_least: timedelta,
        failed: Callable[[Exception], None],
    ) -> None:
        self._work, self._failed = work, failed
        self._at_least = at_least.total_seconds()
        self._changed = threading.Condition()
        self._asked: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.pulse = Heartbeat(self._thread)

    def start(self) -> None:
        self._thread.start()

    def ask(self, *what: str) -> None:
        """Have it work soon. `what` is handed to `work`."""
        with self._changed:
            self._asked.update(what)
            self._changed.notify()

    def waiting(self) -> frozenset[str]:
        """What was asked for and is not begun."""
        with self._changed:
            return frozenset(self._asked)

    def stop(self) -> None:
        """Have it end after what it is at."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait for its end; False: it is not there yet."""
        if self._thread.ident is not None:
            self._thread.join(max(seconds, 0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (asked := self._next()) is not None:
            try:
                self._work(asked)
            except Exception as error:
                with suppress(Exception):  # it may be the telling that fails
                    self._failed(error)
                self._pause(asked)

    def _next(self) -> frozenset[str] | None:
        """What to do now, after waiting for it; None: it is to end."""
        with self._changed:
            self.pulse.beat(self._at_least)
            self._changed.wait_for(lambda: self._stopping or self._asked, self._at_least)
            if self._stopping:
                return None
            asked = frozenset(self._asked)
            self._asked.clear()
            self.pulse.beat()
        return asked

    def _pause(self, asked: frozenset[str]) -> None:
        until = time.monotonic() + PAUSE
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, until - time.monotonic())
            self._asked.update(asked)
