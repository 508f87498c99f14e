"""The real command with its own site and config, and a hub that receives its pings."""

import itertools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

import requests

from syndicator import config
from syndicator.model.report import Report
from syndicator.service import Service

SITE = "title: Example\nurl: https://example.com\n"

#: Seconds that a test waits: enough for a busy machine.
PATIENCE = 60.0

#: Seconds within which something happens without waiting for a poll, retry or timeout, also on a
#: busy machine. Longer than the interval of 5 s at which due jobs are looked up. The benchmarks
#: measure the speed on a free machine.
AT_ONCE = 8.0


#: Ports below those that the system gives to clients: this many for each worker of pytest-xdist.
FIRST_PORT = 20_000
PORTS_PER_WORKER = 1_000


def _own_ports() -> Iterator[int]:
    """The ports of this worker, again and again.

    They begin at a place that depends on the process, so that two test runs at once rarely meet.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in itertools.count(os.getpid() * 97):
        yield FIRST_PORT + worker * PORTS_PER_WORKER + number % PORTS_PER_WORKER


_ports = _own_ports()


def free_port() -> int:
    """A port that nothing listens on. No other worker, client or recent call gets it."""
    for port in itertools.islice(_ports, PORTS_PER_WORKER):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("all ports of this worker are in use")


def until(
    condition: Callable[[], object], *, seconds: float = PATIENCE, what: str = "the condition"
) -> float:
    """Wait until `condition()` is true, and return the seconds that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - started


class Command:
    """`syndicator` as an operator runs it, in a folder with a site and a config."""

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
        """Write the config. `settings` is TOML for tables that are not written here.

        Each change is announced at once, unless `settings` has a pace: tests make many in a second.
        """
        if "\npace = " not in settings:
            rest = settings if "[push]\n" in settings else f"{settings}\n[push]\n"
            settings = rest.replace("[push]\n", '[push]\npace = "0s"\n')
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(
            f'[source]\npath = "../site"\npoll = "{poll}"\n[feeds]\nurl = "{self.url}"\n'
            f'[web]\nlisten = "127.0.0.1:{port or self.port}"\n'
            f'admin = "127.0.0.1:{self.admin_port}"\n'
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
        content = f"---\ntitle: {title}\ncategories: [{categories}]\n{head}---\n{text}\n"
        temporary = path.with_name(f".{path.name}.part")  # editors save atomically
        temporary.write_text(content)
        temporary.rename(path)
        return path

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "syndicator", *arguments]

    def __call__(
        self, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.arguments(*arguments),
            cwd=self.root,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def build(self) -> Report:
        """One run in this process, for a state and feeds to begin with: a command takes a second.

        Raises SyndicatorError. The report has the problems of posts.
        """
        with Service(config.load(self.config, self.environ)) as service:
            return service.build()

    def feed(self, path: str) -> str:
        try:
            return (self.feeds / path).read_text()
        except FileNotFoundError:
            return ""

    @contextmanager
    def running(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        stderr: int = subprocess.PIPE,
    ) -> "Iterator[Daemon]":
        """A daemon that is ready; it is killed at the end of the block."""
        command = self.arguments("run", *arguments)
        with Daemon(command, self.root, {**self.environ, **(environ or {})}, stderr) as daemon:
            daemon.line(lambda line: line.startswith("Serving "), daemon.out)
            yield daemon


class Daemon:
    """A process of `syndicator run`, and the lines of its output."""

    def __init__(
        self,
        arguments: list[str],
        folder: Path,
        environ: Mapping[str, str],
        stderr: int = subprocess.PIPE,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """`stderr`: where its log goes. If it is a pipe, its lines are collected in `err`."""
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=stderr,
            pass_fds=pass_fds,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._collectors = [
            threading.Thread(target=_collect, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
            if stream is not None
        ]
        for collector in self._collectors:
            collector.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        if kind is not None:
            self._join_collectors()
            sys.stderr.write("".join([*self.out, *self.err]))

    def line(self, wanted: Callable[[str], bool], lines: list[str] | None = None) -> str:
        """Wait for the first line that is `wanted`, by default on stderr."""
        lines = self.err if lines is None else lines

        def first() -> str | None:
            if self.process.poll() is not None:
                self._join_collectors()  # the last lines may be in the pipe still
                assert any(map(wanted, lines)), "the daemon has ended"
            return next(filter(wanted, list(lines)), None)

        until(first, what="the line")
        return first() or ""

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal and wait for the end; return the exit code and the seconds.

        After that, `out` and `err` are complete.
        """
        started = time.monotonic()
        self.send(number)
        code = self.process.wait(PATIENCE)
        seconds = time.monotonic() - started
        self._join_collectors()
        return code, seconds

    def _join_collectors(self) -> None:
        """Wait for the end of the output. A child that was not ended may keep it open longer."""
        for collector in self._collectors:
            collector.join(AT_ONCE)


def _collect(stream: object, lines: list[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        lines.append(line)


@dataclass
class Ping:
    topic: str
    at: float
    body: bytes  #: of the topic, fetched before the ping was answered


@dataclass
class Hub:
    """A hub that fetches a topic as soon as it is pinged."""

    answer: Callable[[str], int] = lambda topic: 204  #: status for a topic; may block
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
                    with suppress(requests.ConnectionError):  # the daemon was killed
                        hub.pings.put(Ping(topic, at, requests.get(topic, timeout=10).content))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # by default 5: more connections at once wait for a second

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self, seconds: float = PATIENCE) -> Ping:
        return self.pings.get(timeout=seconds)

    def topics(self, number: int, seconds: float = PATIENCE) -> set[str]:
        """The topics of the next `number` pings."""
        return {self.next(seconds).topic for _ in range(number)}
