"""Sends the archive pages of feeds, from disk."""

import asyncio
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from syndicator.errors import OutputError
from syndicator.web.archives import ArchivedResponses, Archives, OnDisk
from syndicator.web.catalogue import Catalogue, OnRequest, limited, select_for
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import PreparedResponse, text_response

#: Bytes that are read at once. With uvicorn's buffer of as many, this is all that a slow client
#: takes of the memory. No file stays open meanwhile, so it takes no descriptor either.
_PART = 64 * 1024

#: Reads at once.
_READS = 4

#: Seconds between looks at a page that is being replaced: its file changes before its row. Few, for
#: the case that its file is lost, and many clients ask for it.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

#: Retry-After in seconds: the next run writes the file again. A reader may drop what is not found.
_NOT_THERE = text_response(503, "This page is being written.\n", (b"retry-after", b"30"))


class ArchiveApp:
    """ASGI app that answers for the archive pages of a catalogue, and passes other paths on."""

    def __init__(
        self,
        catalogue: Catalogue,
        archives: Archives,
        rest: ASGIApp,
        *,
        on_request: OnRequest,
        limiter: PollLimiter | None = None,
    ) -> None:
        """`rest` receives requests for other paths."""
        self._catalogue = catalogue
        self._archives = archives
        self._rest = rest
        self._on_request = on_request
        self._limiter = limiter
        self._reads = asyncio.Semaphore(_READS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pauses = iter(_PAUSES)
        while (found := self._catalogue.find_archived(scope["path"])) is not None:
            reply = _reply(found, scope)
            part = await self._read(reply.file, 0) if reply.file else b""
            if part is None and (pause := next(pauses, None)):
                await asyncio.sleep(pause)
                continue
            response = reply.response if part is not None else _NOT_THERE
            response = limited(scope, response, self._limiter)
            self._on_request(response.status, reply.format, scope)
            file = reply.file if response is reply.response else None
            await self._send(response, file, part or b"", send)
            return
        await self._rest(scope, receive, send)

    async def _send(
        self, response: PreparedResponse, file: OnDisk | None, part: bytes, send: Send
    ) -> None:
        """Send a response. The body is a `file` that begins with `part`; None: its own."""
        status, headers = response.status, response.headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if file is None:
            await send({"type": "http.response.body", "body": response.content()})
            return
        sent = len(part)
        while part and sent < file.written[0]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await self._read(file, sent) or b""
            sent += len(part)
        if part:  # else another version is there now, and uvicorn closes the connection
            await send({"type": "http.response.body", "body": part})

    async def _read(self, file: OnDisk, begin: int) -> bytes | None:
        """A part of a file; None: it is not on disk as it was written."""
        async with self._reads:
            try:
                return await run_in_threadpool(
                    self._archives.read, file.path, file.written, begin, _PART
                )
            except OutputError:
                return None


class _Reply(NamedTuple):
    response: PreparedResponse
    format: str  #: for metrics; "" for redirects
    file: OnDisk | None  #: what is sent as the body; None: the response's own


def _reply(found: ArchivedResponses | PreparedResponse, scope: Scope) -> _Reply:
    if isinstance(found, PreparedResponse):
        return _Reply(found, "", None)
    response = select_for(scope, found.prepared)
    file = found.body_of(response) if scope["method"] == "GET" else None
    return _Reply(response, found.prepared.format, file)
