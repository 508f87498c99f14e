"""Several processes of syndicator on one PostgreSQL state, and a receiver of all they send."""

import json
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import requests
from command import PATIENCE, Command, Daemon, free_port, until

from syndicator.model.outbox import Subscription
from syndicator.store import outbox, subscriptions
from syndicator.store import processes as store
from syndicator.store.database import Database

#: Seconds within which the next change is out and announced, whatever happens to a process, also on
#: a busy machine. On a quiet one it is 20: `benchmarks/failover.py` measures it.
TAKEOVER = 45.0

SETTINGS = """
[push]
hubs = ["{hub}"]
retry = ["300ms", "300ms", "1s", "1s", "5s"]
[hub]
allow_private = ["127.0.0.0/8"]
retry = ["300ms", "300ms", "1s", "1s", "5s"]
[state]
url = "{state}"
"""


class Receiver:
    """A hub and all subscribers. It keeps what each subscriber got, in order."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        """`address`: the hub's. It listens on all."""
        self.pings: list[tuple[str, str]] = []  #: topic, and what `on_ping` returned
        self.bodies: dict[str, list[bytes]] = defaultdict(list)  #: by path of the callback
        self.on_ping: Callable[[], str] = str
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the process was killed
                if self.path == "/hub":
                    topic = requests.utils.unquote(body.decode().partition("hub.url=")[2])
                    receiver.pings.append((topic, receiver.on_ping()))
                else:
                    receiver.bodies[self.path].append(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass  # the process was killed

        self._server = Server(("", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Processes:
    """Processes with one site, one state and one output folder, each with ports of its own."""

    def __init__(
        self, root: Path, state: str, receiver: Receiver, *, output: str = "", poll: str = "2s"
    ) -> None:
        """`output`: the table of the output; "": a folder."""
        settings = output + SETTINGS.format(hub=f"{receiver.url}/hub", state=state)
        self.command = Command(root, settings)
        self.command.configure(settings, poll=poll)
        self.database = Database(state)
        self.receiver = receiver
        receiver.on_ping = lambda: self.command.feed("all.atom")
        self.running: dict[str, Daemon] = {}
        self.urls: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        for daemon in self.running.values():
            with suppress(ProcessLookupError):
                daemon.send(signal.SIGCONT)
        self._stack.__exit__(*error)
        self.database.close()

    def start(
        self,
        name: str,
        prefix: tuple[str, ...] = (),
        *,
        address: str = "127.0.0.1",
        **environ: str,
    ) -> Daemon:
        """Start a process, and wait until it serves. `address`: where it does."""
        port, command = free_port(), self.command
        environ |= {
            "SYNDICATOR_WEB__LISTEN": f"{address}:{port}",
            "SYNDICATOR_WEB__ADMIN": f"127.0.0.1:{free_port()}",
        }
        arguments = [*prefix, *command.arguments("run")]
        daemon = Daemon(arguments, command.root, {**command.environ, **environ})
        self.running[name] = self._stack.enter_context(daemon)
        daemon.line(lambda line: line.startswith("Serving "), daemon.out)
        self.urls[name] = f"http://{address}:{port}/"
        return daemon

    def roles(self) -> dict[str, str]:
        """The roles of the living processes, by their names here. As `status` has them."""
        names = {daemon.process.pid: name for name, daemon in self.running.items()}
        with self.database.read() as connection:
            living = store.living(connection)
        return {names.get(each.pid or 0, "killed"): each.role for each in living}

    def builder(self) -> str:
        return next(name for name, role in self.roles().items() if role == "builder")

    def kill(self, name: str) -> None:
        daemon = self.running.pop(name)
        daemon.process.kill()
        daemon.process.wait(PATIENCE)

    def save(self, title: str) -> float:
        """Save a post, and return the seconds until the hub was pinged about the whole site."""
        began, before = time.monotonic(), len(self.receiver.pings)
        self.command.post("2026-01-01-one", title)

        def pinged() -> bool:
            new = self.receiver.pings[before:]
            return any(topic.endswith("all.atom") and title in feed for topic, feed in new)

        until(pinged, what=f"a ping about {title}")
        return time.monotonic() - began

    def subscribe(self, number: int) -> str:
        """Add subscribers of a topic, as verified ones. Returns the topic."""
        topic = f"{self.command.url}all.json"
        now, port = datetime.now(UTC), self.receiver.port
        with self.database.begin() as connection:
            for at in range(number):
                subscription = Subscription(
                    topic=topic,
                    # Many hosts: requests to one take turns.
                    callback=f"http://127.1.0.{at % 200}:{port}/{at}",
                    secret=None,
                    expires=now + timedelta(days=1),
                    since=now,
                )
                subscriptions.upsert(connection, subscription)
        return topic

    def queued(self) -> int:
        with self.database.read() as connection:
            return sum(outbox.counts(connection).values())

    def served(self, name: str) -> str:
        return requests.get(f"{self.urls[name]}all.json", timeout=PATIENCE).text


@contextmanager
def never_older(read: Callable[[], str]) -> Iterator[None]:
    """Fail if a JSON feed shows an older title after a newer one. `read`: returns the feed.

    It is read a third of the time at most: the processes wait for the same bucket.
    """
    over = threading.Event()
    seen: list[int] = [0]

    def look() -> None:
        pause = 0.0
        while not over.wait(pause):
            began = time.monotonic()
            with suppress(ValueError, IndexError):
                seen.append(json.loads(read())["items"][0]["title"])
            pause = max(0.005, 2 * (time.monotonic() - began))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    titles = [int(str(title).removeprefix("Version ")) for title in seen]
    assert titles == sorted(titles)
