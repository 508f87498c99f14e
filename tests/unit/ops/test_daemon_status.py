"""Asking a daemon for its status."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from syndicator.errors import SyndicatorError
from syndicator.ops import daemon_status
from syndicator.ops.daemon_status import ask
from tests.answering import ENDLESS, HEAD, pouring, serving


@contextmanager
def server(status: int, body: bytes) -> Iterator[str]:
    """A server with one answer, for the path of a status only."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/status" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_status(slash: str) -> None:
    """With or without a slash at the end of the address."""
    with server(200, json.dumps({"concerns": ["x"]}).encode()) as url:
        assert ask(url + slash) == {"concerns": ["x"]}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"Not Found", "is not the operator's address"),
        (400, b"Invalid host header", "is not the operator's address"),
        (200, b"<!doctype html>", "is not the operator's address"),
        (200, b"[]", "is not the operator's address"),
        (200, b"[" * 100_000, "is not the operator's address"),
        (200, b'{"concerns": "x"}', "is not the operator's address"),
        (503, b"the disk is full\n", "the daemon has no status: the disk is full"),
    ],
)
def test_what_is_no_status(status: int, body: bytes, message: str) -> None:
    """Another server, another path, a host name that is not accepted, or a state in trouble."""
    with server(status, body) as url, pytest.raises(SyndicatorError, match=message):
        ask(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "127.0.0.1:8081", "ftp://x/", "http://[", "http://x:y/", ""]
)
def test_no_daemon(url: str) -> None:
    """Nothing listens there, or it is not an address."""
    with pytest.raises(SyndicatorError, match="no daemon answers at"):
        ask(url)


def dripping(begin: bytes, more: bytes) -> Callable[[socket.socket], None]:
    """Send `begin`, and `more` each tenth of a second until the client closes."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            time.sleep(0.1)
            connection.sendall(more)

    return drip


@pytest.mark.parametrize(
    "answer",
    [
        *(pouring(*endless) for endless in ENDLESS.values()),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(b"HTTP/1.1 200 ", b"x"),
        dripping(HEAD, b"X-Y: z\r\n"),
        dripping(HEAD + b"\r\n", b" "),
    ],
    ids=[*ENDLESS, "drips 100 Continue", "drips a status line", "drips headers", "drips a body"],
)
def test_an_endless_response(
    answer: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after a time, whatever the server sends meanwhile."""
    monkeypatch.setattr(daemon_status, "_TIMEOUT", 1.0)
    begin = time.monotonic()
    with serving(answer) as server, pytest.raises(SyndicatorError, match="no daemon ans") as raised:
        ask(server.url)
    assert time.monotonic() - begin < 5
    assert len(str(raised.value)) < 200
    assert raised.value.hint is not None


def test_a_late_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says for how long it waited, and what to look at."""
    monkeypatch.setattr(daemon_status, "_TIMEOUT", 0.5)
    with serving(lambda _: time.sleep(3)) as server, pytest.raises(SyndicatorError) as raised:
        ask(server.url)
    assert str(raised.value).startswith(f"no daemon answers at {server.url}: ")
    assert raised.value.hint is not None
    assert "see whether the daemon still runs" in raised.value.hint


def test_not_http() -> None:
    """Its text is not shown: it may be long, and have control characters."""
    with (
        serving(b"\x1b[31mSSH-2.0" + b"z" * 30_000 + b"\r\n\r\n") as server,
        pytest.raises(SyndicatorError, match=r"its response is not HTTP$"),
    ):
        ask(server.url)
