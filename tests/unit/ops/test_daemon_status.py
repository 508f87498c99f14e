"""Asking a daemon for its status."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from syndicator.errors import SyndicatorError
from syndicator.ops.daemon_status import ask


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
