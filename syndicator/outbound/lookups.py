"""DNS lookups within the timeout of a request."""

import socket
import threading
from collections import Counter
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct, field

from syndicator.outbound.deadlines import Exchange

#: DNS lookups at a time. A slow one can't be stopped: this limits the threads that they use.
LOOKUPS = 512

#: Those of one share (see `Request.share`), so that slow name servers of one delay no other.
LOOKUPS_OF_SHARE = 64

#: Addresses of a name that are used. A response may have thousands, each checked on its own.
ADDRESSES = 32

#: Seconds for which a thread waits for the next lookup. Starting one takes longer than a lookup.
_KEPT = 10.0


class _Lookup(Struct, eq=False):
    """Arguments of `socket.getaddrinfo`, and its result or error once it is done."""

    arguments: tuple[Any, ...]
    share: str
    result: Any = None
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.result = socket.getaddrinfo(*self.arguments)
        except (OSError, ValueError) as error:
            self.result = error
        self.done.set()


class Lookups:
    """Resolves names, each in another thread: getaddrinfo has no timeout, and can't be stopped."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()  # by share
        self._ended = threading.Condition()
        self._lock = threading.Lock()
        self._todo: SimpleQueue[_Lookup] = SimpleQueue()
        self._idle = 0  # threads without a lookup

    def resolve(self, exchange: Exchange, host: str, port: int, *args: Any) -> Any:
        """The answer of `socket.getaddrinfo` with these arguments, or the beginning of it.

        Raises OSError if the name does not resolve, TimeoutError at the exchange's deadline, and
        RuntimeError if the system allows no more threads.
        """
        if args[-1] & socket.AI_NUMERICHOST:
            return socket.getaddrinfo(host, port, *args)
        lookup = _Lookup((host, port, *args), exchange.share)
        if not self._has_begun(lookup, exchange.remaining):
            raise TimeoutError("too many DNS lookups at a time")
        self._start(lookup)
        if not lookup.done.wait(exchange.remaining):
            raise TimeoutError("the DNS lookup took too long")
        if isinstance(lookup.result, Exception):
            raise lookup.result
        return lookup.result[:ADDRESSES]

    def _has_begun(self, lookup: _Lookup, wait: float) -> bool:
        """Count a lookup as under way, once there are fewer than allowed."""

        def allowed() -> bool:
            mine = self._under_way[lookup.share]
            return mine < LOOKUPS_OF_SHARE and self._under_way.total() < LOOKUPS

        with self._ended:
            began = self._ended.wait_for(allowed, wait)
            self._under_way[lookup.share] += began
            return began

    def _end(self, lookup: _Lookup) -> None:
        with self._ended:
            self._under_way[lookup.share] -= 1
            self._under_way += Counter()  # drops shares at zero: strangers have any number of hosts
            self._ended.notify_all()

    def _start(self, lookup: _Lookup) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
                self._todo.put(lookup)
                return
        try:
            threading.Thread(target=self._work, args=(lookup,), name="lookup", daemon=True).start()
        except RuntimeError:  # the system allows no more threads
            self._end(lookup)
            raise

    def _work(self, lookup: _Lookup | None) -> None:
        while lookup is not None:
            lookup.run()
            with self._lock:
                self._idle += 1
            self._end(lookup)
            lookup = self._next()

    def _next(self) -> _Lookup | None:
        """The next lookup of a thread; None: it has to end."""
        while True:
            try:
                return self._todo.get(timeout=_KEPT)
            except Empty:
                with self._lock:
                    if self._todo.empty():
                        self._idle -= 1
                        return None
