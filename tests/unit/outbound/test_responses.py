"""Hostile responses: how much of them is read, and what remains for the next request."""

import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from answering import (
    CHUNKED,
    ENDLESS,
    HEAD,
    HEADLESS,
    LOOPBACK,
    OK,
    a_client,
    certified,
    get,
    pouring,
    serving,
)
from command import AT_ONCE
from msgspec.structs import replace

from syndicator.outbound.responses import BODY_LIMIT, HEADERS_LIMIT, RESPONSE_LIMIT

TOO_LARGE = "refused: its response is too large"

#: A response that would end a subscription if it were parsed as the one to a delivery.
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"


def head(size: int) -> bytes:
    """A response whose head, in lines of 8 KiB, has this size; with a body of two bytes."""
    begin, end = HEAD + b"Content-Length: 2\r\n", b"\r\n"
    lines, left = b"", size - len(begin + end)
    while left:
        length = left if left <= 8192 else 4096
        lines += b"X: " + b"y" * (length - 5) + b"\r\n"
        left -= length
    return begin + lines + end + b"ok"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def tls(folder: Path) -> ssl.SSLContext:
    return certified(folder)


@pytest.fixture
def trusted(tls: ssl.SSLContext, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make clients trust the certificate of `tls`."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(folder / "cert.pem"))
    monkeypatch.setattr("certifi.where", lambda: str(folder / "cert.pem"))


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_response_is_refused(kind: str, stranger: bool) -> None:
    """Whichever part is endless: it is refused after 64 KiB, and takes no further time."""
    with serving(pouring(*ENDLESS[kind])) as server, a_client(timeout=20, allow=LOOPBACK) as client:
        before, began = time.thread_time(), time.monotonic()
        answer = client.send(get(server.url, stranger))
        assert time.thread_time() - before < 0.2
        assert time.monotonic() - began < AT_ONCE
        assert len(server.requests) == 1
    assert (answer.error, answer.too_large, answer.peer) == (TOO_LARGE, True, "127.0.0.1")
    assert (answer.status, answer.refused) == ((None, True) if kind in HEADLESS else (200, False))
    assert len(answer.body) <= BODY_LIMIT


def test_an_endless_response_on_a_kept_connection_is_not_retried(stranger: bool) -> None:
    """Only a request on a kept connection that was closed is retried."""
    behaviour = iter([lambda to: to.sendall(OK), pouring(*ENDLESS["header lines"])])
    with (
        serving(lambda connection: next(behaviour)(connection)) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        answers = [client.send(get(server.url, stranger)) for _ in range(2)]
        assert [answer.error for answer in answers] == [None, TOO_LARGE]
        assert (len(server.requests), server.connections) == (2, 1)


def test_the_limit_is_for_the_whole_response(stranger: bool) -> None:
    """64 KiB are read, one byte more isn't. Interim responses and trailers count."""
    trailer = b"X: " + b"y" * 30_000 + b"\r\n"
    chunked = (
        HEAD + b"X: " + b"y" * 30_000 + b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    )
    interim = b"HTTP/1.1 103 Early Hints\r\n" + b"X: " + b"y" * 30_000 + b"\r\n\r\n"
    for answer, fits in (
        (head(RESPONSE_LIMIT - 2), True),
        (head(RESPONSE_LIMIT - 1), False),
        (chunked + trailer + b"\r\n", True),
        (chunked + trailer * 2 + b"\r\n", False),
        (interim + OK, True),
        (interim * 3 + OK, False),
    ):
        with serving(answer) as server, a_client(allow=LOOPBACK) as client:
            response = client.send(get(server.url, stranger))
            assert (response.error, response.too_large) == (
                (None, False) if fits else (TOO_LARGE, True)
            )


def test_a_body_in_chunks_of_one_byte_is_read(stranger: bool) -> None:
    """They are unusual and allowed: a body of 8 KiB in such chunks is below the limit."""
    answer = CHUNKED + b"1\r\nx\r\n" * BODY_LIMIT + b"0\r\n\r\n"
    with serving(answer) as server, a_client(allow=LOOPBACK) as client:
        response = client.send(get(server.url, stranger))
    assert (response.status, response.body, response.error) == (200, b"x" * BODY_LIMIT, None)


def test_a_request_may_ask_for_a_longer_body(stranger: bool) -> None:
    """That much of it is read, in chunks or not, also on a connection that others used."""
    body = b"x" * 300_000
    chunked = CHUNKED + b"".join(b"3e8\r\n" + body[:1000] + b"\r\n" for _ in range(300))
    whole = HEAD + b"Content-Length: 300000\r\n\r\n" + body
    answers = iter([OK, whole, chunked + b"0\r\n\r\n", whole, OK])
    with (
        serving(lambda to: to.sendall(next(answers))) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        sizes = [
            len(client.send(replace(get(server.url, stranger), body_limit=limit)).body)
            for limit in (None, 300_000, 300_000, 200_000, None)
        ]
    assert sizes == [2, 300_000, 300_000, 200_000, 2]
    for kind in ("header lines", "chunk extensions", "trailers"):
        with (
            serving(pouring(*ENDLESS[kind])) as server,
            a_client(timeout=20, allow=LOOPBACK) as client,
        ):
            answer = client.send(replace(get(server.url, stranger), body_limit=300_000))
        assert (answer.error, answer.too_large) == (TOO_LARGE, True)


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_responses_are_skipped(status: int, stranger: bool) -> None:
    """RFC 9110 §15.2: there may be any number of them before the final one."""
    interim = b"HTTP/1.1 %d Soon\r\nLink: </a>; rel=preload\r\n\r\n" % status
    with serving(interim * 3 + OK) as server, a_client(allow=LOOPBACK) as client:
        answers = [client.send(get(server.url, stranger)) for _ in range(3)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"ok")] * 3


@pytest.mark.parametrize(
    "answer",
    [
        OK + GONE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + GONE,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n" + GONE,
        b"HTTP/1.1 304 Not Modified\r\n\r\n" + GONE,
        CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + GONE,
        HEAD
        + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        + GONE,
        HEAD
        + b"Content-Length: 2\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        + GONE,
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n0\r\n\r\n" + GONE,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + GONE,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok" + GONE,
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok" + GONE,
        head(8190) + GONE,  # with TLS the rest is decrypted by then, no longer in the socket
    ],
)
@pytest.mark.parametrize("secured", [False, True])
def test_bytes_after_a_response_are_not_the_next_response(
    answer: bytes, secured: bool, tls: ssl.SSLContext, trusted: None, stranger: bool
) -> None:
    """They end the connection, so that the next request gets its own response."""
    replies = iter([answer, OK.replace(b"ok", b"it")])
    with (
        serving(lambda to: to.sendall(next(replies)), tls if secured else None) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        url = f"https://localhost:{server.port}" if secured else server.url
        first, second = (client.send(get(url, stranger)) for _ in range(2))
        assert first.error is None
        assert (second.status, second.body, second.error) == (200, b"it", None)
        assert (len(server.requests), server.connections) == (2, 2)


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_a_response_with_an_ambiguous_end_closes_its_connection(
    answer: bytes, stranger: bool
) -> None:
    """RFC 9112 §6.3: its length is given in two ways, or another protocol follows."""
    with serving(answer) as server, a_client(allow=LOOPBACK) as client:
        assert [client.send(get(server.url, stranger)).error for _ in range(2)] == [None, None]
        assert server.connections == 2


def test_late_bytes_are_not_the_next_response(stranger: bool) -> None:
    """Bytes may also arrive while the connection is idle."""
    sent = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(OK)
        if server.connections == 1:
            time.sleep(0.05)  # the response is read by then, or these bytes follow it at once
            connection.sendall(GONE)
            sent.set()

    with serving(answer) as server, a_client(allow=LOOPBACK) as client:
        assert client.send(get(server.url, stranger)).status == 200
        assert sent.wait(5)
        assert client.send(get(server.url, stranger)).status == 200
        assert server.connections == 2


@pytest.mark.parametrize("secured", [False, True])
def test_an_ordinary_response_keeps_its_connection(
    secured: bool, tls: ssl.SSLContext, trusted: None, stranger: bool
) -> None:
    """A response read to its end, with nothing after it, keeps the connection for the next."""
    with serving(OK, tls if secured else None) as server, a_client(allow=LOOPBACK) as client:
        url = f"https://localhost:{server.port}" if secured else server.url
        answers = [client.send(get(url, stranger)) for _ in range(5)]
        assert {(answer.status, answer.body) for answer in answers} == {(200, b"ok")}
        assert (len(server.requests), server.connections) == (5, 1)


def test_two_different_lengths_are_an_error(stranger: bool) -> None:
    """RFC 9112 §6.3: the response is invalid, and its connection is closed."""
    lengths = HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\nok" + GONE
    replies = iter([lengths, OK])
    with (
        serving(lambda to: to.sendall(next(replies))) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        first, second = (client.send(get(server.url, stranger)) for _ in range(2))
    assert (first.status, first.error) == (None, "its response is not HTTP")
    assert (second.status, server.connections) == (200, 2)


def test_the_first_headers_are_kept(stranger: bool) -> None:
    """Thousands of responses may wait until they are recorded."""
    lines = b"Retry-After: 7\r\n" + b"X: " + b"y" * HEADERS_LIMIT + b"\r\nContent-Length: 2\r\n"
    with serving(HEAD + lines + b"\r\nok") as server, a_client(allow=LOOPBACK) as client:
        response = client.send(get(server.url, stranger))
    assert (response.headers, response.body) == ({"retry-after": "7"}, b"ok")


def test_http_0_9_is_an_error(stranger: bool) -> None:
    """A body without a head may come from a server of another protocol."""
    with serving(b"ok") as server, a_client(allow=LOOPBACK) as client:
        server.answer = lambda to: (to.sendall(b"ok\r\n"), to.shutdown(socket.SHUT_WR))[0]
        answer = client.send(get(server.url, stranger))
    assert (answer.status, answer.error) == (None, "its response is not HTTP")


#: Parts of heads and bodies that parsers stumble over.
PARTS = [
    *[b"HTTP/1.1 200 OK", b"HTTP/1.1 100 Continue", b"HTTP/1.1 999 \xff", b"HTTP/2 200"],
    *[b"HTTP/1.1 -1", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b",", b"\0"],
    *[b"\xff\xfe", b"x" * 300],
    *[b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 1e9", b"Content-Length: 5, 5"],
    *[b"Content-Length: " + b"9" * 5000, b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"],
    *[b"Content-Type: multipart/mixed; boundary=a", b"Content-Type: message/rfc822", b"--a"],
    *[b"Connection: keep-alive", b"Connection: close", b"Location: //[", b"Date: Mon, 99"],
    *[b"X : y", b"Content-Type: text/plain; charset*=x'y'%zz", b"=?utf-8?q?=ff?=", b" folded"],
    *[b"5", b"-1", b"0", b"ffffffffffffffffffff", b"0x5", b"5_0", b"+5", b"Content-Encoding: gzip"],
]


def test_no_response_raises(stranger: bool) -> None:
    """Random heads and bodies of difficult parts: each results in a `Response`."""
    draw = random.Random(15)
    reply = b""

    def answer(connection: socket.socket) -> None:
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)

    with serving(answer) as server, a_client(timeout=5, allow=LOOPBACK) as client:
        for _ in range(400):
            begin = draw.choice([b"", HEAD, HEAD, HEAD, CHUNKED])
            reply = begin + b"".join(
                draw.choice(PARTS) + draw.choice([b"\r\n", b"\r\n", b"", b": "])
                for _ in range(draw.randrange(12))
            )
            response = client.send(get(server.url, stranger))
            assert response.status is not None or response.error


def test_invalid_responses_are_not_logged(caplog: pytest.LogCaptureFixture, stranger: bool) -> None:
    """urllib3 would log a warning with the callback's URL and its token."""
    with serving(HEAD + b"no header\r\n\r\n") as server, a_client(allow=LOOPBACK) as client:
        server.answer = closing(HEAD + b"no header\r\nContent-Length: 2\r\n\r\nok")
        client.send(get(f"{server.url}/cb?token=hush", stranger))
        server.answer = closing(
            HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        client.send(get(f"{server.url}/cb?token=hush", stranger))
    assert caplog.records == []


def closing(answer: bytes) -> Callable[[socket.socket], None]:
    """Send a response and close the connection."""

    def send(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    return send


def test_the_peer_is_the_address_of_the_connection() -> None:
    """Of a new connection and of a kept one; None without a connection."""
    with serving(OK) as server, a_client(allow=("127.0.0.1/32",)) as client:
        url = f"http://localhost:{server.port}"
        peers = [client.send(get(url, stranger)).peer for stranger in (False, False, True, True)]
        assert (peers, server.connections) == (["127.0.0.1"] * 4, 2)
        assert client.send(get(f"http://127.0.0.2:{server.port}", stranger=True)).peer is None
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        assert client.send(get(f"http://127.0.0.1:{port}")).peer is None


def test_the_peer_of_a_failed_request_is_known(stranger: bool) -> None:
    """A subscriber that closes the connection was connected."""
    with (
        serving(lambda to: to.shutdown(socket.SHUT_RDWR)) as server,
        a_client(allow=LOOPBACK) as client,
    ):
        answer = client.send(get(server.url, stranger))
    assert (answer.status, answer.peer) == (None, "127.0.0.1")
