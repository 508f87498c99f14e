"""Sends one HTTP request within its timeout, to an allowed address.

It uses requests' adapter without its Session. So there are no cookies, redirects, proxies from the
environment, `.netrc` and unwanted reads of a body. One adapter serves all threads: urllib3's pool
is thread-safe, a Session is not. ssrfguard's adapter resolves a name once, checks every address,
and connects to the address that it checked.
"""

import logging
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from ssrfguard import Policy, SSRFGuardError
from ssrfguard.requests import SafeAdapter
from urllib3.exceptions import HTTPError

from syndicator.model.outbox import Request, Response
from syndicator.outbound import addresses
from syndicator.outbound.deadlines import Deadlines, Exchange
from syndicator.outbound.failures import INCOMPLETE, TOO_LARGE, describe, is_too_large
from syndicator.outbound.responses import BoundedResponse

#: Bytes of a response's body that are read unless a request asks for more. Challenges and error
#: texts are shorter.
BODY_LIMIT = 8192

#: Characters kept of a refusal's reason: it may list hundreds of addresses.
REASON_LIMIT = 200

#: Hosts to which idle connections are kept.
IDLE_HOSTS = 64

#: Idle connections to each of them.
IDLE_PER_HOST = 2

#: DNS lookups at a time. A slow one can't be stopped: this limits the threads that they use.
LOOKUPS = 128

# urllib3 logs whole URLs, with the secret tokens of callbacks.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class Client:
    """Sends requests, one per calling thread, each within its timeout.

    `stranger_timeout` is for strangers' URLs, `timeout` for the operator's. `allow_private` has
    networks that are allowed to strangers although they are not public. Raises ValueError for one
    that would allow more than it names (see `addresses.public`).
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: timedelta,
        stranger_timeout: timedelta,
        allow_private: Sequence[str] = (),
    ) -> None:
        self._public = addresses.public(allow_private)
        self._current = threading.local()
        operators = _Adapter(addresses.anywhere(), self._current, strangers=False)
        strangers = _Adapter(self._public, self._current, strangers=True)
        self._adapters = {  # by `Request.stranger`
            False: (operators, timeout.total_seconds()),
            True: (strangers, stranger_timeout.total_seconds()),
        }
        self._user_agent = user_agent
        self._deadlines = Deadlines()

    def refusal(self, url: str) -> str | None:
        """Why a stranger's URL is not allowed, without a DNS lookup; None if it may be."""
        return addresses.refusal(url, self._public)

    def send(self, request: Request) -> Response:
        """Send a request and read the beginning of its response.

        Failures of the other side are not raised but returned, as a text that contains no part of
        the URL: a callback's URL is a secret.
        """
        adapter, timeout = self._adapters[request.stranger]
        deadline = time.monotonic() + timeout
        try:
            prepared = self._prepare(request)
        except (requests.RequestException, ValueError):
            return Response(status=None, error="the address is not a valid URL", refused=True)
        exchange = Exchange(
            deadline=deadline,
            target=_target(request.url),
            body_limit=BODY_LIMIT if request.body_limit is None else request.body_limit,
        )
        self._current.exchange = exchange
        if not self._deadlines.add(exchange):
            return Response(status=None, error="stopped", stopped=True)
        try:
            response = self._exchange(adapter, prepared, exchange, timeout)
        finally:
            exchange.release()
            self._current.exchange = None
        if response.error and self._deadlines.closed:
            return Response(status=None, error="stopped", stopped=True)
        late = response.error and (exchange.aborted or time.monotonic() >= exchange.deadline)
        return replace(
            response,
            error=f"no complete response within {timeout:g} s" if late else response.error,
            peer=exchange.peer,
        )

    @property
    def peers(self) -> Mapping[str, str]:
        """By host, the address last connected to for the operator's URLs. A live view."""
        return self._adapters[False][0].peers

    def close(self) -> None:
        """Abort requests under way, and send no further ones."""
        self._deadlines.close()
        for adapter, _timeout in self._adapters.values():
            adapter.close()

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        headers = {"User-Agent": self._user_agent, "Accept": "*/*", **request.headers}
        return requests.Request(
            request.method, request.url, headers=headers, data=request.body or None
        ).prepare()

    def _exchange(
        self,
        adapter: HTTPAdapter,
        prepared: requests.PreparedRequest,
        exchange: Exchange,
        timeout: float,
    ) -> Response:
        while True:
            try:
                response = adapter.send(prepared, stream=True, timeout=timeout)
            except SSRFGuardError as error:
                reason = str(getattr(error, "reason", error))[:REASON_LIMIT]
                return Response(status=None, error=f"refused: {reason}", refused=True)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if is_too_large(error):
                    return Response(status=None, error=TOO_LARGE, refused=True, too_large=True)
                kept = exchange.connection is not None and not exchange.is_new
                if kept and not exchange.aborted and isinstance(error, requests.ConnectionError):
                    continue  # the server had closed an idle connection: retry with another
                return Response(status=None, error=describe(error))
            return _read(response, exchange)


def _read(response: requests.Response, exchange: Exchange) -> Response:
    """The status, headers and first bytes of a response."""
    if exchange.aborted:  # before its head was complete, so that nothing of it counts
        response.close()
        return Response(status=None, error=INCOMPLETE)
    headers = {name.lower(): value for name, value in response.headers.items()}
    error = None
    too_large = False
    body = b""
    try:
        body = response.raw.read(exchange.body_limit, decode_content=False)
    except (HTTPError, OSError, ValueError) as broken:
        too_large = is_too_large(broken)
        error = TOO_LARGE if too_large else INCOMPLETE
    finally:
        response.close()  # returns the connection to the pool if all was read, else closes it
    if exchange.aborted:
        error = INCOMPLETE
    return Response(
        status=response.status_code,
        headers=headers,
        body=body,
        error=error,
        too_large=too_large,
    )


class _Adapter(SafeAdapter):
    """Attaches connections to the exchange of their thread, and sends targets unchanged."""

    def __init__(self, policy: Policy, current: threading.local, *, strangers: bool) -> None:
        self.current = current
        self.strangers = strangers
        self.peers: dict[str, str] = {}  #: by host, the address last connected to; not strangers'
        super().__init__(
            policy=policy,
            resolver=self._lookup,
            pool_connections=IDLE_HOSTS,
            pool_maxsize=IDLE_PER_HOST,
        )
        self._lookups = threading.BoundedSemaphore(LOOKUPS)

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
        """Resolve a name within the exchange's timeout; connecting gets the time that remains."""
        exchange: Exchange = self.current.exchange
        if args[-1] & socket.AI_NUMERICHOST:
            resolved = socket.getaddrinfo(host, port, *args)
        else:
            resolved = self._resolve_in_thread(exchange, host, port, *args)
        exchange.connection.timeout = exchange.remaining / addresses.ADDRESSES
        return resolved

    def _resolve_in_thread(self, exchange: Exchange, host: str, port: int, *args: Any) -> Any:
        """Resolve in another thread: getaddrinfo has no timeout, and can't be stopped."""
        results: list[Any] = []
        done = threading.Event()

        def resolve() -> None:
            try:
                results.append(socket.getaddrinfo(host, port, *args))
            except OSError as error:
                results.append(error)
            finally:
                self._lookups.release()
                done.set()

        if not self._lookups.acquire(timeout=exchange.remaining):
            raise TimeoutError("too many DNS lookups at a time")
        try:
            threading.Thread(target=resolve, name="lookup", daemon=True).start()
        except RuntimeError:  # the system allows no more threads
            self._lookups.release()
            raise
        if not done.wait(exchange.remaining):
            raise TimeoutError("the DNS lookup took too long")
        if isinstance(results[0], OSError):
            raise results[0]
        return results[0]


def _tracked(base: Any, adapter: _Adapter) -> type:
    """A connection class that reports to the exchange of its thread."""
    current = adapter.current

    class TrackedConnection(base):  # type: ignore[misc]
        peer: str | None = None  #: the connected IP address

        def connect(self) -> None:
            exchange: Exchange = current.exchange
            exchange.attach(self)
            exchange.is_new = True
            if adapter.strangers:
                addresses.check_port(self.port)
            super().connect()
            exchange.attach(self)
            self.peer = self.sock.getpeername()[0]
            if not adapter.strangers:
                adapter.peers[self.host] = self.peer
            exchange.peer = self.peer
            self.sock.settimeout(exchange.remaining)  # for each wait; `Deadlines` limits the whole

        def request(self, method: str, _url: str, *args: Any, **kwargs: Any) -> None:
            # requests and urllib3 would normalize the target. A callback's query must stay as it
            # is, byte for byte (W3C WebSub §5.1.1).
            exchange: Exchange = current.exchange
            exchange.attach(self)
            exchange.peer = self.peer if self.sock is not None else None
            more = max(0, exchange.body_limit - BODY_LIMIT)
            self.response_class = partial(BoundedResponse, more=more)
            super().request(method, exchange.target, *args, **kwargs)

    return TrackedConnection


def _target(url: str) -> str:
    """The request target (RFC 9112 §3.2.1) of a URL: its path and query as written."""
    rest = url.split("#", 1)[0].split("://", 1)[-1]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[cut:]
    return target if target.startswith("/") else f"/{target}"
