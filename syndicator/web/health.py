"""What is asked by those who keep the service alive, not by readers."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

#: Anyone may ask; the state is looked at once in this many seconds whoever does.
_FRESH = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Whether the service does its work, and the facts that say so."""

    ready: bool
    facts: Mapping[str, str | float | bool | None]  #: shown as they are; no secrets


def health_routes(ready: Callable[[], Readiness], numbers: Callable[[], bytes]) -> list[Route]:
    """`/livez`, `/readyz` and `/metrics`. `ready` and `numbers` (Prometheus' text) run in a thread."""
    fresh = _Fresh(ready)

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        found = await fresh.get()
        facts = {"ready": found.ready, **found.facts}
        return JSONResponse(facts, status_code=200 if found.ready else 503, headers={"cache-control": "no-store"})

    async def metrics(_request: Request) -> Response:
        text = await run_in_threadpool(numbers)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


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
