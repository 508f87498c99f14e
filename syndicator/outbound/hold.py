"""Holds requests up for a short time, so that more urgent work has the interpreter for itself.

Threads share one interpreter lock. With dozens of threads that send, another one waits for its turn
each time it needs the lock, which is each time after it has read or written something.
"""

#: The next hold begins no earlier than so many times as long after one: a hold may last for a fifth
#: of the time.
PAUSE = 4.0


class Hold:
    """At most one hold at a time. Times are arguments: seconds of any monotonic clock.

    Several threads may use it. A race between them costs no more than a short hold.
    """

    def __init__(self) -> None:
        self._began = self._until = self._allowed = 0.0

    def begin(self, now: float, seconds: float) -> None:
        """Hold for so many seconds at most; not at all if one is on, or ended just now."""
        if now >= max(self._until, self._allowed):
            self._began, self._until = now, now + seconds
            self._allowed = now + seconds * (1 + PAUSE)

    def end(self, now: float) -> None:
        if now < self._until:
            self._until = now
            self._allowed = now + PAUSE * (now - self._began)

    def left(self, now: float) -> float:
        """Seconds until the hold ends; 0: it has ended."""
        return max(0.0, self._until - now)
