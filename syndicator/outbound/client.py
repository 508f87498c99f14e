"""Sends one HTTP request within its timeout, to an allowed address.

Requests to the operator's URLs go by requests, those to strangers' URLs by http.client. ssrfguard
resolves a name once, checks every address, and connects to the address that it checked. There are
no cookies, redirects, and proxies from the environment.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from syndicator.model.outbox import Request, Response
from syndicator.outbound import addresses
from syndicator.outbound.deadlines import Deadlines, Exchange
from syndicator.outbound.responses import BODY_LIMIT
from syndicator.outbound.stranger_sender import StrangerSender

if TYPE_CHECKING:
    from syndicator.outbound.operator_sender import OperatorSender


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
        self._strangers = StrangerSender(self._public)
        self._operators: OperatorSender | None = None
        self._lock = threading.Lock()
        self._timeout = timeout.total_seconds()
        self._stranger_timeout = stranger_timeout.total_seconds()
        self._headers = {"User-Agent": user_agent, "Accept": "*/*"}
        self._deadlines = Deadlines()

    def refusal(self, url: str) -> str | None:
        """Why a stranger's URL is not allowed, without a DNS lookup; None if it may be."""
        return addresses.refusal(url, self._public)

    def send(self, request: Request) -> Response:
        """Send a request and read the beginning of its response.

        Failures of the other side are not raised but returned, as a text that contains no part of
        the URL: a callback's URL is a secret.
        """
        timeout = self._stranger_timeout if request.stranger else self._timeout
        exchange = Exchange(
            deadline=time.monotonic() + timeout,
            target=_target(request.url),
            body_limit=BODY_LIMIT if request.body_limit is None else request.body_limit,
            share=request.share,
        )
        if not self._deadlines.add(exchange):
            return Response(status=None, error="stopped", stopped=True)
        sender = self._strangers if request.stranger else self._operator_sender()
        try:
            response = sender.send(request, {**self._headers, **request.headers}, exchange)
        finally:
            exchange.release()
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
        return self._operators.peers if self._operators else {}

    def close(self) -> None:
        """Abort requests under way, and send no further ones."""
        self._deadlines.close()
        self._strangers.close()
        with self._lock:
            if self._operators:
                self._operators.close()

    def _operator_sender(self) -> "OperatorSender":
        """Made for the first request: a hub without outside hubs needs no requests, of 10 MB."""
        with self._lock:
            if self._operators is None:
                from syndicator.outbound.operator_sender import OperatorSender

                self._operators = OperatorSender()
            return self._operators


def _target(url: str) -> str:
    """The request target (RFC 9112 §3.2.1) of a URL: its path and query as written.

    A callback's query must stay as it is, byte for byte (W3C WebSub §5.1.1).
    """
    rest = url.split("#", 1)[0].split("://", 1)[-1]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[cut:]
    return target if target.startswith("/") else f"/{target}"
