"""Reads a response up to a limit, and never mistakes leftover bytes for the next response.

http.client limits the length of a line. It does not limit interim responses, chunk extensions and
trailers, and reads a chunk of size -1 until the connection ends. So bytes are counted as they
arrive, below every parser. Heads are parsed by `heads`.
"""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from syndicator.model.outbox import Response
from syndicator.outbound.deadlines import Exchange
from syndicator.outbound.failures import (
    INCOMPLETE,
    TOO_LARGE,
    AmbiguousLengthError,
    ResponseTooLargeError,
    is_too_large,
)
from syndicator.outbound.heads import read_headers

#: Bytes of a response's body that are read unless a request asks for more. Challenges and error
#: texts are shorter.
BODY_LIMIT = 8192

#: Digits of a length. Longer ones are no number of bytes, and slow to convert.
LENGTH_DIGITS = 18

#: Characters of a response's headers that are kept. Thousands of responses may wait for their
#: record.
HEADERS_LIMIT = 8192

#: Bytes of one response that are read from the network: interim responses, head, body with its
#: chunk lines, and trailers. Ordinary heads have a few KiB, and 8 KiB of a body are read. A request
#: that asks for a longer body has that much more.
RESPONSE_LIMIT = 64 * 2**10


def headers_of(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their names in lower case, of the lines within `HEADERS_LIMIT`.

    Lines of one name are joined (RFC 9110 §5.3).
    """
    headers: dict[str, str] = {}
    left = HEADERS_LIMIT
    for name, value in lines:
        left -= len(name) + len(value)
        if left < 0:
            break
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def read_response(
    status: int, headers: Mapping[str, str], read: Callable[[], bytes], exchange: Exchange
) -> Response:
    """A response with these headers (names in lower case), and what `read` returns of its body.

    `read` may raise OSError, ValueError and HTTPException.
    """
    if exchange.aborted:  # before its head was complete, so that nothing of it counts
        return Response(status=None, error=INCOMPLETE)
    error = None
    too_large = False
    body = b""
    try:
        body = read()
    except (http.client.HTTPException, OSError, ValueError) as broken:
        too_large = is_too_large(broken)
        error = TOO_LARGE if too_large else INCOMPLETE
    if exchange.aborted:
        error = INCOMPLETE
    return Response(status=status, headers=headers, body=body, error=error, too_large=too_large)


class BoundedResponse(http.client.HTTPResponse):
    """Reads `RESPONSE_LIMIT` bytes at most, and skips all interim responses.

    If more than `BODY_LIMIT` bytes of its body are to be read, the limit is as much higher.
    """

    def __init__(
        self, sock: socket.socket, *args: Any, body_limit: int = BODY_LIMIT, **kwargs: Any
    ) -> None:
        self._socket = sock
        self._incoming = _Incoming(sock, RESPONSE_LIMIT + max(0, body_limit - BODY_LIMIT))
        super().__init__(self._incoming, *args, **kwargs)  # type: ignore[arg-type]  # for makefile
        self._last = False  #: True if its connection must not serve another request

    def begin(self) -> None:
        """Read the head of the final response. Interim ones are skipped (RFC 9110 §15.2).

        101 is final: the response to an upgrade.
        """
        status, interim = 0, True
        while interim:
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
            headers, valid = read_headers(self.fp)
            interim = 100 <= status < 200 and status != 101
        old = version in ("HTTP/1.0", "HTTP/0.9")
        if not old and not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.version = 10 if old else 11
        self.code = self.status = status
        self.reason = reason.strip()
        self.headers = self.msg = headers
        self._frame(valid)

    def _frame(self, valid: bool) -> None:
        """Decide where the body ends (RFC 9112 §6.3). `valid`: each line of the head was a header.

        Implementations disagree about responses with a length and a coding, or with other codings
        than chunked. Such a one is the last of its connection.
        """
        lengths = {
            length.strip()
            for line in self.headers.get_all("content-length", ())
            for length in line.split(",")
        }
        if len(lengths) > 1:
            raise AmbiguousLengthError  # an error unless it is chunked
        coding = self.headers.get("transfer-encoding")
        self.chunked = coding is not None and coding.lower() == "chunked"
        self.chunk_left = None
        both = coding is not None and (not self.chunked or bool(lengths))
        self._last = both or self.status == 101 or not valid
        length = lengths.pop() if lengths and not self.chunked else ""
        is_number = length.isascii() and length.isdigit() and len(length) <= LENGTH_DIGITS
        self.length = int(length) if is_number else None
        if self.status in (204, 304) or self.status < 200:
            self.length = 0
        ends_by_close = not self.chunked and self.length is None
        self.will_close = self._check_close() or ends_by_close  # type: ignore[attr-defined]

    def _close_conn(self) -> None:
        """Called by http.client at the end of the response, and when it is abandoned."""
        self._incoming.ended = True
        if self._last or self.fp.peek(1) or _pending(self._socket):
            # Further bytes would be parsed as the response to the next request. The pool checks
            # whether a connection is closed before reusing it. Not SSLSocket.shutdown: it drops
            # the TLS state.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]


def _pending(sock: socket.socket) -> bool:
    """Whether decrypted bytes are buffered: the socket itself doesn't show them as readable."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


class _Incoming(io.RawIOBase):
    """The bytes of one response, counted as they are read."""

    def __init__(self, sock: socket.socket, limit: int) -> None:
        self._source = sock.makefile("rb", buffering=0)
        self._left = limit
        self.ended = False  #: True: nothing more is read from the network

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The file object that http.client requests from a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.ended:
            return 0
        number = self._source.readinto(buffer)
        self._left -= number or 0
        if self._left < 0:
            raise ResponseTooLargeError
        return number

    def fileno(self) -> int:
        return self._source.fileno()

    def close(self) -> None:
        try:
            self._source.close()
        finally:
            super().close()
