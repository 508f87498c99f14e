"""Puts the ASGI app together: the catalogue of files first, then the routes."""

from collections.abc import Sequence

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndicator.web.archive_app import ArchiveApp
from syndicator.web.catalogue import Catalogue, FeedCatalogue, OnRequest
from syndicator.web.health import Health, public_routes
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.proxies import Proxies


def make_app(
    catalogue: Catalogue,
    *,
    health: Health,
    on_request: OnRequest,
    routes: Sequence[BaseRoute] = (),
    limiter: PollLimiter | None = None,
    proxies: Proxies | None = None,
) -> FeedCatalogue:
    """The public app. `routes` precede those of `health`. Without a `limiter`, polls are unlimited.

    Without `proxies`, none is trusted and none is reported.
    """
    router = Starlette(
        routes=[*routes, *public_routes(health)],
        exception_handlers={
            404: lambda request, _: _not_found(catalogue, request),
            ClientDisconnect: _incomplete,
        },
    )
    # The redirect to a path with or without its last slash would be built from the Host header.
    router.router.redirect_slashes = False
    rest = counted(router, on_request)
    if archives := catalogue.archives:
        rest = ArchiveApp(catalogue, archives, rest, on_request=on_request, limiter=limiter)
    return FeedCatalogue(
        catalogue,
        rest,
        on_request=on_request,
        limiter=limiter,
        proxies=proxies,
    )


def _not_found(catalogue: Catalogue, request: Request) -> Response:
    """404, or 503 until the first run is complete."""
    messages = catalogue.messages
    message = messages.not_found if catalogue.is_complete else messages.building
    reply = message.select(request.method, request.scope["headers"])
    response = Response(reply.content(), reply.status)
    response.raw_headers = list(reply.headers)
    return response


def _incomplete(*_: object) -> PlainTextResponse:
    """400 for a client that left before its request was complete (RFC 9112 §8). Only counted."""
    return PlainTextResponse("The request is incomplete.\n", 400)


def counter(requests: Counter) -> OnRequest:
    """Count by status and format.

    Each pair of labels is looked up once: the lookup costs more than the rest of a 304.
    """
    counts: dict[tuple[int, str], Counter] = {}

    def count(status: int, format: str, _scope: Scope) -> None:
        child = counts.get((status, format))
        if child is None:
            child = counts[status, format] = requests.labels(str(status), format or "other")
        child.inc()

    return count


def counted(app: ASGIApp, on_request: OnRequest) -> ASGIApp:
    """Wrap an app so that `on_request` is called for each of its responses."""

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                on_request(message["status"], "", scope)
            await send(message)

        await app(scope, receive, sending)

    return counting
