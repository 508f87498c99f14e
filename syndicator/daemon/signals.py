"""What the operating system tells us, as words in a queue that the main thread reads."""

import os
import signal
from queue import Empty, SimpleQueue
from types import FrameType

STOP = "stop"
RELOAD = "reload"

#: Not a signal: the state's file is another one than was opened.
MOVED = "moved"


class Signals:
    """SIGTERM and SIGINT are `STOP`, and the second of them ends the process at once; SIGHUP is `RELOAD`.

    A handler only puts a word into the queue: `SimpleQueue.put` is the one that may be called from there
    (https://docs.python.org/3.11/library/queue.html#simplequeue-objects).
    """

    def __init__(self) -> None:
        self._words: SimpleQueue[str] = SimpleQueue()
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._words.put(RELOAD))

    def say(self, word: str) -> None:
        """Tell the main thread a word of our own."""
        self._words.put(word)

    def wait(self, seconds: float | None) -> str | None:
        """The next word; None when there was none for so long."""
        try:
            return self._words.get(timeout=seconds)
        except Empty:
            return None

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            # Files are complete or absent at any instant, and debts are rows: there is nothing to tidy up.
            os._exit(128 + number)
        self._stopping = True
        self._words.put(STOP)
