"""The app: the catalogue in front, routes behind it."""

from collections.abc import Callable, Sequence

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syndicator.web.feeds import Catalogue, Feeds, OnRequest
from syndicator.web.health import Readiness, health_routes
from syndicator.web.limiter import Limiter


def make_app(
    catalogue: Catalogue,
    *,
    ready: Callable[[], Readiness],
    numbers: Callable[[], bytes],
    on_request: OnRequest,
    routes: Sequence[BaseRoute] = (),
    limiter: Limiter | None = None,
) -> Feeds:
    """Everything that is served. `routes` come before our own; `limiter` None: nobody is limited."""
    behind = Starlette(routes=[*routes, *health_routes(ready, numbers)])
    # The redirect to a path with or without its last slash would be built from the Host header.
    behind.router.redirect_slashes = False
    return Feeds(catalogue, counted(behind, on_request), on_request=on_request, limiter=limiter)


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
