"""A hub that delivers in waves to callbacks in the process, and that dies when a test says so."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Request, Response, Subscription
from syndicator.push.context import PushOptions, Topics
from syndicator.push.record import PushReport
from syndicator.push.worker import PushWorker
from syndicator.store import deliveries, subscriptions, waves
from syndicator.store.database import Database
from syndicator.websub.pace import NO_PACE, Pace
from syndicator.websub.retry import RetryPolicy

TOPIC = "https://news.example/all.rss"
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
WAITS = (timedelta(seconds=5), timedelta(seconds=30))


class DiedError(Exception):
    """The process was killed."""


class Callbacks:
    """Callbacks in the process. `answer` returns the status of one; it may wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.received: dict[str, list[int]] = defaultdict(list)
        self.accepted: dict[str, int] = {}
        self.answer: Callable[[str], int] = lambda callback: 200
        self.headers: Mapping[str, str] = {}

    def total(self) -> int:
        return sum(map(len, self.received.values()))


class Client:
    """Sends to the callbacks until its process dies."""

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks = callbacks
        self.dead = False

    def send(self, request: Request) -> Response:
        with self.callbacks.lock:
            if self.dead:
                return Response(status=None, error="dead", stopped=True)
            self.callbacks.received[request.url].append(int(request.body))
        status = self.callbacks.answer(request.url)
        if 200 <= status < 300:
            with self.callbacks.lock:
                self.callbacks.accepted[request.url] = int(request.body)
        return Response(status=status, headers=self.callbacks.headers)

    def close(self) -> None:
        pass


class Mortal(Database):
    """A state whose process dies when `lives` transactions have begun; None: it does not."""

    lives: int | None = None

    @contextmanager
    def begin(self, *, durable: bool = True, push: bool = False) -> Iterator[Connection]:
        if self.lives is not None:
            if not self.lives:
                raise DiedError
            self.lives -= 1
        with super().begin(durable=durable, push=push) as connection:
            yield connection


class Hub:
    """A topic, its subscribers, and the process that delivers."""

    def __init__(self, url: str, pace: Pace = NO_PACE, holder: str = "one") -> None:
        self.database = Mortal(url)
        self.now, self.version, self.pace, self.holder = NOW, 1, pace, holder
        self.callbacks = Callbacks()
        self.restart()

    def restart(self) -> None:
        self.client = Client(self.callbacks)
        self.database.lives = None
        self.worker = PushWorker(
            self.database,
            self.client,
            Topics(read=self.file),
            PushOptions(
                claimer=self.holder,
                retry=RetryPolicy(pings=(), callbacks=WAITS),
                pace=self.pace,
                jitter=lambda: 0.0,
            ),
            clock=lambda: self.now,
        )

    def file(self, topic: str) -> FeedFile | None:
        data = str(self.version).encode()
        return FeedFile(
            path="all.rss", url=topic, data=data, media_type="a/b", digest=f"d{self.version}",
            hubs=("https://news.example/hub",),
        )  # fmt: skip

    def subscribe(self, callback: str, had: int | None = None, days: int = 9) -> None:
        """`had`: the version at its request; None: the present one."""
        subscription = Subscription(
            topic=TOPIC,
            callback=callback,
            secret=None,
            expires=self.now + timedelta(days=days),
            since=self.now,
        )
        with self.database.begin(push=True) as connection:
            digest = f"d{self.version if had is None else had}"
            subscriptions.upsert(connection, subscription, digest)

    def unsubscribe(self, callback: str) -> None:
        with self.database.begin(push=True) as connection:
            subscriptions.end(connection, TOPIC, callback)

    def change(self) -> None:
        with self.database.begin(push=True) as connection:
            self.version += 1
            waves.raise_waves(connection, [TOPIC], self.now)

    def publish(self) -> bool:
        with self.database.begin(push=True) as connection:
            digest = f"d{self.version}"
            return deliveries.enqueue_missing(connection, TOPIC, digest, self.now)

    def deliver(self, transactions: int | None = None) -> PushReport | None:
        """One pass. The process dies before the transaction of this number; None: it does not."""
        self.database.lives = transactions
        try:
            return self.worker.once()
        except DiedError:
            with self.callbacks.lock:
                self.client.dead = True
            self.restart()
            return None
        finally:
            self.database.lives = None

    def deliver_all(self) -> None:
        """Pass by pass until nothing waits."""
        for _ in range(60):
            report = self.deliver()
            assert report is not None
            if report.next_due is None:
                assert not report.queued
                return
            self.now = max(self.now, report.next_due)
        raise AssertionError("it does not end")


def names(number: int, hosts: int) -> list[str]:
    return [f"https://h{n % hosts}.example/{n}" for n in range(number)]
