"""A thread that does one thing whenever it is asked to, and never twice at once."""

import threading
from collections.abc import Callable
from datetime import timedelta


class Worker:
    """Calls `work` with all that was asked for since the last call. What is asked meanwhile is done next.

    `at_least`: how long it waits for someone to ask before it works by itself. The scheduler asks by the wall
    clock; a clock that is set back must not stop the work, so this counts by the monotonic one.
    """

    def __init__(self, name: str, work: Callable[[frozenset[str]], None], *, at_least: timedelta) -> None:
        self._work = work
        self._at_least = at_least.total_seconds()
        self._changed = threading.Condition()
        self._asked: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

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
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._asked, self._at_least)
                if self._stopping:
                    return
                asked = frozenset(self._asked)
                self._asked.clear()
            self._work(asked)
