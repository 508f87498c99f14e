"""A client that is made for its first request: requests takes 10 MB, and 0.1 s to import."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from syndicator.model.outbox import Request, Response

if TYPE_CHECKING:
    from syndicator.outbound.client import Client


class LateClient:
    """Sends requests as the `Client` that `make` returns, which is called once. Thread-safe."""

    def __init__(self, make: "Callable[[], Client]") -> None:
        self._make = make
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False

    def made(self) -> "Client":
        """The client itself, which is made if nothing was sent yet."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
                if self._closed:
                    self._client.close()
            return self._client

    @property
    def peers(self) -> Mapping[str, str]:
        """See `Client.peers`. Empty as long as nothing was sent."""
        return self._client.peers if self._client else {}

    def refusal(self, url: str) -> str | None:
        """See `Client.refusal`."""
        return self.made().refusal(url)

    def send(self, request: Request) -> Response:
        """See `Client.send`."""
        return self.made().send(request)

    def close(self) -> None:
        """End requests, and refuse later ones, as `Client.close` does."""
        with self._lock:
            self._closed = True
            if self._client:
                self._client.close()
