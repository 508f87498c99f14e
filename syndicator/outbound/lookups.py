"""DNS lookups within the timeout of a request."""

import socket
import threading
from typing import Any

from syndicator.outbound.deadlines import Exchange

#: DNS lookups at a time. A slow one can't be stopped: this limits the threads that they use.
LOOKUPS = 128


class Lookups:
    """Resolves names, each in another thread: getaddrinfo has no timeout, and can't be stopped."""

    def __init__(self) -> None:
        self._permits = threading.BoundedSemaphore(LOOKUPS)

    def resolve(self, exchange: Exchange, host: str, port: int, *args: Any) -> Any:
        """The answer of `socket.getaddrinfo` with these arguments.

        Raises OSError if the name does not resolve, TimeoutError at the exchange's deadline, and
        RuntimeError if the system allows no more threads.
        """
        if args[-1] & socket.AI_NUMERICHOST:
            return socket.getaddrinfo(host, port, *args)
        results: list[Any] = []
        done = threading.Event()

        def resolve() -> None:
            try:
                results.append(socket.getaddrinfo(host, port, *args))
            except OSError as error:
                results.append(error)
            finally:
                self._permits.release()
                done.set()

        if not self._permits.acquire(timeout=exchange.remaining):
            raise TimeoutError("too many DNS lookups at a time")
        try:
            threading.Thread(target=resolve, name="lookup", daemon=True).start()
        except RuntimeError:  # the system allows no more threads
            self._permits.release()
            raise
        if not done.wait(exchange.remaining):
            raise TimeoutError("the DNS lookup took too long")
        if isinstance(results[0], OSError):
            raise results[0]
        return results[0]
