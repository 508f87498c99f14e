"""Whether a thread is alive and has worked lately."""

import threading
import time
from collections.abc import Mapping

#: Seconds that a thread may work without a beat. A build beats for each feed, a push pass several
#: times a second. The longest gap is the first build of a feed with many thousand entries.
STUCK_AFTER = 600.0


class Heartbeat:
    """The last beat of a thread, by the monotonic clock. `patience` is in seconds."""

    def __init__(self, thread: threading.Thread, patience: float = STUCK_AFTER) -> None:
        self._thread = thread
        self._patience = patience
        self._deadline = time.monotonic() + patience

    def beat(self, idle: float = 0.0) -> None:
        """Record that the thread works. `idle`: seconds that it may now wait for work."""
        self._deadline = time.monotonic() + idle + self._patience

    def is_alive(self) -> bool:
        """False: the thread was started and has ended, or its last beat is too long ago."""
        if self._thread.ident is None:
            return True
        return self._thread.is_alive() and time.monotonic() < self._deadline


def stuck(threads: Mapping[str, Heartbeat]) -> list[str]:
    """The names of the threads that ended by themselves, or that have not worked for too long."""
    return [name for name, heartbeat in threads.items() if not heartbeat.is_alive()]
