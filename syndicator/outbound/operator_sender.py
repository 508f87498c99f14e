"""Sends requests to the operator's URLs, with requests.

It uses requests' adapter without its Session. So there are no cookies, redirects, proxies from the
environment, `.netrc` and unwanted reads of a body. An adapter serves all threads: urllib3's pool
is thread-safe, a Session is not. There is one for each port, see `addresses.with_port`.
"""

import logging
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from ssrfguard import Policy, SSRFGuardError
from ssrfguard.requests import SafeAdapter
from urllib3.exceptions import HTTPError

from syndicator.model.outbox import Request, Response
from syndicator.outbound import addresses
from syndicator.outbound.deadlines import Exchange
from syndicator.outbound.failures import INVALID, failed, is_too_large, refused
from syndicator.outbound.lookups import Lookups
from syndicator.outbound.responses import BoundedResponse, headers_of, read_response

#: Hosts to which idle connections are kept.
IDLE_HOSTS = 64

#: Idle connections to each of them.
IDLE_PER_HOST = 2

# urllib3 logs whole URLs, with the secret tokens of hubs.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class OperatorSender:
    """Sends requests to any address, one per calling thread."""

    def __init__(self) -> None:
        self._current = threading.local()
        self._lookups = Lookups()
        self._adapters: dict[int | None, _Adapter] = {}  # by port; None: of the scheme
        self._lock = threading.Lock()
        self.peers: dict[str, str] = {}  #: by host, the address last connected to

    def send(self, request: Request, headers: Mapping[str, str], exchange: Exchange) -> Response:
        """Send a request with these headers, and read the beginning of its response."""
        try:
            prepared = requests.Request(
                request.method, request.url, headers=dict(headers), data=request.body or None
            ).prepare()
        except (requests.RequestException, ValueError):
            return INVALID
        self._current.exchange = exchange
        try:
            return self._exchange(prepared, exchange)
        finally:
            self._current.exchange = None

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            for adapter in self._adapters.values():
                adapter.close()

    def _adapter(self, url: str) -> "_Adapter":
        port = urlsplit(url).port
        with self._lock:
            if port not in self._adapters:
                policy = addresses.anywhere(port)
                self._adapters[port] = _Adapter(policy, self._current, self._lookups, self.peers)
            return self._adapters[port]

    def _exchange(self, prepared: requests.PreparedRequest, exchange: Exchange) -> Response:
        while True:
            try:
                adapter = self._adapter(str(prepared.url))
                response = adapter.send(prepared, stream=True, timeout=exchange.remaining)
            except SSRFGuardError as error:
                return refused(error)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                kept = exchange.sock is not None and not exchange.is_new and not exchange.aborted
                lost = isinstance(error, requests.ConnectionError) and not is_too_large(error)
                if kept and lost:
                    continue  # the server had closed an idle connection: retry with another
                return failed(error)
            headers = headers_of(response.headers.items())
            try:
                read = partial(_read, response, exchange.body_limit)
                return read_response(response.status_code, headers, read, exchange)
            finally:
                response.close()  # returns the connection to the pool if all was read


def _read(response: requests.Response, limit: int) -> bytes:
    """The first bytes of a response's body. Raises OSError and ValueError."""
    try:
        body: bytes = response.raw.read(limit, decode_content=False)
    except HTTPError as error:
        raise OSError("the body ended early") from error
    return body


class _Adapter(SafeAdapter):
    """Attaches connections to the exchange of their thread, and sends targets unchanged."""

    def __init__(
        self, policy: Policy, current: threading.local, lookups: Lookups, peers: dict[str, str]
    ) -> None:
        self.current = current
        self.peers = peers
        self._lookups = lookups
        super().__init__(
            policy=policy,
            resolver=self._lookup,
            pool_connections=IDLE_HOSTS,
            pool_maxsize=IDLE_PER_HOST,
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools: dict[str, Any] = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(
                pool.__name__, (pool,), {"ConnectionCls": _tracked(pool.ConnectionCls, self)}
            )
            for scheme, pool in pools.items()
        }

    def _lookup(self, host: str, port: int, *args: Any) -> Any:
        """Resolve a name; connecting gets the time that remains."""
        exchange: Exchange = self.current.exchange
        resolved = self._lookups.resolve(exchange, host, port, *args)
        self.current.connection.timeout = exchange.remaining / addresses.ADDRESSES
        return resolved


def _tracked(base: Any, adapter: _Adapter) -> type:
    """A connection class that reports to the exchange of its thread."""
    current = adapter.current

    class TrackedConnection(base):  # type: ignore[misc]
        peer: str | None = None  #: the connected IP address

        def connect(self) -> None:
            exchange: Exchange = current.exchange
            exchange.attach(None)
            exchange.is_new = True
            current.connection = self
            super().connect()
            exchange.attach(self.sock)
            self.peer = self.sock.getpeername()[0]
            adapter.peers[self.host] = self.peer
            exchange.peer = self.peer
            self.sock.settimeout(exchange.remaining)  # for each wait; `Deadlines` limits the whole

        def request(self, method: str, _url: str, *args: Any, **kwargs: Any) -> None:
            # requests and urllib3 would normalize the target.
            exchange: Exchange = current.exchange
            exchange.attach(self.sock)
            exchange.peer = self.peer if self.sock is not None else None
            self.response_class = partial(BoundedResponse, body_limit=exchange.body_limit)
            super().request(method, exchange.target, *args, **kwargs)

    return TrackedConnection
