"""The endpoint of webhooks: a forge reports a push, and the repository is fetched at once."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from syndicator.sources.git.deliveries import Delivery, judge
from syndicator.web.bodies import read_body
from syndicator.web.proxies import Network, client_of
from syndicator.web.rate_limit import RateLimit

#: Bytes of a delivery. One of a push of some hundred commits is smaller.
BODY_LIMIT = 1024 * 1024

#: Deliveries that are received at a time: they are kept in memory. A request has 20 s to arrive
#: (`web/protocol`), so that one client, within its limit, has at most 20 under way.
AT_ONCE = 32

#: Deliveries in a minute from one client.
CLIENT_LIMIT = 60

_MINUTE = 60.0


class GitHooks(Struct, frozen=True, kw_only=True):
    """What the endpoint of webhooks needs."""

    secret: str
    branch: Callable[[], str]  #: the branch that is fetched; "": unknown. Runs in a thread
    on_push: Callable[[], None]  #: called for each push to the branch; may not block
    trusted: Sequence[Network] = ()

    def routes(self, paths: Sequence[str]) -> list[BaseRoute]:
        """The endpoint at these paths: POST only."""
        endpoint = _Endpoint(self)
        return [Route(path, endpoint.handle, methods=["POST"]) for path in paths]


class _Endpoint:
    """Answers at once: the fetch is done by another thread."""

    def __init__(self, hooks: GitHooks) -> None:
        self._hooks = hooks
        self._clients: RateLimit[str] = RateLimit(CLIENT_LIMIT, _MINUTE)
        self._receiving = 0

    async def handle(self, request: Request) -> Response:
        client = client_of(request.scope, self._hooks.trusted)
        wait = self._clients.wait(client, time.monotonic())
        if wait is not None:
            return _text(429, "Too many deliveries from your address", wait=int(wait) + 1)
        if self._receiving >= AT_ONCE:
            return _text(503, "Too many deliveries at once", wait=10)
        self._receiving += 1
        try:
            body = await read_body(request, BODY_LIMIT)
            if body is None:
                return _text(413, f"The delivery is longer than {BODY_LIMIT} bytes")
            return await run_in_threadpool(self._answer, dict(request.headers), body)
        finally:
            self._receiving -= 1

    def _answer(self, headers: dict[str, str], body: bytes) -> Response:
        match judge(headers, body, self._hooks.secret, self._hooks.branch()):
            case Delivery.UNSIGNED:
                return _text(401, "The delivery has no signature: set the secret at the forge")
            case Delivery.FORGED:
                return _text(403, "The delivery is signed with another secret")
            case Delivery.IGNORED:
                return _text(202, "Ignored: not a push to the branch of the feeds")
            case Delivery.PUSH:
                self._hooks.on_push()
                return _text(202, "Accepted: the repository will be fetched")


def _text(status: int, text: str, *, wait: int | None = None) -> Response:
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return PlainTextResponse(f"{text}.\n", status_code=status, headers=headers)
