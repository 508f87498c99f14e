"""Health and metrics, for operators and service managers: `/livez`, `/readyz`, `/metrics`.

The public address shows no details. The admin address shows everything, `/` as a page.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from syndicator.errors import SyndicatorError, Trouble

if TYPE_CHECKING:
    from syndicator.inspection import Overview

#: Seconds for which answers from the database are cached. Anyone may request readiness, and any
#: user of this machine the status: sixty who did at once delayed a new post by five seconds.
_CACHED_SECONDS = 1.0

_T = TypeVar("_T")

#: These responses are never cached.
_NO_STORE = {"cache-control": "no-store"}


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether the service works, with details."""

    ready: bool
    trouble: Trouble | None = None  #: the error that keeps it from working; None: it works
    details: Mapping[str, str | float | bool | None]  #: shown on the admin address; no secrets

    def public(self) -> Mapping[str, object]:
        """The fields for everyone: of an error, only its kind."""
        return {"ready": self.ready, "error": self.trouble and self.trouble.kind}

    def detailed(self) -> Mapping[str, object]:
        """The fields for the operator."""
        return {"ready": self.ready, **self.details, "error": self.trouble and self.trouble.message}


class Health(Struct, frozen=True, kw_only=True):
    """The sources of health. All but `stuck` run in a thread.

    Readiness, status and the operator's page are cached for a second.
    """

    stuck: Callable[[], Sequence[str]]  #: names of the threads that ended or hang
    readiness: Callable[[], Readiness]
    metrics: Callable[[], bytes]  #: Prometheus' text format 0.0.4
    status: Callable[[], str]  #: JSON, for the operator; raises SyndicatorError
    overview: "Callable[[], Overview]"  #: for the operator's page; raises SyndicatorError


def public_routes(health: Health) -> list[Route]:
    """`/livez` and `/readyz` of the public address."""
    return _routes(health, Readiness.public)


def admin_app(health: Health, hosts: Sequence[str]) -> Starlette:
    """The operator's page, `/livez`, `/readyz`, `/metrics` and `/status` of the admin address.

    Only requests with one of `hosts` as their Host are answered. That stops DNS rebinding: a web
    page whose name resolves to this machine can't read it.
    """

    async def metrics(_request: Request) -> Response:
        text = await run_in_threadpool(health.metrics)
        return Response(
            text, media_type="text/plain; version=0.0.4; charset=utf-8", headers=_NO_STORE
        )

    cached_status = _Cached(health.status)

    async def status(_request: Request) -> Response:
        try:
            text = await cached_status.get()
        except SyndicatorError as error:
            return PlainTextResponse(f"{error}\n", 503, _NO_STORE)
        return Response(text, media_type="application/json", headers=_NO_STORE)

    cached_page = _Cached(partial(_page, health.overview))

    async def page(_request: Request) -> Response:
        status, body, headers = await cached_page.get()
        return HTMLResponse(body, status, {**_NO_STORE, **headers})

    routes = [
        *_routes(health, Readiness.detailed),
        Route("/", page),
        Route("/metrics", metrics),
        Route("/status", status),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app = Starlette(routes=routes, middleware=[trusted])
    app.router.redirect_slashes = False
    return app


def _page(overview: "Callable[[], Overview]") -> tuple[int, bytes, Mapping[str, str]]:
    """The operator's page: status, body and headers."""
    # Jinja2 and the page's templates are loaded when it is first requested.
    from syndicator.web import operator_page

    try:
        return 200, operator_page.page(overview()), operator_page.HEADERS
    except SyndicatorError as error:
        return 503, operator_page.failure_page(error), operator_page.HEADERS


def _routes(health: Health, fields: Callable[[Readiness], Mapping[str, object]]) -> list[Route]:
    cached = _Cached(health.readiness)

    async def livez(_request: Request) -> Response:
        stuck = health.stuck()
        text = f"stuck: {', '.join(stuck)}\n" if stuck else "ok\n"
        return PlainTextResponse(text, 503 if stuck else 200, _NO_STORE)

    async def readyz(_request: Request) -> Response:
        readiness = await cached.get()
        return JSONResponse(fields(readiness), 200 if readiness.ready else 503, _NO_STORE)

    return [Route("/livez", livez), Route("/readyz", readyz)]


class _Cached(Generic[_T]):
    """A value, read again when it has expired, by one request at a time."""

    def __init__(self, read: Callable[[], _T]) -> None:
        """`read` runs in a thread. What it raises is not cached."""
        self._read = read
        self._lock = asyncio.Lock()
        self._value: tuple[_T, float] | None = None  #: and when it was read

    async def get(self) -> _T:
        async with self._lock:
            if self._value is None or time.monotonic() - self._value[1] > _CACHED_SECONDS:
                self._value = None
                self._value = await run_in_threadpool(self._read), time.monotonic()
            return self._value[0]
