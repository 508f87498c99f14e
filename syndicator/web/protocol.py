"""uvicorn's httptools protocol with bounds, so that no client holds much or for long.

httptools is about four times as fast as h11 here (`make bench`), but bounds neither the size nor the number of
headers, nor the time a request takes to arrive or an answer to be taken.
"""

from asyncio import TimerHandle, Transport
from math import inf
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from syndicator.web.catalogue import FeedCatalogue
from syndicator.web.client_shares import ClientShares
from syndicator.web.one_at_a_time import SerialProtocol
from syndicator.web.prepared_responses import TOO_LARGE, TOO_MANY, Headers, PreparedResponse
from syndicator.web.proxies import FORWARDED
from syndicator.web.request_head import HEEDED, mistake

#: Octets that may arrive without completing anything: a head, or the size line of a chunk.
MAX_HEAD = 32 * 1024

#: Headers in a request.
MAX_HEADERS = 100

#: Seconds for a request to arrive whole, its body too.
ARRIVAL = 20.0

#: Seconds in which a client that is being sent something has to take some of it.
STALL = 30.0

#: Seconds that a client has to take its answer once the server stops. uvicorn waits for 2 (Server)
#: and then cancels the tasks, with a traceback for each.
PARTING = 1.5

#: Of every answer: no browser takes a feed for a page or a script.
NOSNIFF = ("x-content-type-options", "nosniff")

_NOSNIFF_AND_DATE = b"x-content-type-options: nosniff\r\ndate: "

#: As uvicorn says it.
_INVALID = "Invalid HTTP request received."


class BoundedProtocol(SerialProtocol):
    """Refuses heads that are too large (431), and lets go of clients that send or take nothing."""

    _unfinished = 0  # octets received since the parser last completed something
    _arrival: TimerHandle | None = None
    _stall: TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _reply: PreparedResponse | None = None  # the catalogue's, to the request that is arriving
    _method = ""  # of that request
    _heeded: Headers  # of the request that is arriving, those named in HEEDED
    _usual: Headers | None = None  # its Host alone, when it was found to be valid
    _client: str | None = None  # as it is counted by `shares`

    def __init__(self, *args: Any, shares: ClientShares, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shares = shares

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Each connection takes a file that a build may need.
        if len(self.connections) < (self.limit_concurrency or inf):
            self._client = self._shares.join(self, self._peer(), self.app.proxies)
        if self._client is None:
            self.connections.discard(self)  # uvicorn answers 503 to all while there are too many
            self._refuse(TOO_MANY)
            return
        self._arrival = self.loop.call_later(ARRIVAL, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells only the newest of pipelined requests; the one that is being answered would fail aloud.
        self.pipeline.clear()
        if self._client is not None:
            self._shares.leave(self, self._client)
        if self._answering is not None:
            self._answering.disconnected = True
        for timer in (self._arrival, self._stall):
            if timer is not None:
                timer.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _feed(self, piece: bytes) -> None:
        self._unfinished += len(piece)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(piece)
        except HttpParserUpgrade:
            pass  # the request is answered as if it did not ask for that
        except HttpParserError:
            self.send_400_response(_INVALID)
            return
        if self._unfinished > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("")
        elif (
            self._arriving or self._unfinished
        ) and self._arrival is None:  # empty lines begin no request
            self._arrival = self.loop.call_later(ARRIVAL, self.transport.close)

    def _keep(self, data: bytes, at: int) -> None:
        super()._keep(data, at)
        if self._arrival is not None and self._must_wait():  # the client is not late, we are
            self._arrival.cancel()
            self._arrival = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refused and not self.transport.is_closing():
            self.send_400_response(_INVALID)

    def on_message_begin(self) -> None:
        self._arriving = True
        self._heeded = []
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in HEEDED:
            self._heeded.append((name, value))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or (
            self._unfinished > MAX_HEAD and self._head_size() > MAX_HEAD
        ):
            self._unfinished = MAX_HEAD + 1
            raise ValueError(
                "the head is too large"
            )  # ends the parsing; the answer is send_400_response's
        self._unfinished = 0
        self.app = self.config.loaded_app  # a reload replaces the app, connections live on
        if self._heeded != self._usual or self.url[:1] != b"/":
            self._look_closer(self._heeded)
        self._reply = self._look_up() if self._is_free() else None
        if self._reply is None:
            self._make_scope()
            super().on_headers_complete()
        # httptools reports trailers as headers, which they are not (RFC 9110 §6.5.1).
        self.headers = []

    def _make_scope(self) -> None:
        """As uvicorn does when a request begins. Answers from the catalogue need none."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expect
        self.scope["headers"] = headers

    def _look_closer(self, heeded: Headers) -> None:
        """Check an unusual head. A ValueError ends the parsing: the answer is 400."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if (reason := mistake(method, version, heeded, self.headers)) is not None:
            raise ValueError(reason)
        if any(name in FORWARDED for name, _ in heeded):
            self.app.proxies.see(self._peer())
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in heeded
        )
        if len(heeded) == 1 and heeded[0][0] == b"host":
            self._usual = heeded.copy()  # trailers are added to the list

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
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self.transport.get_write_buffer_size() < HIGH_WATER_LIMIT

    def _look_up(self) -> PreparedResponse | None:
        path = self.url.partition(b"?")[0]
        if b"%" in path or not path.isascii():
            return None  # uvicorn's to decode, or to refuse
        self._method = self.parser.get_method().decode("ascii")
        feeds: FeedCatalogue = self.app
        return feeds.reply(
            {
                "method": self._method,
                "path": path.decode("ascii"),
                "headers": self.headers,
                "client": self.client,
            }
        )

    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _write(self, reply: PreparedResponse) -> None:
        date = self.server_state.default_headers[0][1]
        keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        end = b"\r\n\r\n" if keep else b"\r\nconnection: close\r\n\r\n"
        head = b"".join([reply.head, _NOSNIFF_AND_DATE, date, end])
        if reply.body and self._method != "HEAD":
            self.transport.writelines(
                [head, reply.body]
            )  # joined, who is slow to take it would hold a copy
        else:
            self.transport.write(head)
        if keep:
            if self.timeout_keep_alive_task is not None:
                self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            self.transport.close()

    def _refuse(self, reply: PreparedResponse) -> None:
        """Answer and close, whatever was asked."""
        date = self.server_state.default_headers[0][1]
        self.transport.write(
            b"".join([reply.head, _NOSNIFF_AND_DATE, date, b"\r\n\r\n", reply.body])
        )
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self.pipeline or not cycle.more_body:
                self._refused = True  # after the answer to the earlier request
                return
            if cycle.response_started:
                self.transport.abort()  # a second answer would stand in the middle of the first
                return
            cycle.disconnected = True  # its app waits for a body that can't be parsed
            cycle.message_event.set()
        if self._unfinished > MAX_HEAD:
            self._refuse(TOO_LARGE)
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(PARTING, self.transport.abort)

    def is_idle(self) -> bool:
        """Whether it only waits for its client: nothing is being answered or sent."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        return (
            not answering
            and not self.pipeline
            and not self._rest
            and not self.transport.get_write_buffer_size()
        )

    def give_up(self) -> None:
        self.transport.close()

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
