"""The app: the catalogue in front, routes behind it."""

from collections.abc import Sequence

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndicator.web.catalogue import Catalogue, FeedCatalogue, OnRequest
from syndicator.web.health import Health, public_routes
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.proxies import Proxies

#: Seconds after which whoever came before the first run was over may come again.
SOON = "10"


def make_app(
    catalogue: Catalogue,
    *,
    health: Health,
    on_request: OnRequest,
    routes: Sequence[BaseRoute] = (),
    limiter: PollLimiter | None = None,
    proxies: Proxies | None = None,
) -> FeedCatalogue:
    """Everything that is served. `routes` come before our own; `limiter` None: nobody is limited."""
    behind = Starlette(
        routes=[*routes, *public_routes(health)],
        exception_handlers={404: lambda *_: _nothing(catalogue), ClientDisconnect: _incomplete},
    )
    # The redirect to a path with or without its last slash would be built from the Host header.
    behind.router.redirect_slashes = False
    return FeedCatalogue(
        catalogue,
        counted(behind, on_request),
        on_request=on_request,
        limiter=limiter,
        proxies=proxies,
    )


def _nothing(catalogue: Catalogue) -> PlainTextResponse:
    """Nothing is there, or not yet: a reader that is told 404 may drop the feed (RFC 9110 §15.6.4)."""
    if catalogue.is_whole:
        return PlainTextResponse("Not Found", 404)
    return PlainTextResponse("The feeds are being made.\n", 503, {"Retry-After": SOON})


def _incomplete(*_: object) -> PlainTextResponse:
    """The client left before its request was whole (RFC 9112 §8). This is counted, not sent."""
    return PlainTextResponse("The request did not arrive whole.\n", 400)


def counter(requests: Counter) -> OnRequest:
    """Counts by status and format. Labels are looked up once each: that costs more than the rest of a 304."""
    counts: dict[tuple[int, str], Counter] = {}

    def count(status: int, format: str, _scope: Scope) -> None:
        child = counts.get((status, format))
        if child is None:
            child = counts[status, format] = requests.labels(str(status), format or "other")
        child.inc()

    return count


def counted(app: ASGIApp, on_request: OnRequest) -> ASGIApp:
    """The app, with `on_request` told of each answer it gives."""

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                on_request(message["status"], "", scope)
            await send(message)

        await app(scope, receive, sending)

    return counting
