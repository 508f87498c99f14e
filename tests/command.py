"""The real command on a site of its own, and a hub that listens."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import requests

SITE = "title: Example\nurl: https://example.com\n"

#: Long enough for a busy machine, short enough to fail in a test's time.
PATIENCE = 30.0

#: Seconds in which something happens at once, on a machine that is busy too: less than a poll, retry or timeout that
#: would bring it about later (but not than the look for jobs that came due, each 5 s). How fast it is on a free machine
#: is measured by the benchmarks.
AT_ONCE = 8.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(
    found: Callable[[], object], *, seconds: float = PATIENCE, what: str = "what was waited for"
) -> float:
    """Wait until `found` is true; how long that took."""
    begun = time.monotonic()
    while not found():
        assert time.monotonic() < begun + seconds, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - begun


class Command:
    """`syndicator` as the operator types it, in a folder with a site and a config."""

    def __init__(self, root: Path, settings: str = "", *, port: int | None = None) -> None:
        self.root = root
        self.site = root / "site"
        self.feeds = root / "feeds"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.admin_port = free_port()
        self.admin = f"http://127.0.0.1:{self.admin_port}/"
        self.config = root / "config" / "syndicator.toml"
        self.environ = {
            key: value for key, value in os.environ.items() if not key.startswith("SYNDICATOR_")
        }
        (self.site / "_posts").mkdir(parents=True)
        (self.site / "_config.yml").write_text(SITE)
        self.configure(settings)

    def configure(self, settings: str = "", *, poll: str = "30s", port: int | None = None) -> None:
        """Write the config anew. `settings` is TOML for tables that are not here."""
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(
            f'[source]\npath = "../site"\npoll = "{poll}"\n[feeds]\nurl = "{self.url}"\n'
            f'[web]\nlisten = "127.0.0.1:{port or self.port}"\nadmin = "127.0.0.1:{self.admin_port}"\n'
            f"{settings}\n"
        )

    def post(
        self,
        name: str,
        title: str = "A title",
        *,
        categories: str = "News",
        head: str = "",
        text: str = "Text.",
    ) -> Path:
        path = self.site / "_posts" / f"{name}.md"
        whole = f"---\ntitle: {title}\ncategories: [{categories}]\n{head}---\n{text}\n"
        beside = path.with_name(f".{path.name}.part")  # saved as editors save: whole
        beside.write_text(whole)
        beside.rename(path)
        return path

    def arguments(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "syndicator", *words]

    def __call__(
        self, *words: str, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.arguments(*words),
            cwd=self.root,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def feed(self, path: str) -> str:
        try:
            return (self.feeds / path).read_text()
        except FileNotFoundError:
            return ""

    @contextmanager
    def running(
        self, *words: str, environ: Mapping[str, str] | None = None, stderr: int = subprocess.PIPE
    ) -> "Iterator[Daemon]":
        """A daemon that is ready, and that is gone afterwards whatever happens."""
        arguments, whole = self.arguments("run", *words), {**self.environ, **(environ or {})}
        with Daemon(arguments, self.root, whole, stderr) as daemon:
            daemon.line(lambda line: line.startswith("Serving "), daemon.out)
            yield daemon


class Daemon:
    """A process of `syndicator run` and what it says."""

    def __init__(
        self,
        arguments: list[str],
        folder: Path,
        environ: Mapping[str, str],
        stderr: int = subprocess.PIPE,
    ) -> None:
        """`stderr` is where its log goes; it is collected in `err` when it is a pipe of ours."""
        self.process = subprocess.Popen(
            arguments, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE, stderr=stderr
        )
        self.out: list[str] = []
        self.err: list[str] = []
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            if stream is not None:
                threading.Thread(target=_collect, args=(stream, lines), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        if kind is not None:
            sys.stderr.write("".join([*self.out, *self.err]))

    def line(self, wanted: Callable[[str], bool], lines: list[str] | None = None) -> str:
        """The first line that is wanted, of those on stderr unless said otherwise; waits for it."""
        lines = self.err if lines is None else lines

        def found() -> str | None:
            assert self.process.poll() is None or any(map(wanted, lines)), "the daemon has ended"
            return next(filter(wanted, list(lines)), None)

        until(found, what="the line")
        return found() or ""

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait: exit code and seconds."""
        begun = time.monotonic()
        self.send(number)
        return self.process.wait(PATIENCE), time.monotonic() - begun


def _collect(stream: object, lines: list[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.append(line)


@dataclass
class Ping:
    topic: str
    at: float
    body: bytes  #: of the topic, fetched while the ping was answered


@dataclass
class Hub:
    """A hub that fetches each topic it is told of, at once, as hubs do."""

    answer: Callable[[str], int] = lambda topic: 204  #: status for a topic; may take its time
    pings: "queue.SimpleQueue[Ping]" = field(default_factory=queue.SimpleQueue)

    def __enter__(self) -> Self:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                topic = form["hub.url"][0]
                at = time.monotonic()
                status = hub.answer(topic)
                if status < 300:
                    with suppress(requests.ConnectionError):  # whoever pinged was killed
                        hub.pings.put(Ping(topic, at, requests.get(topic, timeout=10).content))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self, seconds: float = PATIENCE) -> Ping:
        return self.pings.get(timeout=seconds)

    def topics(self, number: int, seconds: float = PATIENCE) -> set[str]:
        """The topics of the next so many pings."""
        return {self.next(seconds).topic for _ in range(number)}
