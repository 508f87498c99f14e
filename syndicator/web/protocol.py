"""uvicorn's httptools protocol with bounds on a client's memory and time (`connection_limits`).

httptools is about four times as fast as h11 here (`make bench`). It limits neither the size nor
the number of headers, nor how long a request takes to arrive or a response to be read.
"""

from asyncio import TimerHandle, Transport
from math import inf
from socket import AF_UNIX
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from syndicator.web.catalogue import FeedCatalogue
from syndicator.web.client_shares import ClientShares
from syndicator.web.connection_limits import (
    MAX_HEAD,
    MAX_HEADERS,
    STOP_TIMEOUT,
    ConnectionLimits,
)
from syndicator.web.one_at_a_time import SerialProtocol
from syndicator.web.prepared_responses import TOO_LARGE, TOO_MANY, Headers, PreparedResponse
from syndicator.web.proxies import FORWARDED, UNIX_PEER
from syndicator.web.request_head import CHECKED, origin_form, refusal

#: In every response, so that no browser treats a feed as a page or a script.
NOSNIFF = ("x-content-type-options", "nosniff")

_NOSNIFF_AND_DATE = b"x-content-type-options: nosniff\r\ndate: "

#: uvicorn's own text.
_INVALID = "Invalid HTTP request received."


class BoundedProtocol(SerialProtocol):
    """Refuses heads that are too large (431), and drops clients that send or read nothing."""

    _unfinished = 0  # bytes received since the parser last completed something
    _arrival: TimerHandle | None = None  # closes the connection at the request timeout
    _stall: TimerHandle | None = None  # checks whether the client reads
    _answering: RequestResponseCycle | None = None
    _reply: PreparedResponse | None = None  # from the catalogue, for the arriving request
    _method = ""  # of that request
    _checked: Headers  # of that request, the headers named in CHECKED
    _valid_host: Headers | None = None  # the last `_checked` that was a valid Host alone
    _client: str | None = None  # as counted by `shares`; None: refused

    def __init__(
        self, *args: Any, shares: ClientShares, limits: ConnectionLimits, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._shares = shares
        self._limits = limits

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if transport.get_extra_info("socket").family == AF_UNIX:
            self.client = (UNIX_PEER, 0)
        # Each connection uses a file descriptor that a build may need.
        if len(self.connections) < (self.limit_concurrency or inf):
            self._client = self._shares.join(self, self._peer(), self.app.proxies)
        if self._client is None:
            self.connections.discard(self)  # uvicorn answers 503 to all while this set is too big
            self._refuse(TOO_MANY)
            return
        self._arrival = self.loop.call_later(self._limits.request_timeout, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn marks only the newest pipelined request as disconnected. The one being answered
        # would fail with a traceback.
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
            pass  # the upgrade is ignored (RFC 9110 §7.8)
        except HttpParserError:
            self.send_400_response(_INVALID)
            return
        if self._unfinished > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("")
        elif (self._arriving or self._unfinished) and self._arrival is None:
            # Empty lines count too: they must not keep a connection open.
            self._arrival = self.loop.call_later(self._limits.request_timeout, self.transport.close)

    def _keep(self, data: bytes, at: int) -> None:
        super()._keep(data, at)
        if self._arrival is not None and self._must_wait():  # the delay is ours, not the client's
            self._arrival.cancel()
            self._arrival = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refused and not self.transport.is_closing():
            self.send_400_response(_INVALID)

    def on_message_begin(self) -> None:
        self._arriving = True
        self._checked = []
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in CHECKED:
            self._checked.append((name, value))
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or (
            self._unfinished > MAX_HEAD and self._head_size() > MAX_HEAD
        ):
            self._unfinished = MAX_HEAD + 1
            raise ValueError("the head is too large")  # send_400_response answers
        self._unfinished = 0
        self.app = self.config.loaded_app  # a reload replaces the app, not the connections
        if self._checked != self._valid_host or self.url[:1] != b"/":
            self._check_head(self._checked)
        self._reply = self._look_up() if self._is_free() else None
        if self._reply is None:
            self._make_scope()
            super().on_headers_complete()
        # httptools reports trailers as headers: keep them out (RFC 9110 §6.5.1).
        self.headers = []

    def _make_scope(self) -> None:
        """Make the ASGI scope, as uvicorn does when a request begins.

        Responses from the catalogue don't need one.
        """
        url, headers = self.url, self.headers
        expect = self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers = headers
        self.expect_100_continue = expect
        self.scope["headers"] = headers

    def _check_head(self, checked: Headers) -> None:
        """Check a head that differs from the last valid one.

        Raises ValueError if it is refused; that ends the parsing, and the answer is 400.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if (reason := refusal(method, version, checked, self.headers)) is not None:
            raise ValueError(reason)
        self.url = origin_form(self.url)
        if any(name in FORWARDED for name, _ in checked):
            self.app.proxies.report_if_untrusted(self._peer())
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in checked
        )
        if len(checked) == 1 and checked[0][0] == b"host":
            self._valid_host = checked.copy()  # trailers are added to the list

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
        """Whether a response may be written now: none is under way, and the client keeps up."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self.transport.get_write_buffer_size() < HIGH_WATER_LIMIT

    def _look_up(self) -> PreparedResponse | None:
        path = self.url.partition(b"?")[0]
        if b"%" in path or not path.isascii():
            return None  # uvicorn decodes or refuses it
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
        if self._method != "HEAD" and (body := reply.content()):
            # Not joined: each slow client would keep a copy in memory.
            self.transport.writelines([head, body])
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
        """Send a response and close, without regard to the request."""
        date = self.server_state.default_headers[0][1]
        self.transport.write(
            b"".join([reply.head, _NOSNIFF_AND_DATE, date, b"\r\n\r\n", reply.content()])
        )
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self.pipeline or not cycle.more_body:
                self._refused = True  # sent after the response to the earlier request
                return
            if cycle.response_started:
                self.transport.abort()  # the 400 would end up inside the unfinished response
                return
            cycle.disconnected = True  # the app is waiting for a body that can't be parsed
            cycle.message_event.set()
        if self._unfinished > MAX_HEAD:
            self._refuse(TOO_LARGE)
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(STOP_TIMEOUT, self.transport.abort)

    def is_idle(self) -> bool:
        """Whether it waits for its client: no response is being made or sent."""
        return not self._is_answering() and not self.transport.get_write_buffer_size()

    def close(self) -> None:
        self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._check_progress()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall is not None:
            # The buffer was emptied since the last check: it now holds another response.
            self._stall.cancel()
            self._stall = None
        self._check_progress()

    def _check_progress(self, before: int | None = None) -> None:
        """Drop a client that has read nothing since the last check, and schedule the next one.

        `before` has the bytes that were unsent at the last check; None: there was none.
        """
        if before is None and self._stall is not None:
            return
        unsent = self.transport.get_write_buffer_size()
        if before is not None and unsent >= before:
            self.transport.abort()
        self._stall = (
            self.loop.call_later(self._limits.stall_timeout, self._check_progress, unsent)
            if unsent
            else None
        )

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
