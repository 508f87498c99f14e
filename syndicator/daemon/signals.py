"""What the operating system tells us, as words in a queue that the main thread reads."""

import os
import select
import signal
import socket
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import FrameType

STOP = "stop"
RELOAD = "reload"

#: Not a signal: the state's file is another one than was opened.
MOVED = "moved"


class Signals:
    """SIGTERM and SIGINT are `STOP`, and the second of them ends the process at once; SIGHUP is `RELOAD`.

    A handler only puts a word into the queue: `SimpleQueue.put` is the one that may be called from there
    (https://docs.python.org/3.11/library/queue.html#simplequeue-objects). It runs in the main thread, which a signal
    that the system gave to another thread doesn't wake from waiting for a queue; an octet in a socket does.
    """

    def __init__(self) -> None:
        self._words: SimpleQueue[str] = SimpleQueue()
        self._bed, self._bell = socket.socketpair()
        self._bed.setblocking(False)
        self._bell.setblocking(False)
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._stopping = False
        self.typed = False  #: whether it was Ctrl-C that said stop
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._words.put(RELOAD))

    def say(self, word: str) -> None:
        """Tell the main thread a word of our own."""
        self._words.put(word)
        with suppress(BlockingIOError):  # full: it rings
            self._bell.send(b"\0")

    def wait(self, seconds: float | None) -> str | None:
        """The next word; None when there was none for so long."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            with suppress(Empty):
                return self._words.get_nowait()
            left = None if until is None else max(until - time.monotonic(), 0)
            if not select.select([self._bed], [], [], left)[0]:
                return None
            self._bed.recv(4096)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            # Files are complete or absent at any instant, and debts are rows: there is nothing to tidy up.
            os._exit(128 + number)
        self._stopping, self.typed = True, number == signal.SIGINT
        self._words.put(STOP)
