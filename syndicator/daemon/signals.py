"""Signals: SIGTERM and SIGINT stop the daemon, SIGHUP reloads its config.

The main thread reads them from a queue.
"""

import os
import select
import signal
import socket
import time
from contextlib import suppress
from enum import StrEnum
from queue import Empty, SimpleQueue
from types import FrameType


class Event(StrEnum):
    """What the main thread acts on. Of several events, the first in this order comes first."""

    STOP = "stop"
    RELOAD = "reload"

    # These two are not signals.
    STATE_MOVED = "moved"  #: the state's file was replaced, or the daemon's lock was lost
    FIRST_RUN_OVER = "the first run is over"


class Signals:
    """SIGTERM and SIGINT queue `STOP`, SIGHUP queues `RELOAD`. A second stop ends the process.

    A handler only puts an event into the queue: `SimpleQueue.put` is reentrant, so a signal handler
    may call it (https://docs.python.org/3.11/library/queue.html#simplequeue-objects).
    Handlers run in the main thread. If the system delivers the signal to another thread, that does
    not wake the main thread from waiting for a queue; a byte in a socket does.
    """

    def __init__(self) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._pending = set[Event]()  #: taken from the queue, not returned yet
        self._wakeup_r, self._wakeup_w = socket.socketpair()
        self._wakeup_r.setblocking(False)
        self._wakeup_w.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_w.fileno(), warn_on_full_buffer=False)
        self._stopping = False
        self.interrupted = False  #: whether Ctrl-C stopped it
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._events.put(Event.RELOAD))

    def put(self, event: Event) -> None:
        """Queue an event for the main thread. Any thread may call it."""
        self._events.put(event)
        with suppress(BlockingIOError):  # the socket is full, so the main thread wakes anyway
            self._wakeup_w.send(b"\0")

    def wait(self, seconds: float | None) -> Event | None:
        """The next event; None if there was none for so long.

        A stop overtakes all others: reloads may take seconds. An event that came several times
        since it was last returned is returned once. Called by the main thread alone.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            with suppress(Empty):
                while True:
                    self._pending.add(self._events.get_nowait())
            for event in Event:
                if event in self._pending:
                    self._pending.remove(event)
                    return event
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not select.select([self._wakeup_r], [], [], left)[0]:
                return None
            self._wakeup_r.recv(4096)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            # Files are complete or absent at any time, and jobs are rows: there is nothing to save.
            os._exit(128 + number)
        self._stopping = True
        self.interrupted = number == signal.SIGINT
        self._events.put(Event.STOP)
