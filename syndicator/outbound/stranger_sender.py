"""Sends requests to strangers' URLs, with http.client.

requests takes nearly three times its processor time for a delivery, and reads all root certificates
for each new TLS connection (see docs/performance.md).
"""

import http.client
import ssl
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from ssrfguard import Policy, SSRFGuardError

from syndicator.model.outbox import Request, Response
from syndicator.outbound.connections import CheckedConnection, Connector, IdleConnections
from syndicator.outbound.deadlines import Exchange, discard_unsent
from syndicator.outbound.failures import INVALID, failed, refused
from syndicator.outbound.responses import BoundedResponse, headers_of, read_response


class StrangerSender:
    """Sends requests to addresses that a policy allows, one per calling thread."""

    def __init__(self, policy: Policy) -> None:
        self._connector = Connector(policy)
        self._idle = IdleConnections()

    def send(self, request: Request, headers: Mapping[str, str], exchange: Exchange) -> Response:
        """Send a request with these headers, and read the beginning of its response."""
        try:
            parts = urlsplit(request.url)
        except ValueError:
            return INVALID
        origin = f"{parts.scheme}://{parts.netloc}/"
        try:
            while (connection := self._idle.take(origin)) is not None:
                try:
                    return self._exchange(origin, connection, request, headers, exchange)
                except (ConnectionError, ssl.SSLError):
                    if exchange.aborted:
                        raise
                    # The server had closed an idle connection: retry with another.
            connection = self._connector.open(origin, exchange)
            exchange.is_new = True
            return self._exchange(origin, connection, request, headers, exchange)
        except SSRFGuardError as error:
            return refused(error)
        except (http.client.HTTPException, OSError, ValueError) as error:
            return failed(error)

    def close(self) -> None:
        """Close idle connections, and each one after its request."""
        self._idle.close()

    def _exchange(
        self,
        origin: str,
        connection: CheckedConnection,
        request: Request,
        headers: Mapping[str, str],
        exchange: Exchange,
    ) -> Response:
        sock = connection.sock
        try:
            exchange.attach(sock)
            exchange.peer = connection.peer
            sock.settimeout(exchange.remaining)  # for each wait; `Deadlines` limits the whole
            bounded = partial(BoundedResponse, body_limit=exchange.body_limit)
            connection.response_class = bounded  # type: ignore[assignment]  # as good as a class
            sent = _send(connection, request, headers, exchange.target)
            with connection.getresponse() as response:
                headers = headers_of(response.headers.items())
                read = partial(_read, response, exchange.body_limit)
                result = read_response(response.status, headers, read, exchange)
                ended = response.isclosed()
        except BaseException:
            discard_unsent(sock)
            connection.close()
            raise
        if sent and ended and connection.sock is not None:
            exchange.release()  # before another request uses it
            self._idle.add(origin, connection)
        else:
            connection.close()
        return result


def _send(
    connection: CheckedConnection,
    request: Request,
    headers: Mapping[str, str],
    target: str,
) -> bool:
    """Send a request; whether it was sent to its end."""
    length = {"Content-Length": str(len(request.body))} if request.body else {}
    try:
        connection.request(request.method, target, request.body or None, {**headers, **length})
        connection.flush()
    except (BrokenPipeError, ConnectionResetError):
        return False  # a server may respond before it has read the body (RFC 9112 §9.5)
    return True


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The first bytes of a response's body. Raises HTTPException, OSError and ValueError."""
    body = response.read(limit)
    if response.length and len(body) < limit:
        raise http.client.IncompleteRead(body, response.length)
    return body
