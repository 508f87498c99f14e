"""Reads the header lines of a response.

http.client has the email package parse them, which takes each bare CR for the end of a line and
parses what follows as a MIME message: a head of 55 KB of nested multiparts takes seconds.
"""

import http.client
import re
from typing import Protocol

from syndicator.outbound.failures import ResponseTooLargeError

#: Header lines of a response. Ordinary ones have twenty.
LINES = 100

#: Bytes of a header line, as http.client has it.
LINE_LIMIT = 65_536

#: A name, and its value (RFC 9112 §5): whitespace between name and colon is not allowed.
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.DOTALL)


class LineReader(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def read_headers(lines: LineReader) -> tuple[http.client.HTTPMessage, bool]:
    """The headers up to the empty line, and whether each line was one.

    Lines that are not headers are skipped. A bare CR becomes a space (RFC 9112 §2.2), as does the
    break of a folded line (§5.2). Raises ResponseTooLargeError for more than `LINES`,
    IncompleteRead if the connection ends before the empty line, and LineTooLong.
    """
    found: list[tuple[bytes, bytes]] = []
    valid = True
    for _ in range(LINES + 1):
        line = lines.readline(LINE_LIMIT + 1)
        if len(line) > LINE_LIMIT:
            raise http.client.LineTooLong("header line")
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        line = line.removesuffix(b"\n").removesuffix(b"\r").replace(b"\r", b" ")
        if not line:
            return _message(found), valid
        if line[:1] in b" \t" and found:
            name, value = found.pop()
            found.append((name, value + b" " + line.strip(b" \t")))
        elif header := _HEADER.fullmatch(line):
            found.append((header[1], header[2].strip(b" \t")))
        else:
            valid = False
    raise ResponseTooLargeError


def _message(headers: list[tuple[bytes, bytes]]) -> http.client.HTTPMessage:
    """The type that urllib3 needs. Names and values are decoded as http.client does."""
    message = http.client.HTTPMessage()
    for name, value in headers:
        message[name.decode("ascii")] = value.decode("iso-8859-1")
    return message
