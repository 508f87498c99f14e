"""An answer as it comes in from the socket: bounded as a whole, and alone on its connection.

http.client bounds a line of a head, and the number of its lines, but not interim responses, chunk
extensions or trailers, and it reads a chunk of size -1 to the end of the connection. So bytes are counted
where they come in, below every parser.
"""

import http.client
import io
import socket
import ssl
from contextlib import suppress
from typing import Any

#: Bytes of one answer that are taken from the network: interim responses, head, body with its chunk
#: lines, and trailers together. Heads in use have a few KiB, servers send 32 KiB at most by default.
ANSWER_LIMIT = 64 * 2**10


class AnswerTooLargeError(OSError):
    """An answer has more bytes than `ANSWER_LIMIT`. An OSError, as urllib3 passes those on."""


class BoundedAnswer(http.client.HTTPResponse):
    """Reads at most `ANSWER_LIMIT` bytes, and no interim response instead of the final one."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._socket = sock
        self._incoming = _Incoming(sock)
        super().__init__(self._incoming, *args, **kwargs)  # type: ignore[arg-type]  # for makefile
        self._last = False  #: True: its connection serves no further request

    def _read_status(self) -> tuple[str, int, str]:
        """The status line. `begin` skips a 100; so it skips every interim response (RFC 9110 §15.2).

        Except 101: nothing asked for another protocol, and no further answer follows it.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, 100 if 102 <= status < 200 else status, reason

    def begin(self) -> None:
        try:
            super().begin()
        except http.client.HTTPException as error:
            if type(error) is http.client.HTTPException:  # more header lines than it reads: 100
                raise AnswerTooLargeError from error
            raise
        coded = "transfer-encoding" in self.headers
        both = coded and (not self.chunked or "content-length" in self.headers)
        # Where these end is a matter of opinion (RFC 9112 §6.3).
        self._last = both or self.status == 101

    def _close_conn(self) -> None:
        """Called when it was read whole, and when it is read no further."""
        self._incoming.over = True
        if self._last or self.fp.peek(1) or _pending(self._socket):
            # What came after it would be taken for the answer to the next request. The pool looks
            # whether a connection was closed before it gives one out again, so closing is enough.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past SSLSocket's: see watch
        super()._close_conn()  # type: ignore[misc]


def _pending(sock: socket.socket) -> bool:
    """Whether bytes were decrypted that nobody has read: the socket itself shows nothing of them."""
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
            raise AnswerTooLargeError
        return number

    def fileno(self) -> int:
        return self._source.fileno()

    def close(self) -> None:
        try:
            self._source.close()
        finally:
            super().close()
