"""The header lines of a response."""

import http.client
import io
import time

import pytest
from answering import HEAD, LOOPBACK, a_client, get, serving

from syndicator.outbound.failures import ResponseTooLargeError
from syndicator.outbound.heads import LINES, read_headers

#: Multiparts nested 300 deep in one header line, between bare CRs, and 40,000 empty lines: the
#: email package takes seconds for it.
BOMB = (
    HEAD
    + b"X: y\r"
    + b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\r--%d\r" % (n, n) for n in range(300))
    + b"\r" * 40_000
    + b"\r\nContent-Length: 2\r\n\r\nok"
)


@pytest.mark.parametrize(
    ("lines", "headers", "valid"),
    [
        (b"A: 1\r\nb:2\r\n\r\n", {"A": "1", "b": "2"}, True),
        (b"A: \t1 \t\nB:\n\n", {"A": "1", "B": ""}, True),
        (b"A: 1\r\n 2\r\n\t3\r\n\r\n", {"A": "1 2 3"}, True),
        (b"A: 1\r2\r\n\r\n", {"A": "1 2"}, True),
        (b"A: \xe9\r\n\r\n", {"A": "\xe9"}, True),
        (b"A : 1\r\nB\r\nC: 3\r\n\r\n", {"C": "3"}, False),
        (b" A: 1\r\nB: 2\r\n\r\n", {"B": "2"}, False),
        (b"A\rB: 1\r\n\xe9: 2\r\n: 3\r\n\r\n", {}, False),
    ],
)
def test_header_lines(lines: bytes, headers: dict[str, str], valid: bool) -> None:
    """RFC 9112 §5, §5.2 and §2.2: names, folded lines and a bare CR."""
    message, well_formed = read_headers(io.BytesIO(lines))
    assert (dict(message.items()), well_formed) == (headers, valid)


def test_a_head_has_a_last_line_and_a_limit() -> None:
    """A head that ends early is none, and so is one with too many lines."""
    for early in (b"", b"A: 1", b"A: 1\r\n", b"A: 1\r\n\r"):
        with pytest.raises(http.client.IncompleteRead):
            read_headers(io.BytesIO(early))
    assert len(read_headers(io.BytesIO(b"A: 1\r\n" * LINES + b"\r\n"))[0]) == LINES
    with pytest.raises(ResponseTooLargeError):
        read_headers(io.BytesIO(b"A: 1\r\n" * (LINES + 1) + b"\r\n"))


def test_headers_are_not_parsed_as_a_message(stranger: bool) -> None:
    """A bare CR ends no line, and a Content-Type has no effect."""
    with serving(BOMB) as server, a_client(timeout=20, allow=LOOPBACK) as client:
        client.send(get(f"{server.url}/warm", stranger))
        before = time.thread_time()
        response = client.send(get(server.url, stranger))
        assert time.thread_time() - before < 0.2
    assert (response.status, response.body, response.error) == (200, b"ok", None)


def test_a_head_that_ends_early_is_no_response(stranger: bool) -> None:
    """Its status does not count, as it may be cut off."""
    with (
        serving(lambda to: (to.sendall(b"HTTP/1.1 410 Gone\r\nA: 1\r\n"), to.close())[0]) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        response = client.send(get(server.url, stranger))
    assert (response.status, response.error) == (None, "the response ended early")
