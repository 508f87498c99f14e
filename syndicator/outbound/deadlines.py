"""The end of every exchange: at its deadline, or when everything ends.

A socket's timeout bounds each wait, not the whole: a server that sends a byte a second never ends. So one
watch shuts the socket of every exchange that is past its deadline, which ends whatever wait it is in.
"""

import heapq
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any


@dataclass(eq=False, slots=True)
class Exchange:
    """A request under way: what the watch needs to end it."""

    deadline: float
    target: str  #: the request line's, as it was given
    connection: Any = None
    fresh: bool = False  #: True: the connection was made for it
    shut: bool = False  #: True: it was ended before it was over
    peer: str | None = None  #: the IP address of its connection; None: there is none yet
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, connection: Any) -> None:
        """What it goes over. Raises TimeoutError if it was ended meanwhile."""
        with self.lock:
            if self.shut:
                raise TimeoutError
            self.connection = connection

    def end(self) -> None:
        """End every wait on its socket. The thread that waits does the closing."""
        with self.lock:
            self.shut = True
            sock = None if self.connection is None else self.connection.sock
            if sock is not None:
                # Past SSLSocket.shutdown, which would take the TLS state away from under the thread using it.
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def let_go(self) -> None:
        """It is over: the connection may serve another."""
        with self.lock:
            self.connection = None

    @property
    def left(self) -> float:
        return max(0.001, self.deadline - time.monotonic())


class Deadlines:
    """Shuts exchanges at their deadline, and all of them when it is closed. One thread for all."""

    def __init__(self) -> None:
        self.closed = False
        self._heap: list[tuple[float, int, Exchange]] = []
        self._order = count()
        self._change = threading.Condition()
        threading.Thread(target=self._run, name="deadlines", daemon=True).start()

    def add(self, exchange: Exchange) -> bool:
        """False: it is closed, and nothing may begin."""
        with self._change:
            if self.closed:
                return False
            first = not self._heap or exchange.deadline < self._heap[0][0]
            heapq.heappush(self._heap, (exchange.deadline, next(self._order), exchange))
            if first:
                self._change.notify()
            return True

    def close(self) -> None:
        with self._change:
            self.closed = True
            self._change.notify()
            under_way = [exchange for _, _, exchange in self._heap]
        for exchange in under_way:
            exchange.end()

    def _run(self) -> None:
        while not self.closed:
            with self._change:
                now = time.monotonic()
                wait = self._heap[0][0] - now if self._heap else None
                if wait is None or wait > 0:
                    self._change.wait(wait)
                    continue
                late = heapq.heappop(self._heap)[2]
            late.end()
