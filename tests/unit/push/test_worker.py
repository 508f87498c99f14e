"""One pass over the outbox: due jobs are done or retried, and dead hosts delay no others."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from command import AT_ONCE, until
from msgspec.structs import replace
from sqlalchemy import event, text

from syndicator.errors import OutputError, StateError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import JobKind, JobState, Request, Response, Subscription
from syndicator.outbound.client import Client
from syndicator.push.context import PushOptions, Topics
from syndicator.push.worker import PushWorker
from syndicator.store import claims, deliveries, hubs, outbox, pings, subscriptions, waves
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.websub.pace import Pace
from syndicator.websub.retry import RetryPolicy

TOPIC = "https://news.example.com/feeds/all.rss"
LIMITS = ClaimLimits(jobs=9, per_host=9)
NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


OPTIONS = PushOptions(
    claimer="test",
    retry=RetryPolicy(pings=(timedelta(seconds=5), timedelta(minutes=1)), callbacks=()),
    jitter=lambda: 0.0,
)
NO_TOPICS = Topics(read=lambda topic: None)
PACED = replace(OPTIONS, pace=Pace(timedelta(seconds=5)))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Hub:
    """A hub on a real socket.

    `behave` returns the status for each path; None: no answer, the connection closes when `hold` is
    set.
    """

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

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512  # by default 5: more connections at once wait for a second

        self.server = Server(("127.0.0.1", 0), Handler)
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
    timeout: float = 20,
    topics: Topics = NO_TOPICS,
    kind: type[Client] = Client,
    options: PushOptions = OPTIONS,
) -> Iterator[PushWorker]:
    limit = timedelta(seconds=timeout)
    client = kind(user_agent="syndicator", timeout=limit, stranger_timeout=limit)
    yield PushWorker(
        database,
        client,
        topics,
        options,
        clock=clock,
    )
    client.close()


def started(push: PushWorker, hub: Hub) -> threading.Thread:
    """A running pass whose first request has reached the hub."""
    push_pass = threading.Thread(target=push.once)
    push_pass.start()
    until(lambda: hub.seen)
    return push_pass


def enqueue(
    database: Database, *hubs: str, topics: tuple[str, ...] = (TOPIC,), now: datetime = NOW
) -> None:
    with database.begin() as connection:
        outbox.enqueue_pings(connection, [(topic, hubs) for topic in topics], now)


def test_each_hub_gets_a_ping_for_each_topic(database: Database, hub: Hub) -> None:
    """One POST for one topic and one hub."""
    enqueue(database, f"{hub.url}/a", f"{hub.url}/b", topics=(TOPIC, f"{TOPIC}2"))
    with pushing(database, Clock()) as push:
        report = push.once()
    assert sorted((path, form["hub.topic"]) for path, form in hub.seen) == [
        (path, [topic]) for path in ("/a", "/b") for topic in (TOPIC, f"{TOPIC}2")
    ]
    assert (report.done, report.queued, report.next_due) == ({JobKind.PING: 4}, 0, None)
    assert report.summary() == "4 pings sent"


def test_a_pass_that_begins_during_a_hold_waits_for_its_end(database: Database) -> None:
    """It leaves the processor to the save, which the hold is for."""
    statements = list[str]()
    event.listen(
        database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    with pushing(database, Clock()) as push:
        push.hold()
        push.once()
    assert len(statements) < 100


def test_a_pass_may_count_nothing(database: Database, hub: Hub) -> None:
    """The daemon counts less often: it takes half a second for a million jobs."""
    enqueue(database, hub.url)
    statements = list[str]()
    event.listen(
        database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    with pushing(database, Clock()) as push:
        report = push.once(counted=False)
    assert (report.done, report.queued, report.next_due) == ({JobKind.PING: 1}, None, None)
    assert not [each for each in statements if "GROUP BY jobs.kind, jobs.state" in each]


def test_a_failed_ping_is_retried_when_due_and_given_up_at_the_end(
    database: Database, hub: Hub
) -> None:
    """One attempt, and one after each wait. Then it stays visible until the next change."""
    hub.behave = lambda path: 500
    enqueue(database, hub.url)
    clock = Clock()
    with pushing(database, clock) as push:
        report = push.once()
        assert (len(hub.seen), report.retried, report.next_due) == (
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
        assert (len(hub.seen), report.given_up, report.next_due) == (3, {JobKind.PING: 1}, None)
        with database.read() as connection:
            (state,) = hubs.states(connection)
        assert (state.given_up, state.last_failure, state.error) == (
            1,
            clock.now,
            "it answered 500",
        )
        hub.behave = lambda path: 200
        enqueue(database, hub.url, now=clock.now)
        assert push.once().done == {JobKind.PING: 1}
    with database.read() as connection:
        (state,) = hubs.states(connection)
    assert (state.given_up, state.waiting, state.last_success) == (0, 0, clock.now)


def test_setting_the_clock_back_delays_no_job(database: Database, hub: Hub) -> None:
    """A retry in five seconds comes in five seconds, and none before its Retry-After."""
    hub.behave = lambda path: 500 if path == "/a" else 503
    clock = Clock()
    with pushing(database, clock) as push:
        enqueue(database, f"{hub.url}/a")
        push.once()
        hub.headers = {"Retry-After": "120"}
        enqueue(database, f"{hub.url}/b")
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


def test_retry_after_delays_the_next_change_too(database: Database, hub: Hub) -> None:
    """A hub that asks for two minutes gets no ping for two minutes, whatever changes."""
    hub.behave, hub.headers = lambda path: 503, {"Retry-After": "120"}
    enqueue(database, hub.url)
    clock = Clock()
    with pushing(database, clock) as push:
        push.once()
        clock.now += timedelta(seconds=30)
        enqueue(database, hub.url, now=clock.now)
        assert push.once().next_due == NOW + timedelta(seconds=120)
    assert len(hub.seen) == 1


def test_retry_after_delays_every_topic_of_the_hub(database: Database, hub: Hub) -> None:
    """It holds for the hub's address: pings that are queued, and new ones, are not sent."""
    hub.behave, hub.headers = lambda path: 429, {"Retry-After": "120"}
    enqueue(database, hub.url, topics=tuple(f"{TOPIC}{n}" for n in range(300)))
    clock = Clock()
    with pushing(database, clock) as push:
        report = push.once()
        sent = len(hub.seen)
        assert (0 < sent < 100, sum(report.retried.values())) == (True, sent)
    clock.now += timedelta(seconds=30)
    hub.behave = lambda path: 204
    enqueue(database, hub.url, f"{hub.url}/another", now=clock.now)
    with pushing(database, clock) as push:  # it is stored for other processes
        assert push.once().done == {JobKind.PING: 1}
        assert (len(hub.seen), hub.seen[-1][0]) == (sent + 1, "/another")
        clock.now = NOW + timedelta(seconds=120)
        assert push.once().done == {JobKind.PING: 301}


def test_retry_after_holds_after_the_last_attempt(database: Database, hub: Hub) -> None:
    """A hub that gets no retry for one topic gets no ping for its others either."""
    hub.behave, hub.headers = lambda path: 429, {"Retry-After": "120"}
    enqueue(database, hub.url, topics=tuple(f"{TOPIC}{n}" for n in range(300)))
    with database.begin() as connection:
        connection.execute(text("UPDATE jobs SET attempts = 2"))
    with pushing(database, Clock()) as push:
        report = push.once()
    assert 0 < len(hub.seen) < 100
    assert report.given_up == {JobKind.PING: len(hub.seen)}


def test_a_hanging_hub_delays_no_other(database: Database, hub: Hub) -> None:
    """Of 300 pings to a hub that hangs and one to another, that one is sent at once."""

    def queued() -> int:
        with database.read() as connection:
            return sum(outbox.counts(connection).values())

    dead = Hub()
    dead.behave = lambda path: None
    enqueue(database, dead.url, topics=tuple(f"{TOPIC}{n}" for n in range(300)))
    enqueue(database, hub.url)
    with pushing(database, Clock(), timeout=30) as push:
        push_pass = threading.Thread(target=push.once)
        push_pass.start()
        until(lambda: queued() <= 300, seconds=5)
        push.stop()
        push_pass.join(5)
        assert (len(hub.seen), push_pass.is_alive()) == (1, False)
    dead.close()
    with database.read() as connection:
        assert outbox.counts(connection) == {(JobKind.PING, JobState.WAITING): 300}


class Breaking(Client):
    """A client in which a library raises for some addresses."""

    def send(self, request: Request) -> Response:
        if "broken" in request.url:
            raise IndexError("out of range")
        return super().send(request)


def test_a_request_that_raises_delays_no_other(database: Database, hub: Hub) -> None:
    """It is logged, retried like one without an answer, and given up in the end."""
    enqueue(database, f"{hub.url}/broken", f"{hub.url}/good")
    clock = Clock()
    with pushing(database, clock, kind=Breaking) as push:
        reports = []
        for _ in range(3):
            reports.append(push.once())
            clock.now += timedelta(hours=1)
    assert [seen[0] for seen in hub.seen] == ["/good"]
    assert [dict(report.given_up) for report in reports] == [{}, {}, {JobKind.PING: 1}]
    assert "internal error" in reports[0].problems[0].message


def test_a_pass_does_jobs_queued_meanwhile(database: Database, hub: Hub) -> None:
    """While it waits for one hub, it sends new pings to others."""
    hub.behave = lambda path: None if path == "/slow" else 204
    enqueue(database, f"{hub.url}/slow")
    clock = Clock()
    with pushing(database, clock) as push:
        push_pass = started(push, hub)
        enqueue(database, f"{hub.url}/quick")
        began = time.monotonic()
        push.nudge()
        until(lambda: len(hub.seen) >= 2)
        assert time.monotonic() - began < AT_ONCE
        hub.hold.set()
        push_pass.join(5)
        assert not push_pass.is_alive()


def test_a_run_waits_until_its_pings_are_being_sent(database: Database, hub: Hub) -> None:
    """Not for their responses."""
    hub.behave = lambda path: None
    enqueue(database, hub.url)
    with pushing(database, Clock()) as push:
        assert not push.nudge().is_set()
        push_pass = started(push, hub)
        enqueue(database, f"{hub.url}/next")
        assert push.nudge().wait(AT_ONCE)
        with database.read() as connection:
            assert outbox.counts(connection) == {(JobKind.PING, JobState.CLAIMED): 2}
        hub.hold.set()
        push_pass.join(5)


def test_a_change_while_its_ping_is_sent_causes_another(database: Database, hub: Hub) -> None:
    """The hub may have fetched before the second change. The second ping waits for the first."""
    hub.behave = lambda path: 204 if len(hub.seen) > 1 else (hub.hold.wait(5), 204)[1]
    enqueue(database, hub.url)
    with pushing(database, Clock()) as push:
        push_pass = started(push, hub)
        enqueue(database, hub.url)
        push.nudge()
        hub.hold.set()
        push_pass.join(5)
        push.once()
    assert len(hub.seen) == 2


def test_the_claims_of_a_dead_process_are_released(database: Database, hub: Hub) -> None:
    """At once for a new process of the same name, after the lease for any other."""
    enqueue(database, hub.url)
    for claimer in ("test", "another"):
        with database.begin() as connection:
            claims.claim(
                connection, NOW, claimer=claimer, lease=timedelta(minutes=2), limits=LIMITS
            )
        clock = Clock()
        with pushing(database, clock) as push:
            assert push.once().done == ({JobKind.PING: 1} if claimer == "test" else {})
            clock.now += timedelta(minutes=2)
            push.once()
        enqueue(database, hub.url)
    assert len(hub.seen) == 2


def test_outcomes_that_could_not_be_recorded_are_sent_again(database: Database, hub: Hub) -> None:
    """The state was missing when the answer came. The next pass does not wait for the lease."""
    path = database.path
    assert path
    away = path.with_name("away")
    hub.behave = lambda _: 204 if path.rename(away) else None
    enqueue(database, hub.url)
    with pushing(database, Clock()) as push:
        with pytest.raises(StateError, match="moved away"):
            push.once()
        away.rename(path)
        hub.behave = lambda _: 204
        assert push.once().done == {JobKind.PING: 1}


def test_a_claim_is_renewed_while_its_request_is_sent(database: Database, hub: Hub) -> None:
    """However long it takes, and even if the clock is set forward: it is not sent twice."""
    hub.behave = lambda path: None if path == "/slow" else 204
    enqueue(database, f"{hub.url}/slow")
    clock = Clock()
    with pushing(database, clock) as push:
        push_pass = started(push, hub)
        clock.now += timedelta(minutes=3)
        enqueue(database, f"{hub.url}/quick", now=clock.now)
        push.nudge()
        until(lambda: len(hub.seen) >= 2)
        with database.begin() as connection:
            lease, later = timedelta(minutes=2), clock.now + timedelta(minutes=1)
            assert not claims.claim(connection, later, claimer="other", lease=lease, limits=LIMITS)
        hub.hold.set()
        push_pass.join(5)
    assert [path for path, _ in hub.seen] == ["/slow", "/quick"]


def test_requests_of_an_aborted_pass_are_not_sent_twice(database: Database, hub: Hub) -> None:
    """The next pass waits for them, and records them with the outcomes left before."""
    path = database.path
    assert path
    away = path.with_name("away")

    def behave(at: str) -> int | None:
        until(lambda: len(hub.seen) >= 2)
        return None if at == "/slow" else 204 if path.rename(away) else None

    hub.behave = behave
    enqueue(database, f"{hub.url}/slow", f"{hub.url}/quick")
    with pushing(database, Clock(), timeout=0.5) as push:
        with pytest.raises(StateError, match="moved away"):
            push.once()
        away.rename(path)
        report = push.once()
    assert sorted(path for path, _ in hub.seen) == ["/quick", "/slow"]
    assert (report.done, report.retried) == ({JobKind.PING: 1}, {JobKind.PING: 1})


def test_no_ping_is_sent_before_its_feed_is_served(database: Database, hub: Hub) -> None:
    """Another process published the feed; its ping is sent once it can be fetched here."""
    enqueue(database, hub.url)
    served = False
    with pushing(
        database, Clock(), topics=Topics(read=lambda topic: None, is_served=lambda: served)
    ) as push:
        assert (push.once().queued, hub.seen) == (1, [])
        served = True
        assert push.once().queued == 0
    assert len(hub.seen) == 1


def test_a_delivery_waits_while_its_topic_can_not_be_read(database: Database, hub: Hub) -> None:
    """The file is being replaced, or was removed: the delivery follows when it is back."""

    def read(topic: str) -> None:
        raise OutputError("all.rss is not what was published")

    reader = Subscription(
        topic=TOPIC, callback=hub.url, secret=None, since=NOW, expires=NOW + timedelta(days=1)
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, reader)
        waves.raise_waves(connection, [TOPIC], NOW)
    with pushing(database, Clock(), topics=Topics(read=read)) as push:
        report = push.once()
    assert (report.queued, report.next_due, hub.seen) == (1, NOW + timedelta(seconds=1), [])


def test_fifty_changes_in_five_seconds_are_two_pings(database: Database, hub: Hub) -> None:
    """The first goes at once, the last when the pace allows; for each topic by itself."""
    clock = Clock()
    with pushing(database, clock, options=PACED) as push:
        for number in range(50):
            clock.now = NOW + timedelta(seconds=number / 10)
            enqueue(database, hub.url, now=clock.now)
            report = push.once()
        assert (len(hub.seen), report.queued) == (1, 1)
        assert report.next_due == NOW + timedelta(seconds=5)
        enqueue(database, hub.url, topics=(f"{TOPIC}2",), now=clock.now)
        push.once()
        assert [form["hub.topic"] for _, form in hub.seen] == [[TOPIC], [f"{TOPIC}2"]]
        clock.now = NOW + timedelta(seconds=5)
        assert push.once().queued == 0
    assert [form["hub.topic"] for _, form in hub.seen[2:]] == [[TOPIC]]


def test_the_pace_outlasts_the_process(database: Database, hub: Hub) -> None:
    """A change that waits for it is announced by the next process, no earlier."""
    clock = Clock()
    for seconds in (0, 1, 4, 5):
        clock.now = NOW + timedelta(seconds=seconds)
        if seconds < 2:
            enqueue(database, hub.url, now=clock.now)
        with pushing(database, clock, options=PACED) as push:
            push.once()
        assert len(hub.seen) == (1 if seconds < 5 else 2)


def test_a_change_while_its_ping_is_under_way_keeps_the_pace(database: Database, hub: Hub) -> None:
    """It begins when the request ends."""
    hub.behave = lambda path: 204 if hub.hold.wait(20) else 500
    enqueue(database, hub.url)
    with pushing(database, Clock(), options=PACED) as push:
        push_pass = started(push, hub)
        enqueue(database, hub.url)
        push.nudge()
        hub.hold.set()
        push_pass.join(5)
        assert push.once().next_due == NOW + timedelta(seconds=5)
    assert len(hub.seen) == 1


def test_a_failing_hub_gets_its_retries_and_no_more(database: Database, hub: Hub) -> None:
    """Changes keep their pace too; a retry has its own schedule."""
    hub.behave = lambda path: 500
    clock = Clock()
    slow = replace(OPTIONS, pace=Pace(timedelta(seconds=9)))
    with pushing(database, clock, options=slow) as push:
        enqueue(database, hub.url)
        push.once()
        clock.now += timedelta(seconds=5)
        push.once()
        assert len(hub.seen) == 2
        enqueue(database, hub.url, now=clock.now)
        assert push.once().next_due == clock.now + timedelta(seconds=9)
    assert len(hub.seen) == 2


def test_a_pass_without_pace_sends_at_once(database: Database, hub: Hub) -> None:
    """`syndicator push` was asked to send."""
    with pushing(database, Clock(), options=PACED) as push:
        for _ in range(3):
            enqueue(database, hub.url)
            assert push.once(paced=False).queued == 0
    assert len(hub.seen) == 3


class Trusting(Client):
    """A client that sends to any address."""

    def send(self, request: Request) -> Response:
        return super().send(replace(request, stranger=False))


def test_deliveries_keep_the_pace_of_their_subscriber(database: Database, hub: Hub) -> None:
    """Also those that a publish request queues, and to a subscriber whose deliveries fail."""
    hub.behave = lambda path: 500
    feed = FeedFile(path="", url=TOPIC, data=b"x", media_type="a/b", digest="d", hubs=("h",))
    reader = Subscription(
        topic=TOPIC, callback=hub.url, secret=None, since=NOW, expires=NOW + timedelta(days=1)
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, reader)
    clock = Clock()
    with pushing(
        database, clock, topics=Topics(read=lambda topic: feed), kind=Trusting, options=PACED
    ) as push:
        for number in range(50):
            clock.now = NOW + timedelta(seconds=number / 10)
            with database.begin() as connection:
                deliveries.enqueue_missing(connection, TOPIC, "d", clock.now)
            push.once()
        assert len(hub.seen) == 1
        clock.now = NOW + timedelta(seconds=6)
        push.once()
    assert len(hub.seen) == 2


def test_jobs_that_wait_for_their_pace_hold_up_no_other(database: Database, hub: Hub) -> None:
    """There may be more of them than one claim takes, and all before it in the queue."""
    topics = tuple(f"{TOPIC}{number}" for number in range(300))
    with database.begin() as connection:
        pings.record(connection, [(topic, hub.url) for topic in topics], NOW)
    clock = Clock()
    clock.now += timedelta(seconds=1)
    enqueue(database, hub.url, topics=topics)
    enqueue(database, hub.url, topics=("new",), now=clock.now)
    with pushing(database, clock, options=PACED) as push:
        report = push.once()
    assert [form["hub.topic"] for _, form in hub.seen] == [["new"]]
    assert (report.queued, report.next_due) == (300, NOW + timedelta(seconds=5))
