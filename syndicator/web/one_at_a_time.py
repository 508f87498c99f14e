"""uvicorn's httptools protocol, parsing one pipelined request at a time.

uvicorn parses everything that a client sends, and each request that waits for its response takes
about 3 kB. Here at most one waits: the data of further ones stays unparsed, and reading stops.
"""

from asyncio import Handle, Transport

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: The end of a head or of a chunked body. llhttp, the parser of httptools, accepts nothing else.
_EMPTY_LINE = b"\r\n\r\n"


class HeldFlow(FlowControl):
    """uvicorn's flow control with a hold on reading that uvicorn doesn't end.

    uvicorn resumes reading whenever an app reads a body or a response is complete, even when
    received data is not parsed yet.
    """

    _held = False

    def hold(self) -> None:
        """Stop reading until `release`."""
        if not self._held:
            self._held = True
            if not self.read_paused:
                self._transport.pause_reading()

    def release(self) -> None:
        if self._held:
            self._held = False
            if not self.read_paused:
                self._transport.resume_reading()

    def pause_reading(self) -> None:
        if self._held:
            self.read_paused = True
        else:
            super().pause_reading()

    def resume_reading(self) -> None:
        if self._held:
            self.read_paused = False
        else:
            super().resume_reading()


class SerialProtocol(HttpToolsProtocol):
    """Gives the parser one head at a time. A subclass parses (`_feed`) and keeps `_arriving`."""

    flow: HeldFlow
    _arriving = True  # a request has begun, or the first one of a connection is expected
    _refused = False  # a request after the one being answered can't be parsed
    _rest = b""  # received data, not parsed yet from `_at` on
    _at = 0
    _next: Handle | None = None
    _ended = False  # the client sends nothing more

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = HeldFlow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._rest = b""

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open: for a client that ends its side, until it is answered.

        uvicorn closes it. What the client has not sent to its end is not answered.
        """
        self._ended = True
        return self._is_answering()

    def _is_answering(self) -> bool:
        """Whether a request that has arrived, or may have, is not answered yet."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        return bool(answering or self.pipeline or self._rest)

    def _close_if_ended(self) -> None:
        if self._ended and not self._refused and not self._is_answering():
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._rest:  # received before the hold took effect
            self._rest += data
        elif self._must_wait():
            self._keep(data, 0)
        elif 0 <= data.find(_EMPTY_LINE) < len(data) - len(_EMPTY_LINE):
            self._parse(data, 0)
        else:
            self._feed(data)

    def _must_wait(self) -> bool:
        """Whether a request must be answered before more is parsed."""
        if self.pipeline or self._refused:
            return True
        return not self._arriving and self.cycle is not None and not self.cycle.response_complete

    def _keep(self, data: bytes, at: int) -> None:
        self._rest, self._at = data, at
        self.flow.hold()

    def _parse(self, data: bytes, at: int) -> None:
        """Parse up to the next end of a head, and keep the rest: it may have many requests."""
        end = data.find(_EMPTY_LINE, at) + len(_EMPTY_LINE)
        if len(_EMPTY_LINE) <= end < len(data):
            self._keep(data, end)
            piece = data[at:end]
        else:
            self._rest = b""
            self.flow.release()
            piece = data[at:]
        self._feed(piece)
        if self._rest:
            self._parse_soon()

    def _parse_soon(self) -> None:
        """Parse the rest after other connections had their turn."""
        if self._next is None:
            self._next = self.loop.call_soon(self._parse_rest)

    def _parse_rest(self) -> None:
        self._next = None
        if self._rest and not self.transport.is_closing():
            if self._must_wait():
                self._keep(self._rest, self._at)
            else:
                self._parse(self._rest, self._at)
            self._close_if_ended()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._rest:
            self._parse_soon()
        self._close_if_ended()

    def _feed(self, piece: bytes) -> None:
        raise NotImplementedError
