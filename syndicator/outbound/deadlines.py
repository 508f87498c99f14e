"""Ends every request at its deadline, or when the client is closed.

A socket's timeout limits each wait, not the whole request: a server that sends a byte a second
would never run into it. So one thread shuts down the socket of each request past its deadline,
which ends whatever wait its thread is in.
"""

import heapq
import socket
import struct
import threading
import time
from contextlib import suppress
from itertools import count

from msgspec import Struct, field

#: Seconds by which an exchange may end late. Most have ended before: waking for each of these would
#: take the interpreter's lock from the threads that send.
TICK = 0.05

#: Closing resets the connection (socket(7), SO_LINGER).
_RESET = struct.pack("ii", 1, 0)


class Exchange(Struct, eq=False):
    """A request under way, with what is needed to abort it."""

    deadline: float  #: by time.monotonic()
    target: str  #: for the request line, as given in the URL
    body_limit: int  #: bytes of the response's body that are read
    share: str = ""  #: see `Request.share`
    sock: socket.socket | None = None  #: None before the connection is made and after the request
    is_new: bool = False  #: True if the connection was made for this request
    aborted: bool = False  #: True if it was ended before it was complete
    peer: str | None = None  #: the connected IP address; None before there is a connection
    lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self, sock: socket.socket | None) -> None:
        """Set the socket in use. Raises TimeoutError if the exchange was aborted.

        Not the connection: http.client drops its socket while the response is still being read.
        """
        with self.lock:
            if self.aborted:
                raise TimeoutError
            self.sock = sock

    def abort(self) -> None:
        """End every wait on its socket. The waiting thread closes it."""
        with self.lock:
            self.aborted = True
            if self.sock is not None:
                discard_unsent(self.sock)
                # Not SSLSocket.shutdown: it drops the TLS state while another thread uses it.
                with suppress(OSError):
                    socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def release(self) -> None:
        """Detach the socket, which may then serve another request."""
        with self.lock:
            self.sock = None

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, at least 0.001: with 0 a socket would not block at all."""
        return max(0.001, self.deadline - time.monotonic())


class Deadlines:
    """Aborts exchanges at their deadline, and all of them on `close`. One thread for all."""

    def __init__(self) -> None:
        self.closed = False
        self._heap: list[tuple[float, int, Exchange]] = []
        self._order = count()
        self._change = threading.Condition()
        threading.Thread(target=self._run, name="deadlines", daemon=True).start()

    def add(self, exchange: Exchange) -> bool:
        """Watch an exchange. Returns False if this is closed and the exchange must not begin."""
        with self._change:
            if self.closed:
                return False
            first = not self._heap or exchange.deadline < self._heap[0][0]
            heapq.heappush(self._heap, (exchange.deadline, next(self._order), exchange))
            if first:
                self._change.notify()
            return True

    def close(self) -> None:
        """Abort all exchanges, and end the thread."""
        with self._change:
            self.closed = True
            self._change.notify()
            under_way = [exchange for _, _, exchange in self._heap]
        for exchange in under_way:
            exchange.abort()

    def _run(self) -> None:
        while not self.closed:
            for late in self._wait():
                late.abort()

    def _wait(self) -> list[Exchange]:
        """Wait for the next deadlines; the exchanges that they belong to."""
        late = []
        with self._change:
            now = time.monotonic()
            while self._heap and self._heap[0][0] <= now:
                late.append(heapq.heappop(self._heap)[2])
            if not late:
                self._change.wait(max(self._heap[0][0] - now, TICK) if self._heap else None)
        return late


def discard_unsent(sock: socket.socket) -> None:
    """Have `close` discard what the other side has not received of a request that failed.

    Otherwise the system goes on sending it, for minutes if the network fails. It would arrive after
    what is sent next: an older version of a feed after a newer one.
    """
    with suppress(OSError):  # it is closed
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
