"""A server of a site's pages, which are live when a test says so."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Page:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


NOT_FOUND = Page(404)


@dataclass
class PageServer:
    """Answers with `pages` by path, else with `default`, after `delay` seconds."""

    pages: dict[str, Page] = field(default_factory=dict)
    default: Page = NOT_FOUND
    delay: float = 0.0
    requests: list[tuple[str, str]] = field(default_factory=list)  #: method and path
    at_once: int = 0  #: the most requests that were under way at a time

    def __enter__(self) -> Self:
        server = self
        lock = threading.Lock()
        under_way = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                nonlocal under_way
                with lock:
                    under_way += 1
                    server.at_once = max(server.at_once, under_way)
                    server.requests.append((self.command, self.path))
                time.sleep(server.delay)
                page = server.pages.get(self.path, server.default)
                with lock:
                    under_way -= 1
                self.send_response(page.status)
                for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(page.body)

            do_GET = do_HEAD = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self) -> list[str]:
        """The paths that were asked for since the last call."""
        taken, self.requests[:] = [path for _, path in self.requests], []
        return taken
