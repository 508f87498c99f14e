"""A site with a hub on a real socket, and subscribers that behave as they are told."""

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
from syndicator.model.outbox import JobKind
from syndicator.outbound import Client
from syndicator.push.worker import PushWorker
from syndicator.store import deliveries
from syndicator.store.database import Database
from syndicator.store.schema import jobs as jobs
from syndicator.store.schema import subscriptions as table
from syndicator.store.schema import to_us
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue
from syndicator.web.hub import HubEndpoint, HubLimits
from syndicator.web.server import Server
from syndicator.websub.hub_requests import LeaseBounds


@dataclass
class Asked:
    """A request as it came to a subscriber."""

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


def agree(asked: Asked) -> Reply:
    """What a good subscriber says."""
    return (
        (200, {}, asked["challenge"].encode()) if "hub.challenge" in asked.query else (200, {}, b"")
    )


@dataclass
class Subscriber:
    """A server for callbacks. `verify` answers GETs, `receive` POSTs."""

    host: str = "127.0.0.1"
    port: int = 0
    verify: Callable[[Asked], Reply] = agree
    receive: Callable[[Asked], Reply] = agree
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.came = threading.Condition()
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, self.path, dict(self.headers), body)
                with subscriber.came:
                    subscriber.asked.append(asked)
                    subscriber.came.notify_all()
                status, headers, said = (
                    subscriber.verify(asked) if self.command == "GET" else subscriber.receive(asked)
                )
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

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

    def wait(self, number: int, method: str = "POST", within: float = PATIENCE) -> list[Asked]:
        """The requests of a method, once there are so many. Fails when there aren't in time."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.of(method)) >= number, within), self.asked
            return self.of(method)

    def of(self, method: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == method]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@cache
def _empty() -> Path:
    """A state that was migrated once: doing it for each site takes longer than most tests."""
    path = Path(mkdtemp(prefix="hubsite")) / "state.db"
    atexit.register(shutil.rmtree, path.parent)
    Database(f"sqlite:///{path}").close()
    return path


#: More than tests ask.
LIMITS = HubLimits(client=600, host=600, pending=10_000, subscriptions=100_000)


class Site:
    """Topics, the hub's endpoint on a socket, and a thread that pays what is owed."""

    def __init__(
        self,
        folder: Path,
        *,
        allow_private: tuple[str, ...] = ("127.0.0.0/8",),
        limits: HubLimits = LIMITS,
        timeout: float = 2.0,
        retry: tuple[float, ...] = (0.1, 0.1),
    ) -> None:
        self.ahead = timedelta()  # how far the site's clock was put forward
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
            read=self.files.get,
            clock=self.clock,
            jitter=lambda: 0.0,
            claimer="site",
            retry=waits,
            hub_retry=waits,
        )
        self.woken, self.over = threading.Event(), threading.Event()
        hub = HubEndpoint(
            self.database,
            read=self.files.get,
            refusal=self.client.refusal,
            lease=LeaseBounds(
                min=timedelta(minutes=5), default=timedelta(days=10), max=timedelta(days=30)
            ),
            clock=self.clock,
            on_owed=self.wake,
            home=self.home,
            limits=limits,
        )
        app = make_app(
            Catalogue(max_age=60),
            health=HEALTHY,
            on_request=lambda *_: None,
            routes=hub.routes("/hub"),
        )
        self.server = Server(app, "127.0.0.1", 0)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}/hub"
        self.session = requests.Session()
        self.paying = threading.Thread(target=self._pay, daemon=True)
        self.paying.start()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def wake(self) -> None:
        self.push.nudge()
        self.woken.set()

    def _pay(self) -> None:
        while not self.over.is_set():
            self.woken.clear()
            report = self.push.once()
            self.woken.wait(0.05 if report.next_due else 5)

    def begin(self, path: str) -> str:
        """Make a topic as it should be before anyone follows it; its URL."""
        url = self.base + path
        self._put(url)
        return url

    def change(self, topic: str) -> bytes:
        """What a build does when a feed changed: first the file, then the debt. The new bytes."""
        self._put(topic)
        with self.database.begin() as connection:
            deliveries.enqueue_deliveries(connection, [topic], self.clock())
        self.wake()
        return self.body(topic)

    def drop(self, topic: str) -> None:
        """What a build does when a feed is no longer made."""
        del self.files[topic]
        with self.database.begin() as connection:
            deliveries.enqueue_denials(connection, [topic], self.clock())
        self.wake()

    def body(self, topic: str) -> bytes:
        return self.files[topic].data

    def _put(self, url: str) -> None:
        data = f"<rss version='2.0'><channel><title>Nächste {next(self._versions)}</title></channel></rss>".encode()
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
        """Subscribe, and wait until it holds."""
        assert self.subscribe(topic, subscriber.url + path, **more).status_code == 202
        self.until(lambda: (topic, subscriber.url + path) in self.live())

    def live(self, topic: str | None = None) -> set[tuple[str, str]]:
        """Topic and callback of each subscription that holds: of one topic, or all."""
        with self.database.read() as connection:
            rows = connection.execute(select(table).where(table.c.expires > to_us(self.clock())))
            return {(row.topic, row.callback) for row in rows if topic in (None, row.topic)}

    def settled(self, topic: str) -> None:
        """Wait until nothing is owed for a topic."""
        self.until(lambda: not self.owed(topic))

    def jobs(self, topic: str) -> int:
        """Requests that are still to be made for a topic."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(jobs).where(
                    jobs.c.topic == topic, jobs.c.state != "gave up", jobs.c.kind != JobKind.PING
                )
            )
            return len(rows.all())

    def errors(self) -> list[str]:
        """Why what is owed was not paid yet."""
        with self.database.read() as connection:
            return [row.error for row in connection.execute(select(jobs)) if row.error]

    @staticmethod
    def until(true: Callable[[], bool], within: float = PATIENCE) -> None:
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, "it did not come to be in time"
            time.sleep(0.01)

    def rest(self) -> None:
        """Pay nothing from now on."""
        self.over.set()
        self.woken.set()
        self.push.stop()
        self.paying.join(5)

    def close(self) -> None:
        self.rest()
        self.server.stop()
        self.database.close()


class Running(Site):
    """A `syndicator run` that is there already, asked over HTTP at the addresses its config says.

    Posts are saved in its source; its state is only looked at. Its config must let tests in: callbacks at
    127.0.0.0/8, `timeout = "2s"`, `retry = ["100ms", "100ms"]`, high limits, https://other.example/ in push.hubs.
    """

    def __init__(self, path: Path) -> None:
        config = load(path, {})
        assert config.hub_url
        self.base, self.url, self.source = config.feeds.url, config.hub_url, config.source.path
        self.home, self.ahead, self._versions = self.base, timedelta(), count(time.time_ns())
        self.database, self.session = Database(config.state.url), requests.Session()

    def begin(self, path: str) -> str:
        topic = f"{self.base}category/conformance-{next(self._versions)}.rss"
        self.change(topic)
        # A new feed is served a moment before it is a topic: first the file, then the transaction.
        self.until(lambda: self.ask({"hub.mode": "publish", "hub.url": topic}).status_code == 202)
        return topic

    def change(self, topic: str) -> bytes:
        category, title = (
            topic.rpartition("/")[2].removesuffix(".rss"),
            f"Nächste {next(self._versions)}",
        )
        path = self.source / "_posts" / f"2026-01-02-{category}.md"
        beside = path.with_name(f".{path.name}.part")
        beside.write_text(f"---\ntitle: {title}\ncategories: [{category}]\n---\nText\n")
        beside.rename(path)
        self.until(lambda: title.encode() in self.body(topic))
        return self.body(topic)

    def body(self, topic: str) -> bytes:
        return self.session.get(topic, timeout=PATIENCE).content

    def close(self) -> None:
        self.database.close()
