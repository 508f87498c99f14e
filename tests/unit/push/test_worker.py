"""One pass over what is owed: everything due is paid or tried again, and the dead delay nobody."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from command import AT_ONCE

from syndicator.errors import OutputError, StateError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import JobKind, Request, Response, Subscription
from syndicator.outbound import Client
from syndicator.push.worker import PushWorker
from syndicator.store import claims, deliveries, outbox, subscriptions
from syndicator.store.database import Database

TOPIC = "https://news.example.com/feeds/all.rss"
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Hub:
    """A hub on a real socket. `behave` gives the status of each request; None hangs up after `hold` is set."""

    def __init__(self) -> None:
        self.behave: Callable[[str], int | None] = lambda path: 204
        self.headers: dict[str, str] = {}
        self.seen: list[tuple[str, dict[str, list[str]]]] = []
        self.hold = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hub.seen.append((self.path, parse_qs(body.decode())))
                status = hub.behave(self.path)
                if status is None:
                    hub.hold.wait(20)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in hub.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/state.db")
    yield database
    database.close()


@contextmanager
def pushing(
    database: Database,
    clock: Clock,
    timeout: float = 5,
    read: Callable[[str], FeedFile | None] = lambda topic: None,
    served: Callable[[], bool] = lambda: True,
    kind: type[Client] = Client,
) -> Iterator[PushWorker]:
    limit = timedelta(seconds=timeout)
    client = kind(user_agent="syndicator", timeout=limit, stranger_timeout=limit)
    yield PushWorker(
        database,
        client,
        read_topic=read,
        is_served=served,
        clock=clock,
        jitter=lambda: 0.0,
        claimer="test",
        retry=(timedelta(seconds=5), timedelta(minutes=1)),
        hub_retry=(),
    )
    client.close()


def begun(push: PushWorker, hub: Hub) -> threading.Thread:
    """A pass whose first request has reached the hub."""
    passing = threading.Thread(target=push.once)
    passing.start()
    while not hub.seen:
        time.sleep(0.001)
    return passing


def owe(
    database: Database, *hubs: str, topics: tuple[str, ...] = (TOPIC,), now: datetime = NOW
) -> None:
    with database.begin() as connection:
        outbox.enqueue_pings(connection, [(topic, hubs) for topic in topics], now)


def test_each_topic_is_told_to_each_hub(database: Database, hub: Hub) -> None:
    """One POST for one topic and one hub."""
    owe(database, f"{hub.url}/a", f"{hub.url}/b", topics=(TOPIC, f"{TOPIC}2"))
    with pushing(database, Clock()) as push:
        report = push.once()
    assert sorted((path, form["hub.topic"]) for path, form in hub.seen) == [
        (path, [topic]) for path in ("/a", "/b") for topic in (TOPIC, f"{TOPIC}2")
    ]
    assert (report.paid, report.owed, report.next_due) == ({JobKind.PING: 4}, 0, None)
    assert report.summary() == "4 pings sent"


def test_a_failure_is_tried_again_when_it_is_due_and_given_up_at_the_end(
    database: Database, hub: Hub
) -> None:
    """One attempt, one after each wait; then it stays in sight, and the next change owes it again."""
    hub.behave = lambda path: 500
    owe(database, hub.url)
    clock = Clock()
    with pushing(database, clock) as push:
        report = push.once()
        assert (len(hub.seen), report.again, report.next_due) == (
            1,
            {JobKind.PING: 1},
            NOW + timedelta(seconds=5),
        )
        assert [(problem.path, problem.message) for problem in report.problems] == [
            (hub.url, "it answered 500")
        ]
        push.once()
        assert len(hub.seen) == 1  # not before it is due
        clock.now += timedelta(seconds=5)
        push.once()
        clock.now += timedelta(minutes=1)
        report = push.once()
        assert (len(hub.seen), report.gave_up, report.next_due) == (3, {JobKind.PING: 1}, None)
        with database.read() as connection:
            (state,) = outbox.hub_states(connection)
        assert (state.gave_up, state.last_failure, state.error) == (1, clock.now, "it answered 500")
        hub.behave = lambda path: 200
        owe(database, hub.url, now=clock.now)
        assert push.once().paid == {JobKind.PING: 1}
    with database.read() as connection:
        (state,) = outbox.hub_states(connection)
    assert (state.gave_up, state.waiting, state.last_success) == (0, 0, clock.now)


def test_a_clock_that_is_set_back_puts_nothing_off(database: Database, hub: Hub) -> None:
    """What is to be tried in five seconds is tried in five seconds, by the new clock, and no sooner than was asked."""
    hub.behave = lambda path: 500 if path == "/a" else 503
    clock = Clock()
    with pushing(database, clock) as push:
        owe(database, f"{hub.url}/a")
        push.once()
        hub.headers = {"Retry-After": "120"}
        owe(database, f"{hub.url}/b")
        push.once()
        clock.now -= timedelta(hours=2)
        push.once()
        assert len(hub.seen) == 2
        clock.now += timedelta(seconds=5)
        push.once()
        assert [path for path, _ in hub.seen] == ["/a", "/b", "/a"]
        clock.now += timedelta(seconds=115)
        push.once()
        assert [path for path, _ in hub.seen[3:]] == ["/b"]


def test_retry_after_holds_back_the_next_change_too(database: Database, hub: Hub) -> None:
    """A hub that asks for two minutes is left alone for two minutes, whatever happens here."""
    hub.behave, hub.headers = lambda path: 503, {"Retry-After": "120"}
    owe(database, hub.url)
    clock = Clock()
    with pushing(database, clock) as push:
        push.once()
        clock.now += timedelta(seconds=30)
        owe(database, hub.url, now=clock.now)
        assert push.once().next_due == NOW + timedelta(seconds=120)
    assert len(hub.seen) == 1


def test_retry_after_holds_for_every_topic_of_the_hub(database: Database, hub: Hub) -> None:
    """It speaks of the address that answered: those that wait there, and those that change meanwhile, are not sent."""
    hub.behave, hub.headers = lambda path: 429, {"Retry-After": "120"}
    owe(database, hub.url, topics=tuple(f"{TOPIC}{n}" for n in range(300)))
    clock = Clock()
    with pushing(database, clock) as push:
        report = push.once()
        sent = len(hub.seen)
        assert (0 < sent < 100, sum(report.again.values())) == (True, sent)
    clock.now += timedelta(seconds=30)
    hub.behave = lambda path: 204
    owe(database, hub.url, f"{hub.url}/another", now=clock.now)
    with pushing(database, clock) as push:  # another process knows it too
        assert push.once().paid == {JobKind.PING: 1}
        assert (len(hub.seen), hub.seen[-1][0]) == (sent + 1, "/another")
        clock.now = NOW + timedelta(seconds=120)
        assert push.once().paid == {JobKind.PING: 301}


def test_a_redirect_that_keeps_the_post_is_followed(database: Database, hub: Hub) -> None:
    """308 leads on, a loop of them ends."""
    hub.behave, hub.headers = lambda path: 308 if path == "/old" else 202, {"Location": "/new"}
    owe(database, f"{hub.url}/old")
    with pushing(database, Clock()) as push:
        assert push.once().paid == {JobKind.PING: 1}
        assert [path for path, _ in hub.seen] == ["/old", "/new"]
        hub.behave = lambda path: 307
        owe(database, f"{hub.url}/old")
        assert push.once().again == {JobKind.PING: 1}
    assert len(hub.seen) == 2 + 1 + 3


def test_a_hub_that_hangs_delays_no_other(database: Database, hub: Hub) -> None:
    """Three hundred pings to a hub that hangs, one to a hub that doesn't: that one is told at once."""

    def left() -> int:
        with database.read() as connection:
            return sum(outbox.counts(connection).values())

    dead = Hub()
    dead.behave = lambda path: None
    owe(database, dead.url, topics=tuple(f"{TOPIC}{n}" for n in range(300)))
    owe(database, hub.url)
    with pushing(database, Clock(), timeout=30) as push:
        passing = threading.Thread(target=push.once)
        passing.start()
        until = time.monotonic() + 5
        while left() > 300 and time.monotonic() < until:
            time.sleep(0.01)
        push.stop()
        passing.join(5)
        assert (len(hub.seen), passing.is_alive()) == (1, False)
    dead.close()
    with database.read() as connection:
        assert outbox.counts(connection) == {(JobKind.PING, "waiting"): 300}


class Breaking(Client):
    """A client that a library fails in, for some addresses."""

    def send(self, request: Request) -> Response:
        if "broken" in request.url:
            raise IndexError("out of range")
        return super().send(request)


def test_a_request_that_breaks_keeps_no_other_back(database: Database, hub: Hub) -> None:
    """It is logged, tried again like one without an answer, and given up in the end."""
    owe(database, f"{hub.url}/broken", f"{hub.url}/good")
    clock = Clock()
    with pushing(database, clock, kind=Breaking) as push:
        reports = []
        for _ in range(3):
            reports.append(push.once())
            clock.now += timedelta(hours=1)
    assert [seen[0] for seen in hub.seen] == ["/good"]
    assert [dict(report.gave_up) for report in reports] == [{}, {}, {JobKind.PING: 1}]
    assert "internal error" in reports[0].problems[0].message


def test_what_is_owed_during_a_pass_is_paid_by_it(database: Database, hub: Hub) -> None:
    """A pass that waits for one hub still tells the others what happens meanwhile."""
    hub.behave = lambda path: None if path == "/slow" else 204
    owe(database, f"{hub.url}/slow")
    clock = Clock()
    with pushing(database, clock) as push:
        passing = begun(push, hub)
        owe(database, f"{hub.url}/quick")
        began = time.monotonic()
        push.nudge()
        while len(hub.seen) < 2:
            time.sleep(0.001)
        assert time.monotonic() - began < AT_ONCE
        hub.hold.set()
        passing.join(5)
        assert not passing.is_alive()


def test_a_change_while_its_ping_is_under_way_is_told_too(database: Database, hub: Hub) -> None:
    """The hub may have fetched before the second change: it is told again, after the first ping ended."""
    hub.behave = lambda path: 204 if len(hub.seen) > 1 else (hub.hold.wait(5), 204)[1]
    owe(database, hub.url)
    with pushing(database, Clock()) as push:
        passing = begun(push, hub)
        owe(database, hub.url)
        push.nudge()
        hub.hold.set()
        passing.join(5)
        push.once()
    assert len(hub.seen) == 2


def test_what_the_dead_had_claimed_is_given_back(database: Database, hub: Hub) -> None:
    """At once to a new process of the same name, after the lease to any other."""
    owe(database, hub.url)
    for claimer in ("test", "another"):
        with database.begin() as connection:
            claims.claim(
                connection, NOW, claimer=claimer, limit=9, per_host=9, lease=timedelta(minutes=2)
            )
        clock = Clock()
        with pushing(database, clock) as push:
            assert push.once().paid == ({JobKind.PING: 1} if claimer == "test" else {})
            clock.now += timedelta(minutes=2)
            push.once()
        owe(database, hub.url)
    assert len(hub.seen) == 2


def test_what_a_pass_could_not_write_down_is_tried_again_by_the_next(
    database: Database, hub: Hub
) -> None:
    """The state was not there when the answer came: its claims don't wait for their lease to end."""
    path = database.path
    assert path
    away = path.with_name("away")
    hub.behave = lambda _: 204 if path.rename(away) else None
    owe(database, hub.url)
    with pushing(database, Clock()) as push:
        with pytest.raises(StateError, match="moved away"):
            push.once()
        away.rename(path)
        hub.behave = lambda _: 204
        assert push.once().paid == {JobKind.PING: 1}


def test_a_claim_holds_while_its_request_is_under_way(database: Database, hub: Hub) -> None:
    """However long that takes, and whatever becomes of the clock: nobody pays a second time meanwhile, we neither."""
    hub.behave = lambda path: None if path == "/slow" else 204
    owe(database, f"{hub.url}/slow")
    clock = Clock()
    with pushing(database, clock) as push:
        passing = begun(push, hub)
        clock.now += timedelta(minutes=3)
        owe(database, f"{hub.url}/quick", now=clock.now)
        push.nudge()
        while len(hub.seen) < 2:
            time.sleep(0.001)
        with database.begin() as connection:
            lease, later = timedelta(minutes=2), clock.now + timedelta(minutes=1)
            assert not claims.claim(
                connection, later, claimer="other", limit=9, per_host=9, lease=lease
            )
        hub.hold.set()
        passing.join(5)
    assert [path for path, _ in hub.seen] == ["/slow", "/quick"]


def test_what_a_pass_that_broke_off_has_under_way_is_not_sent_a_second_time(
    database: Database, hub: Hub
) -> None:
    """The next waits for it, and writes down both what it came to and what could not be written down before."""
    path = database.path
    assert path
    away = path.with_name("away")

    def behave(at: str) -> int | None:
        while len(hub.seen) < 2:
            time.sleep(0.001)
        return None if at == "/slow" else 204 if path.rename(away) else None

    hub.behave = behave
    owe(database, f"{hub.url}/slow", f"{hub.url}/quick")
    with pushing(database, Clock(), timeout=0.5) as push:
        with pytest.raises(StateError, match="moved away"):
            push.once()
        away.rename(path)
        report = push.once()
    assert sorted(path for path, _ in hub.seen) == ["/quick", "/slow"]
    assert (report.paid, report.again) == ({JobKind.PING: 1}, {JobKind.PING: 1})


def test_nobody_is_told_of_what_is_not_served_yet(database: Database, hub: Hub) -> None:
    """Another process published it: it is told of when it can be fetched here."""
    owe(database, hub.url)
    served = False
    with pushing(database, Clock(), served=lambda: served) as push:
        assert (push.once().owed, hub.seen) == (1, [])
        served = True
        assert push.once().owed == 0
    assert len(hub.seen) == 1


def test_what_cannot_be_read_just_now_is_owed_still(database: Database, hub: Hub) -> None:
    """A file that is being replaced, or that somebody took: its subscribers are sent it when it is there."""

    def read(topic: str) -> None:
        raise OutputError("all.rss is not what was published")

    reader = Subscription(
        topic=TOPIC, callback=hub.url, secret=None, since=NOW, expires=NOW + timedelta(days=1)
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, reader)
        deliveries.enqueue_deliveries(connection, [TOPIC], NOW)
    with pushing(database, Clock(), read=read) as push:
        report = push.once()
    assert (report.owed, report.next_due, hub.seen) == (1, NOW + timedelta(seconds=1), [])
