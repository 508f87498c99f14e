"""Everything that writes the tables of the push at the same time on PostgreSQL: no deadlocks."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlencode

import pytest
from hubsite import LIMITS
from sqlalchemy import NullPool, create_engine, text
from wave_hub import WAITS, names

from syndicator.build import publish
from syndicator.build.publish import PublishResult
from syndicator.daemon import presence
from syndicator.model.content import FeedFile
from syndicator.model.outbox import Request, Response
from syndicator.ops import hub as operator
from syndicator.push import pages as push_pages
from syndicator.push.context import PushOptions, Topics
from syndicator.push.worker import PushWorker
from syndicator.store import hubs, retention
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.web.hub import Hub
from syndicator.web.hub_limits import HubLimits
from syndicator.websub.pace import NO_PACE
from syndicator.websub.retry import RetryPolicy

OWN_HUB = "https://news.example/hub"
HUBS = ("https://a.example/hub", "https://b.example/hub")
TOPICS = [f"https://news.example/{n}.rss" for n in range(6)]
CALLBACKS = names(24, 3)
STEPS = 30
FREE = HubLimits(
    client=10**6, host=10**6, pending=10**6, subscriptions=10**6, host_subscriptions=10**6,
    lease=LIMITS.lease,
)  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def row_of(topic: str) -> FileRow:
    return FileRow(
        path=topic[-5:], feed=topic, url=topic, media_type="application/rss+xml", digest="d",
        hubs=(OWN_HUB, *HUBS), updated=now(), disk={},
    )  # fmt: skip


class Client:
    """Hubs and callbacks that accept, fail, end their subscription, or confirm what is asked."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw

    def send(self, request: Request) -> Response:
        if "hub.challenge=" in request.url:
            challenge = request.url.split("hub.challenge=")[1].partition("&")[0]
            return Response(status=200, body=challenge.encode(), peer="192.0.2.7")
        return Response(status=self._draw.choice([200, 200, 200, 500, 503, 410]), peer="192.0.2.7")

    def close(self) -> None:
        pass


class Actor(threading.Thread):
    """A process that does its steps again and again. `error`: what ended it; None: nothing did."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__()
        self.draw = Random(number)
        self.database = Database(url)
        self.error: Exception | None = None
        self._worker = PushWorker(
            self.database,
            Client(self.draw),
            Topics(read=self._read),
            # Of no daemon that lives, so that the others release what it claims.
            PushOptions(
                claimer=f"daemon {number}",
                retry=RetryPolicy(pings=WAITS, callbacks=WAITS),
                pace=NO_PACE,
                subscriptions_per_host=10**6,
            ),
            clock=now,
        )
        self._hub = Hub(
            self.database,
            read=self._read,
            refusal=lambda callback: None,
            limits=FREE,
            clock=now,
            on_queued=lambda: None,
        )

    def run(self) -> None:
        steps: list[Callable[[], object]] = [
            self._worker.once,
            self._worker.once,
            self._ask,
            self._build,
            self._end_topic,
            self._operate,
            self._clean,
            lambda: presence._bury(self.database),
        ]
        try:
            for _ in range(STEPS):
                self.draw.choice(steps)()
        except Exception as error:
            self.error = error
        finally:
            self.database.close()

    def _read(self, topic: str) -> FeedFile | None:
        digest = f"d{self.draw.randrange(3)}"
        return FeedFile(
            path=topic[-5:], url=topic, data=b"x", media_type="application/rss+xml", digest=digest,
            hubs=(OWN_HUB, *HUBS),
        )  # fmt: skip

    def _some(self) -> list[str]:
        return self.draw.sample(TOPICS, 3)

    def _ask(self) -> None:
        for topic in self._some():
            form = {
                "hub.mode": self.draw.choice(["subscribe", "subscribe", "unsubscribe"]),
                "hub.topic": topic,
                "hub.callback": self.draw.choice(CALLBACKS),
            }
            self._post(urlencode(form))
        self._post("hub.mode=publish&" + urlencode([("hub.url", topic) for topic in self._some()]))

    def _post(self, form: str) -> None:
        answer = self._hub.handle("application/x-www-form-urlencoded", form.encode(), "192.0.2.1")
        assert isinstance(answer, str), answer

    def _build(self) -> None:
        self._commit(changed=self._some())

    def _end_topic(self) -> None:
        self._commit(ended=self._some()[:2])

    def _commit(self, changed: Sequence[str] = (), ended: Sequence[str] = ()) -> None:
        rows = tuple(map(row_of, changed))
        result = PublishResult(rows=(), changed=rows, written=len(rows), ended=tuple(ended))
        with self.database.begin(push=True) as connection:
            publish.commit(connection, result, OWN_HUB, now())

    def _operate(self) -> None:
        operator.unsubscribe(self.database, self.draw.choice(CALLBACKS), now())
        with self.database.begin(push=True) as connection:
            hubs.record_fetch(connection, HUBS, now())

    def _clean(self) -> None:
        with self.database.begin(push=True) as connection:
            retention.delete_expired(connection, HUBS, now() + timedelta(seconds=1))


def test_no_two_steps_deadlock(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processes do all of them; a deadlock would be found after a few milliseconds."""
    monkeypatch.setattr(push_pages, "PAGE", 10)
    monkeypatch.setattr(push_pages, "CLAIM", 5)
    monkeypatch.setattr(push_pages, "_LEAST_CLAIM", 2)
    with create_engine(postgresql, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as c:
        name = c.scalar(text("SELECT current_database()"))
        c.execute(text(f"ALTER DATABASE {name} SET deadlock_timeout = '5ms'"))
    actors = [Actor(postgresql, number) for number in range(4)]
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join(120)
    assert not any(actor.is_alive() for actor in actors)
    assert [actor.error for actor in actors] == [None] * len(actors)
    database = Database(postgresql)
    with database.read() as connection:
        deadlocks = connection.scalar(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )
    database.close()
    assert deadlocks == 0
