"""Reads an answer from its socket, up to a limit, and keeps the next answer apart from it.

http.client bounds the length of a line and the number of header lines. It does not bound interim
responses, chunk extensions and trailers, and reads a chunk of size -1 until the connection ends. So
bytes are counted where they come in, below every parser.
"""

import http.client
import io
import socket
import ssl
from contextlib import suppress
from typing import Any

#: Bytes of one answer that are taken from the network: interim responses, head, body with its chunk
#: lines, and trailers together. Heads in use have a few KiB, and of a body 8 KiB are read.
ANSWER_LIMIT = 64 * 2**10


class ResponseTooLargeError(OSError):
    """An answer has more bytes than `ANSWER_LIMIT`. An OSError, as urllib3 passes those on."""


class BoundedResponse(http.client.HTTPResponse):
    """Reads at most `ANSWER_LIMIT` bytes, and takes no interim response for the final one."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._socket = sock
        self._incoming = _Incoming(sock)
        super().__init__(self._incoming, *args, **kwargs)  # type: ignore[arg-type]  # for makefile
        self._last = False  #: True: its connection serves no further request

    def _read_status(self) -> tuple[str, int, str]:
        """The status line; every interim response is a 100, since `begin` skips only these.

        See RFC 9110 §15.2. Except 101: it is an answer to an upgrade, and no other follows it.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, 100 if 102 <= status < 200 else status, reason

    def begin(self) -> None:
        try:
            super().begin()
        except http.client.HTTPException as error:
            if type(error) is http.client.HTTPException:  # more header lines than it reads: 100
                raise ResponseTooLargeError from error
            raise
        coded = "transfer-encoding" in self.headers
        both = coded and (not self.chunked or "content-length" in self.headers)
        # Servers and clients disagree about where these end (RFC 9112 §6.3).
        self._last = both or self.status == 101

    def _close_conn(self) -> None:
        """Called at the end of the answer, and when it is abandoned."""
        self._incoming.over = True
        if self._last or self.fp.peek(1) or _pending(self._socket):
            # Further bytes would be taken for the answer to the next request. The pool tests
            # whether a connection is closed before it reuses it. Not SSLSocket's own shutdown,
            # which drops the TLS state.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        super()._close_conn()  # type: ignore[misc]


def _pending(sock: socket.socket) -> bool:
    """Whether decrypted bytes wait to be read: the socket itself doesn't show them as readable."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


class _Incoming(io.RawIOBase):
    """The bytes of one answer, counted as they come."""

    def __init__(self, sock: socket.socket) -> None:
        self._source = sock.makefile("rb", buffering=0)
        self._left = ANSWER_LIMIT
        self.over = False  #: True: nothing more is read from the network

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.over:
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
