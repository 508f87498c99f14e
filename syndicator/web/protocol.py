"""uvicorn's httptools protocol with bounds, so that no client holds much or for long.

httptools is about four times as fast as h11 here (`make bench`), but bounds neither the size nor the number of
headers, nor the time a request takes to arrive or an answer to be taken.
"""

from asyncio import TimerHandle, Transport
from math import inf
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from syndicator.web.answers import Answer
from syndicator.web.feeds import Feeds

#: Octets that may arrive without completing anything: a head, or the size line of a chunk.
MAX_HEAD = 32 * 1024

#: Headers in a request.
MAX_HEADERS = 100

#: Seconds for a request to arrive whole, its body too.
ARRIVAL = 20.0

#: Seconds in which a client that is being sent something has to take some of it.
STALL = 30.0


_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 37\r\nconnection: close\r\n\r\n"
    b"The request's headers are too large.\n"
)


_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 21\r\nretry-after: 20\r\nconnection: close\r\n\r\nToo many connections\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads that are too large (431), and lets go of clients that send or take nothing."""

    _unfinished = 0  # octets received since the parser last completed something
    _arriving = True  # a request is awaited or has begun; a new connection owes us one
    _arrival: TimerHandle | None = None
    _stall: TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _reply: Answer | None = None  # the catalogue's, to the request that is arriving

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) >= (self.limit_concurrency or inf):  # each takes a file that a build may need
            transport.write(_BUSY)
            transport.close()
            return
        self._arrival = self.loop.call_later(ARRIVAL, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells only the newest of pipelined requests; the one that is being answered would fail aloud.
        self.pipeline.clear()
        if self._answering is not None:
            self._answering.disconnected = True
        for timer in (self._arrival, self._stall):
            if timer is not None:
                timer.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("")
        elif (self._arriving or self._unfinished) and self._arrival is None:  # empty lines begin no request
            self._arrival = self.loop.call_later(ARRIVAL, self.transport.close)

    def on_message_begin(self) -> None:
        self._arriving = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or (self._unfinished > MAX_HEAD and self._head_size() > MAX_HEAD):
            self._unfinished = MAX_HEAD + 1
            raise ValueError("the head is too large")  # ends the parsing; the answer is send_400_response's
        self._unfinished = 0
        self.app = self.config.loaded_app  # a reload replaces the app, connections live on
        self._reply = self._look_up() if self._is_free() else None
        if self._reply is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        if self._reply is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        self._arriving = False
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        if self._reply is None:
            super().on_message_complete()
        else:
            self._write(self._reply)

    def _is_free(self) -> bool:
        """Whether an answer may be written at once: none is on its way, and the client takes what it is sent."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.transport.get_write_buffer_size() < HIGH_WATER_LIMIT
            and len(self.connections) < (self.limit_concurrency or inf)
        )

    def _look_up(self) -> Answer | None:
        path = self.url.partition(b"?")[0]
        if b"%" in path or not path.isascii():
            return None  # uvicorn's to decode, or to refuse
        scope = cast("Scope", self.scope)
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = path.decode("ascii")
        feeds: Feeds = self.app
        return feeds.reply(scope)

    def _write(self, reply: Answer) -> None:
        date = self.server_state.default_headers[0][1]
        keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        end = b"\r\n\r\n" if keep else b"\r\nconnection: close\r\n\r\n"
        head = b"".join([reply.head, b"date: ", date, end])
        if reply.body and self.scope["method"] != "HEAD":
            self.transport.writelines([head, reply.body])  # joined, who is slow to take it would hold a copy
        else:
            self.transport.write(head)
        if keep:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # an answer is on its way; a second one would stand in the middle of it
        elif self._unfinished > MAX_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def _watch(self, before: int | None = None) -> None:
        """Let go of a client that has taken nothing since the last look."""
        if before is None and self._stall is not None:
            return
        left = self.transport.get_write_buffer_size()
        if before is not None and left >= before:
            self.transport.abort()
        self._stall = self.loop.call_later(STALL, self._watch, left) if left else None

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
