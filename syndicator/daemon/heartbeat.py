"""Whether a thread lives and has worked lately."""

import threading
import time

#: Seconds that a thread may work without a sign of life. A build gives one for each feed, a push pass
#: several a second. The longest without one is the first build of a feed of many thousand entries.
PATIENCE = 600.0


class Heartbeat:
    """The last sign of life of a thread. Counts by the monotonic clock. `patience` in seconds."""

    def __init__(self, thread: threading.Thread, patience: float = PATIENCE) -> None:
        self._thread, self._patience = thread, patience
        self._until = time.monotonic() + patience

    def beat(self, waiting: float = 0.0) -> None:
        """Say that the thread lives. `waiting`: for how many seconds it may have nothing to do now."""
        self._until = time.monotonic() + waiting + self._patience

    def is_felt(self) -> bool:
        """False: the thread was started and has ended, or has given no sign of life for too long."""
        if self._thread.ident is None:
            return True
        return self._thread.is_alive() and time.monotonic() < self._until
