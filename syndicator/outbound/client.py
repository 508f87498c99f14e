"""One request at a time, within its timeout, to an address it may go to.

Requests go through requests' adapter, without its Session: so there is no cookie, no redirect, no proxy from
the environment, no `.netrc` and no body read that nobody asked for, and one adapter serves every thread (it
is urllib3's pool underneath, which is made for that; a Session isn't). ssrfguard's adapter resolves a name
once, checks every address, and connects to the address it checked.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from ssrfguard import Policy, SSRFGuardError
from ssrfguard.requests import SafeAdapter
from urllib3.exceptions import HTTPError

from syndicator.model.outbox import Request, Response
from syndicator.outbound import addresses
from syndicator.outbound.deadlines import Deadlines, Exchange
from syndicator.outbound.responses import BoundedResponse, ResponseTooLargeError

#: Bytes of an answer's body that are read. A challenge, an error in words: both are shorter.
BODY_LIMIT = 8192

#: Characters of a refusal's reason that are kept: a name may have hundreds of refused addresses.
REASON_LIMIT = 200

#: Hosts to which idle connections are kept, and how many to each.
IDLE_HOSTS, IDLE_EACH = 64, 2

#: Names looked up at once. A look-up can't be stopped, only no longer be waited for: this bounds those left.
LOOKUPS = 128

# What it logs carries whole addresses, a callback's token with them.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class Client:
    """Makes requests, one in each thread that calls it, all within their timeout.

    `allow_private` names networks that strangers may be in although they are not public. Raises ValueError
    for one that would open more than it says (ssrfguard refuses networks that carry others inside them).
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: timedelta,
        stranger_timeout: timedelta,
        allow_private: Sequence[str] = (),
    ) -> None:
        anywhere, self._public = addresses.anywhere(), addresses.public(allow_private)
        self._current = threading.local()
        self._adapters = {
            False: (_Adapter(anywhere, self._current, strangers=False), timeout.total_seconds()),
            True: (
                _Adapter(self._public, self._current, strangers=True),
                stranger_timeout.total_seconds(),
            ),
        }
        self._user_agent = user_agent
        self._watch = Deadlines()

    def refusal(self, url: str) -> str | None:
        """Why a stranger's URL is not allowed, without looking its name up; None: it may be."""
        return addresses.refusal(url, self._public)

    def send(self, request: Request) -> Response:
        """Make a request and read the beginning of its answer. Never raises for what the other side does.

        Errors are in words and carry no part of the URL: a callback's address is a secret.
        """
        started = time.monotonic()
        adapter, timeout = self._adapters[request.stranger]
        try:
            prepared = self._prepare(request)
        except (requests.RequestException, ValueError):
            return Response(status=None, error="the address is not a URL", refused=True)
        exchange = Exchange(deadline=started + timeout, target=_target(request.url))
        self._current.exchange = exchange
        if not self._watch.add(exchange):
            return Response(status=None, error="stopped", stopped=True)
        try:
            answer = self._exchange(adapter, prepared, exchange, timeout)
        finally:
            exchange.let_go()
            self._current.exchange = None
        if answer.error and self._watch.closed:
            return Response(status=None, error="stopped", stopped=True)
        late = answer.error and (exchange.shut or time.monotonic() >= exchange.deadline)
        return Response(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            error=f"no whole answer within {timeout:g} s" if late else answer.error,
            refused=answer.refused,
            seconds=time.monotonic() - started,
            too_large=answer.too_large,
            peer=exchange.peer,
        )

    @property
    def peers(self) -> Mapping[str, str]:
        """By host, the address that requests to the operator's own URLs last went to. It changes as they go."""
        return self._adapters[False][0].peers

    def close(self) -> None:
        """End what is under way, at once, and make no further request."""
        self._watch.close()
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
                if _is_too_large(error):
                    return Response(status=None, error=TOO_LARGE, refused=True, too_large=True)
                kept = exchange.connection is not None and not exchange.fresh
                if kept and not exchange.shut and isinstance(error, requests.ConnectionError):
                    continue  # the server had closed the idle connection: not the request's fault
                return Response(status=None, error=_in_words(error))
            return _read(response, exchange)


def _read(response: requests.Response, exchange: Exchange) -> Response:
    if exchange.shut:  # before its head was whole: what was read of it means nothing
        response.close()
        return Response(status=None, error="the answer broke off")
    headers = {name.lower(): value for name, value in response.headers.items()}
    error, too_large = None, False
    body = b""
    try:
        body = response.raw.read(BODY_LIMIT, decode_content=False)
    except (HTTPError, OSError, ValueError) as broken:
        too_large = _is_too_large(broken)
        error = TOO_LARGE if too_large else "the answer broke off"
    finally:
        response.close()  # gives the connection back if the answer was read whole, else ends it
    if exchange.shut:
        error = "the answer broke off"
    return Response(
        status=response.status_code,
        headers=headers,
        body=body,
        error=error,
        too_large=too_large,
    )


class _Adapter(SafeAdapter):
    """Tells the exchange of this thread which connection it is on, and sends its target as it was given."""

    def __init__(self, policy: Policy, current: threading.local, *, strangers: bool) -> None:
        self.current, self.strangers = current, strangers
        self.peers: dict[
            str, str
        ] = {}  #: by host, the address last connected to; of the operator's hosts only
        super().__init__(
            policy=policy,
            resolver=self._lookup,
            pool_connections=IDLE_HOSTS,
            pool_maxsize=IDLE_EACH,
        )
        self._lookups = threading.BoundedSemaphore(LOOKUPS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools: dict[str, Any] = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(
                pool.__name__, (pool,), {"ConnectionCls": _watched(pool.ConnectionCls, self)}
            )
            for scheme, pool in pools.items()
        }

    def _lookup(self, host: str, port: int, *args: Any) -> Any:
        """`getaddrinfo`, waited for no longer than the exchange has; connecting gets what is left."""
        exchange: Exchange = self.current.exchange
        numeric = args[-1] & socket.AI_NUMERICHOST
        found = (
            socket.getaddrinfo(host, port, *args)
            if numeric
            else self._wait(exchange, host, port, *args)
        )
        exchange.connection.timeout = exchange.left / addresses.ADDRESSES
        return found

    def _wait(self, exchange: Exchange, host: str, port: int, *args: Any) -> Any:
        found: list[Any] = []
        done = threading.Event()

        def look() -> None:
            try:
                found.append(socket.getaddrinfo(host, port, *args))
            except OSError as error:
                found.append(error)
            finally:
                self._lookups.release()
                done.set()

        if not self._lookups.acquire(timeout=exchange.left):
            raise TimeoutError("too many names are being looked up")
        try:
            threading.Thread(target=look, name="lookup", daemon=True).start()
        except RuntimeError:  # the system allows no other
            self._lookups.release()
            raise
        if not done.wait(exchange.left):
            raise TimeoutError("the name's look-up took too long")
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]


def _watched(base: Any, adapter: _Adapter) -> type:
    current = adapter.current

    class Watched(base):  # type: ignore[misc]
        response_class = BoundedResponse
        peer: str | None = None  #: the IP address that it is connected to

        def connect(self) -> None:
            exchange: Exchange = current.exchange
            exchange.use(self)
            exchange.fresh = True
            if adapter.strangers:
                addresses.check_port(self.port)
            super().connect()
            exchange.use(self)
            self.peer = self.sock.getpeername()[0]
            if not adapter.strangers:
                adapter.peers[self.host] = self.peer
            exchange.peer = self.peer
            self.sock.settimeout(exchange.left)  # from here on it is the watch that counts

        def request(self, method: str, _url: str, *args: Any, **kwargs: Any) -> None:
            # requests and urllib3 would each put the target into a normal form. A callback's query is kept
            # byte for byte (W3C WebSub §5.1.1).
            exchange: Exchange = current.exchange
            exchange.use(self)
            exchange.peer = self.peer if self.sock is not None else None
            super().request(method, exchange.target, *args, **kwargs)

    return Watched


def _target(url: str) -> str:
    """The request target (RFC 9112 §3.2.1) of a URL: its path and query as written."""
    rest = url.split("#", 1)[0].split("://", 1)[-1]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[cut:]
    return target if target.startswith("/") else f"/{target}"


#: What is said of an answer that goes beyond `ANSWER_LIMIT`.
TOO_LARGE = "refused: its answer is too large"

#: What went wrong, by what stands in the chain of causes; the first that fits.
_WORDS: Iterable[tuple[str, str]] = (
    ("SSLCertVerificationError", "its certificate is not valid"),
    ("SSLError", "TLS failed"),
    ("NameResolutionError", "its name does not resolve"),
    ("gaierror", "its name does not resolve"),
    ("ConnectionRefusedError", "it refused the connection"),
    ("ConnectTimeoutError", "it can't be reached in time"),
    ("TimeoutError", "it did not answer in time"),
    ("ReadTimeoutError", "it did not answer in time"),
    ("RemoteDisconnected", "it closed the connection without an answer"),
    ("ConnectionResetError", "it broke the connection"),
    ("BrokenPipeError", "it broke the connection"),
    ("NewConnectionError", "it can't be reached"),
    ("ProtocolError", "what it answered is not HTTP"),
    ("InvalidHeader", "what it answered is not HTTP"),
)


def _in_words(error: BaseException) -> str:
    """The cause, without the URL that requests' own messages carry."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return next((words for name, words in _WORDS if name in names), "the request failed")


def _is_too_large(error: BaseException) -> bool:
    return any(isinstance(cause, ResponseTooLargeError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [
                cause.__cause__,
                cause.__context__,
                getattr(cause, "reason", None),
                *cause.args,
            ]
