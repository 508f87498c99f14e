"""Connections to addresses that were checked, and those that are kept between requests."""

import http.client
import select
import socket
import ssl
import threading
from collections import defaultdict
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import certifi
from ssrfguard import Policy, Target, connect, resolve

from syndicator.outbound import addresses
from syndicator.outbound.deadlines import Exchange
from syndicator.outbound.failures import ConnectTimeoutError, UnreachableError
from syndicator.outbound.lookups import Lookups

#: Idle connections that are kept in all.
IDLE_LIMIT = 128

#: Bytes of a request that are sent by one call, from a copy. A larger one is not copied: each of
#: hundreds of subscribers that don't read would keep its copy until the timeout.
JOINED_LIMIT = 64 * 2**10

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class CheckedConnection(http.client.HTTPConnection):
    """A connection to an address that was checked."""

    #: http.client would resolve the name anew, and connect to any address, if the socket is lost.
    auto_open = 0

    def __init__(self, target: Target, host: str, sock: socket.socket) -> None:
        super().__init__(host, target.port)
        self.default_port = 443 if target.scheme == "https" else 80  # not in Host
        self.sock = sock
        self.peer: str = sock.getpeername()[0]  #: the connected IP address
        self._unsent: list[bytes] = []

    def send(self, data: Any) -> None:
        """Called by http.client with the head, and then with the body. Sends nothing yet."""
        self._unsent.append(data)

    def flush(self) -> None:
        """Send the request: by one call, if it is not large."""
        parts, self._unsent = self._unsent, []
        if sum(map(len, parts)) <= JOINED_LIMIT:
            parts = [b"".join(parts)]
        if self.sock is None:
            raise http.client.NotConnected
        for part in parts:
            self.sock.sendall(part)


class Connector:
    """Opens connections to addresses that a policy allows."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lookups = Lookups()
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def open(self, origin: str, exchange: Exchange) -> CheckedConnection:
        """Connect to `origin`: a URL's scheme, host and port.

        Resolves its name once, checks every address, and connects to one of these. Certificates are
        verified for the name. Raises SSRFGuardError for what the policy refuses, and OSError.
        """
        parts = urlsplit(origin)
        if parts.port is not None:
            addresses.check_port(parts.port)
        policy = addresses.with_port(self._policy, parts.port)
        target = policy.check_url(origin)
        found = resolve(target, policy=policy, resolver=partial(self._lookups.resolve, exchange))
        try:
            sock = connect(
                found,
                policy=policy,
                timeout=exchange.remaining / addresses.ADDRESSES,
                socket_options=[_NO_DELAY],
            )
        except TimeoutError as error:
            raise ConnectTimeoutError from error
        except OSError as error:
            raise UnreachableError from error
        host = target.host.rstrip(".")  # the root label is for the lookup alone
        if target.scheme == "https":
            sock = self._secured(sock, host, exchange)
        return CheckedConnection(target, host, sock)

    def _secured(self, sock: socket.socket, host: str, exchange: Exchange) -> ssl.SSLSocket:
        secured = self._context().wrap_socket(
            sock, server_hostname=host, do_handshake_on_connect=False
        )
        try:
            exchange.attach(secured)  # so that it can be aborted during the handshake
            secured.settimeout(exchange.remaining)
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def _context(self) -> ssl.SSLContext:
        """One for all connections: reading the certificates takes longer than a handshake."""
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context(cafile=certifi.where())
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls


class IdleConnections:
    """Open connections that serve no request, by origin. The oldest ones are closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origins: dict[CheckedConnection, str] = {}  # oldest first
        self._by_origin: defaultdict[str, list[CheckedConnection]] = defaultdict(list)
        self._closed = False

    def take(self, origin: str) -> CheckedConnection | None:
        """Remove the connection used last that is still open; None: there is none."""
        while True:
            with self._lock:
                if not (connections := self._by_origin.get(origin)):
                    return None
                connection = connections[-1]
                self._remove(connection)
            if not _is_readable(connection.sock):
                return connection
            connection.close()  # it was closed, or sent what nobody asked for

    def add(self, origin: str, connection: CheckedConnection) -> None:
        """Keep a connection whose response was read to its end."""
        with self._lock:
            self._origins[connection] = origin
            self._by_origin[origin].append(connection)
            if not self._closed and len(self._origins) <= IDLE_LIMIT:
                return
            connection = next(iter(self._origins))
            self._remove(connection)
        connection.close()

    def close(self) -> None:
        """Close all, and each that is added later."""
        with self._lock:
            self._closed = True
            connections = list(self._origins)
            self._origins.clear()
            self._by_origin.clear()
        for connection in connections:
            connection.close()

    def _remove(self, connection: CheckedConnection) -> None:
        origin = self._origins.pop(connection)
        self._by_origin[origin].remove(connection)
        if not self._by_origin[origin]:
            del self._by_origin[origin]


def _is_readable(sock: socket.socket) -> bool:
    """Whether bytes, or the end of the connection, were received."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
