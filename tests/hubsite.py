"""A site with a hub on a real socket, and subscribers with a behaviour set by the test."""

import atexit
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import parse_qs, urlsplit

import requests
from command import PATIENCE
from healthy import HEALTHY
from sqlalchemy import select

from syndicator.config import load
from syndicator.model.content import FeedFile
from syndicator.model.outbox import JobKind, JobState
from syndicator.outbound.client import Client
from syndicator.push.context import PushOptions, Topics
from syndicator.push.worker import PushWorker
from syndicator.store import deliveries, push_schema, waves
from syndicator.store.database import Database
from syndicator.store.push_schema import jobs
from syndicator.store.push_schema import subscriptions as table
from syndicator.store.times import to_us
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue
from syndicator.web.hub import Hub, HubEndpoint
from syndicator.web.hub_limits import HubLimits
from syndicator.web.server import Server
from syndicator.websub.hub_requests import LeaseBounds
from syndicator.websub.retry import RetryPolicy


@dataclass
class Received:
    """A request that a subscriber received."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def __getitem__(self, name: str) -> str:
        (value,) = self.query[f"hub.{name}"]
        return value


Reply = tuple[int, Mapping[str, str], bytes]


def agree(received: Received) -> Reply:
    """The answer of a correct subscriber: it confirms verifications and accepts deliveries."""
    return (
        (200, {}, received["challenge"].encode())
        if "hub.challenge" in received.query
        else (200, {}, b"")
    )


@dataclass
class Subscriber:
    """A server for callbacks. `verify` answers GETs, `receive` POSTs."""

    host: str = "127.0.0.1"
    port: int = 0
    verify: Callable[[Received], Reply] = agree
    receive: Callable[[Received], Reply] = agree
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arrival = threading.Condition()
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received = Received(self.command, self.path, dict(self.headers), body)
                with subscriber.arrival:
                    subscriber.received.append(received)
                    subscriber.arrival.notify_all()
                status, headers, body = (
                    subscriber.verify(received)
                    if self.command == "GET"
                    else subscriber.receive(received)
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = handle_one  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *args: object) -> None:
                pass

        self.server = Quiet((self.host, self.port), Handler)
        self.url = f"http://{self.host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def wait(self, number: int, method: str = "POST", within: float = PATIENCE) -> list[Received]:
        """Wait for so many requests of a method, and return them. Fails after `within` seconds."""
        with self.arrival:
            assert self.arrival.wait_for(lambda: len(self.of(method)) >= number, within), (
                self.received
            )
            return self.of(method)

    def of(self, method: str) -> list[Received]:
        return [received for received in self.received if received.method == method]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@cache
def _empty() -> Path:
    """A new state, created once: creating one for each site takes longer than most tests."""
    path = Path(mkdtemp(prefix="hubsite")) / "state.db"
    atexit.register(shutil.rmtree, path.parent)
    Database(f"sqlite:///{path}").close()
    return path


#: Limits that ordinary tests do not reach.
LIMITS = HubLimits(
    client=600,
    host=600,
    pending=10_000,
    subscriptions=100_000,
    lease=LeaseBounds(min=timedelta(minutes=5), default=timedelta(days=10), max=timedelta(days=30)),
)


class Site:
    """Topics, the hub's endpoint on a socket, and a thread that does its jobs."""

    def __init__(
        self,
        folder: Path,
        *,
        allow_private: tuple[str, ...] = ("127.0.0.0/8",),
        limits: HubLimits = LIMITS,
        timeout: float = 2.0,
        retry: tuple[float, ...] = (0.1, 0.1),
    ) -> None:
        self.ahead = timedelta()  # how far the site's clock is set forward
        self.base = self.home = "https://news.example.com/feeds/"
        self.files: dict[str, FeedFile] = {}
        self._versions = count(1)
        shutil.copy(_empty(), folder / "state.db")
        self.database = Database(f"sqlite:///{folder}/state.db")
        limit = timedelta(seconds=timeout)
        self.client = Client(
            user_agent="syndicator (+https://news.example.com/)",
            timeout=limit,
            stranger_timeout=limit,
            allow_private=allow_private,
        )
        waits = tuple(timedelta(seconds=wait) for wait in retry)
        self.push = PushWorker(
            self.database,
            self.client,
            Topics(read=self.files.get),
            PushOptions(
                claimer="site",
                retry=RetryPolicy(pings=waits, callbacks=waits),
                jitter=lambda: 0.0,
            ),
            clock=self.clock,
        )
        self.woken = threading.Event()
        self.closed = threading.Event()
        hub = Hub(
            self.database,
            read=self.files.get,
            refusal=self.client.refusal,
            limits=limits,
            clock=self.clock,
            on_queued=self.wake,
        )
        app = make_app(
            Catalogue(max_age=60),
            health=HEALTHY,
            on_request=lambda *_: None,
            routes=HubEndpoint(hub, home=self.home, is_complete=lambda: True).routes("/hub"),
        )
        self.server = Server(app, ("127.0.0.1", 0))
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}/hub"
        self.session = requests.Session()
        self.pusher = threading.Thread(target=self._push_jobs, daemon=True)
        self.pusher.start()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def wake(self) -> None:
        self.push.nudge()
        self.woken.set()

    def _push_jobs(self) -> None:
        while not self.closed.is_set():
            self.woken.clear()
            report = self.push.once()
            self.woken.wait(0.05 if report.next_due else 5)

    def begin(self, path: str) -> str:
        """Publish a new topic; its URL."""
        url = self.base + path
        self._put(url)
        return url

    def change(self, topic: str) -> bytes:
        """Change a topic as a build does: first the file, then the jobs. The new bytes."""
        self._put(topic)
        with self.database.begin() as connection:
            waves.raise_waves(connection, [topic], self.clock())
        self.wake()
        return self.body(topic)

    def drop(self, topic: str) -> None:
        """Remove a topic as a build does when a feed is no longer published."""
        del self.files[topic]
        with self.database.begin() as connection:
            deliveries.enqueue_denials(connection, [topic], self.clock())
        self.wake()

    def body(self, topic: str) -> bytes:
        return self.files[topic].data

    def _put(self, url: str) -> None:
        title = f"Nächste {next(self._versions)}"
        data = f"<rss version='2.0'><channel><title>{title}</title></channel></rss>".encode()
        self.files[url] = FeedFile(
            path=url.removeprefix(self.base),
            url=url,
            data=data,
            media_type="application/rss+xml; charset=utf-8",
            digest=sha256(data).hexdigest(),
            hubs=(self.url, "https://other.example/"),
        )

    def ask(self, form: object = None, **headers: str) -> requests.Response:
        """POST a form to the hub: a mapping, pairs, or text as it is."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.session.post(self.url, data=form, headers=kind | headers, timeout=PATIENCE)  # type: ignore[arg-type]

    def subscribe(
        self, topic: str, callback: str, mode: str = "subscribe", **more: object
    ) -> requests.Response:
        form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback}
        return self.ask(form | {f"hub.{name}": value for name, value in more.items()})

    def follow(self, subscriber: Subscriber, topic: str, path: str = "/cb", **more: object) -> None:
        """Subscribe, and wait until the subscription is live."""
        assert self.subscribe(topic, subscriber.url + path, **more).status_code == 202
        self.until(lambda: (topic, subscriber.url + path) in self.live())

    def live(self, topic: str | None = None) -> set[tuple[str, str]]:
        """Topic and callback of each live subscription: of one topic, or of all."""
        with self.database.read() as connection:
            rows = connection.execute(select(table).where(table.c.expires > to_us(self.clock())))
            return {(row.topic, row.callback) for row in rows if topic in (None, row.topic)}

    def wait_until_idle(self, topic: str) -> None:
        """Wait until no job of a topic is queued or claimed."""
        self.until(lambda: not self.queued(topic))

    def queued(self, topic: str) -> int:
        """The number of jobs of a topic that are queued or claimed, without pings.

        And of the shards whose subscribers have a page under way, or have to be reached.
        """
        shards, waves = push_schema.shards, push_schema.waves
        of_topic = (shards.c.topic == topic, shards.c.topic == waves.c.topic)
        with self.database.read() as connection:
            rows = connection.execute(
                select(jobs).where(
                    jobs.c.topic == topic,
                    jobs.c.state != JobState.GAVE_UP,
                    jobs.c.kind != JobKind.PING,
                )
            ).all()
            sweeps = connection.execute(
                select(
                    shards.c.page,
                    shards.c.stop,
                    shards.c.again,
                    shards.c.wave,
                    waves.c.wave.label("newest"),
                ).where(*of_topic)
            ).all()
        under_way = sum(sweep.stop is not None for sweep in sweeps)
        return (
            len(rows)
            + under_way
            + sum(sweep.again is not None or sweep.wave < sweep.newest for sweep in sweeps)
        )

    def errors(self) -> list[str]:
        """The errors of the jobs that are retried or given up."""
        with self.database.read() as connection:
            return [row.error for row in connection.execute(select(jobs)) if row.error]

    @staticmethod
    def until(condition: Callable[[], bool], within: float = PATIENCE) -> None:
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, "the condition did not become true in time"
            time.sleep(0.01)

    def stop_pushing(self) -> None:
        """Send no more jobs."""
        self.closed.set()
        self.woken.set()
        self.push.stop()
        self.pusher.join(5)

    def close(self) -> None:
        self.stop_pushing()
        self.server.stop()
        self.database.close()


class Running(Site):
    """A running `syndicator run`, used over HTTP at the addresses in its config.

    Posts are saved in its source; its state is only read. Its config must allow callbacks at
    127.0.0.0/8, `timeout = "2s"`, `retry = ["100ms", "100ms"]`, high limits, and
    `pace = "0s"` and https://other.example/ in push.hubs.
    """

    def __init__(self, path: Path) -> None:
        config = load(path, {})
        assert config.hub_url
        self.base = self.home = config.feeds.url
        self.url = config.hub_url
        self.source = config.source.path
        self.ahead = timedelta()
        self._versions = count(time.time_ns())
        self.database, self.session = Database(config.state.url), requests.Session()

    def begin(self, path: str) -> str:
        topic = f"{self.base}category/conformance-{next(self._versions)}.rss"
        self.change(topic)
        # A new feed is served shortly before it is a topic: first the file, then the transaction.
        self.until(lambda: self.ask({"hub.mode": "publish", "hub.url": topic}).status_code == 202)
        return topic

    def change(self, topic: str) -> bytes:
        category, title = (
            topic.rpartition("/")[2].removesuffix(".rss"),
            f"Nächste {next(self._versions)}",
        )
        path = self.source / "_posts" / f"2026-01-02-{category}.md"
        draft = path.with_name(f".{path.name}.part")
        draft.write_text(f"---\ntitle: {title}\ncategories: [{category}]\n---\nText\n")
        draft.rename(path)
        self.until(lambda: title.encode() in self.body(topic))
        return self.body(topic)

    def body(self, topic: str) -> bytes:
        return self.session.get(topic, timeout=PATIENCE).content

    def close(self) -> None:
        self.database.close()
