"""What is asked by those who keep the service alive, not by readers."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from syndicator.errors import Trouble

#: Anyone may ask; the state is looked at once in this many seconds whoever does.
_FRESH = 1.0

#: Answers that say what is now.
_NOW = {"cache-control": "no-store"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Whether the service does its work, and the facts that say so."""

    ready: bool
    trouble: Trouble | None = None  #: why it does not, as far as that is an error
    facts: Mapping[
        str, str | float | bool | None
    ]  #: shown on the admin address, as they are; no secrets

    def public(self) -> Mapping[str, object]:
        """What everyone may see: of an error only its kind."""
        return {"ready": self.ready, "error": self.trouble and self.trouble.kind}

    def whole(self) -> Mapping[str, object]:
        """What the operator may see."""
        return {"ready": self.ready, **self.facts, "error": self.trouble and self.trouble.message}


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How the service is. Each is called for a request; `readiness` and `metrics` run in a thread."""

    stuck: Callable[[], Sequence[str]]  #: names of the threads that ended or don't work any more
    readiness: Callable[[], Readiness]
    metrics: Callable[[], bytes]  #: Prometheus' text format 0.0.4


def public_routes(health: Health) -> list[Route]:
    """`/livez` and `/readyz`, as everyone may see them."""
    return _routes(health, Readiness.public)


def admin_app(health: Health, hosts: Sequence[str]) -> Starlette:
    """`/livez`, `/readyz` and `/metrics`, for the operator.

    Answers only requests whose Host header names one of `hosts`: a page elsewhere, whose name was
    made to resolve to this machine (DNS rebinding), can't read it.
    """

    async def metrics(_request: Request) -> Response:
        text = await run_in_threadpool(health.metrics)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=_NOW)

    routes = [*_routes(health, Readiness.whole), Route("/metrics", metrics)]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app = Starlette(routes=routes, middleware=[trusted])
    app.router.redirect_slashes = False
    return app


def _routes(health: Health, facts: Callable[[Readiness], Mapping[str, object]]) -> list[Route]:
    fresh = _Fresh(health.readiness)

    async def livez(_request: Request) -> Response:
        stuck = health.stuck()
        text = f"stuck: {', '.join(stuck)}\n" if stuck else "ok\n"
        return PlainTextResponse(text, 503 if stuck else 200, _NOW)

    async def readyz(_request: Request) -> Response:
        found = await fresh.get()
        return JSONResponse(facts(found), 200 if found.ready else 503, _NOW)

    return [Route("/livez", livez), Route("/readyz", readyz)]


class _Fresh:
    """The last look at the state, while it is fresh; one look at a time."""

    def __init__(self, look: Callable[[], Readiness]) -> None:
        self._look = look
        self._lock = asyncio.Lock()
        self._found: Readiness | None = None
        self._at = 0.0

    async def get(self) -> Readiness:
        async with self._lock:
            if self._found is None or time.monotonic() - self._at > _FRESH:
                self._found = await run_in_threadpool(self._look)
                self._at = time.monotonic()
            return self._found
