"""Waves on each database: whatever changes, fails and dies, each subscriber ends with the newest.

A hub's worker, the real one, delivers to callbacks in the process. It dies before any of its
transactions, and another one takes over.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, text
from wave_hub import NOW, TOPIC, Hub, names

from syndicator.model.sweeps import place_of, shard_of
from syndicator.push import pages as push_pages
from syndicator.store import (
    audiences,
    claims,
    deliveries,
    outbox,
    retention,
    subscriptions,
    waves,
)
from syndicator.store.refusals import MIGRATIONS
from syndicator.websub.pace import Pace

pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_each_subscriber_ends_with_the_newest(hub: Hub, seed: int) -> None:
    """And no subscriber accepts an older version after a newer one."""
    draw = random.Random(seed)
    callbacks = names(40, draw.choice([1, 3, 40]))
    subscribed = dict.fromkeys(callbacks[:25])
    statuses = [200, 200, 200, 200, 500, 503]
    ended = set[str]()

    def answer(callback: str) -> int:
        status = draw.choice(statuses) if draw.random() > 0.02 else 410
        ended.update([callback] if status == 410 else [])
        return status

    hub.callbacks.answer = answer
    for callback in subscribed:
        hub.subscribe(callback)
    for _ in range(40):
        step = draw.random()
        callback = draw.choice(callbacks)
        if step < 0.25:
            hub.change()
        elif step < 0.35:
            hub.publish()
        elif step < 0.45:
            hub.subscribe(callback, had=draw.randint(1, hub.version))
            ended.discard(callback)
        elif step < 0.5:
            hub.unsubscribe(callback)
        elif step < 0.8:
            hub.deliver(transactions=draw.randint(0, 12))
        else:
            hub.now += timedelta(seconds=draw.choice([0, 1, 6, 40, 200]))
            hub.deliver()
    statuses = [200]
    hub.change()
    hub.deliver_all()
    with hub.database.read() as connection:
        live = {one[1] for one in subscriptions.find(
            connection, [(TOPIC, callback) for callback in callbacks], hub.now
        )}  # fmt: skip
        assert outbox.counts(connection) == {}
    assert live
    for callback in callbacks:
        versions = hub.callbacks.received[callback]
        assert versions == sorted(versions)
        assert callback not in live or hub.callbacks.accepted[callback] == hub.version


def test_a_wave_without_failures_writes_a_few_rows(hub: Hub) -> None:
    """A change is one row; a page two; a delivery none."""
    for callback in names(100, 100):
        hub.subscribe(callback)
    hub.deliver_all()
    written = Counter[str]()

    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        word, *rest = statement.split()
        if word in ("INSERT", "UPDATE", "DELETE"):
            written[rest[0] if word == "UPDATE" else rest[1]] += 1

    event.listen(hub.database.engine, "after_cursor_execute", count)
    hub.change()
    assert written == {"waves": 1}
    hub.deliver_all()
    assert hub.callbacks.accepted == dict.fromkeys(names(100, 100), 2)
    assert written["subscriptions"] == 0
    assert written["shards"] < 100


def test_changes_within_a_wave_send_twice_the_subscribers_at_most(hub: Hub) -> None:
    """Five of them. Each subscriber gets the newest version last, and none twice."""
    callbacks = names(60, 1)
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()
    sent = iter(range(1000))

    def answer(callback: str) -> int:
        if next(sent) in (9, 19, 29, 39, 49):
            hub.change()
        return 200

    hub.callbacks.answer = answer
    hub.change()
    hub.deliver_all()
    assert set(hub.callbacks.accepted.values()) == {7}
    assert hub.callbacks.total() <= 2 * len(callbacks)
    assert all(len(set(got)) == len(got) for got in hub.callbacks.received.values())


@pytest.mark.parametrize("transactions", range(1, 12))
def test_a_crash_sends_one_page_again(hub: Hub, transactions: int) -> None:
    """Of each shard that was being sent, here one. The next process sends it at once."""
    callbacks = names(40, 1)
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()
    hub.change()
    hub.deliver(transactions)
    hub.deliver_all()
    assert set(hub.callbacks.accepted.values()) == {2}
    assert hub.callbacks.total() <= 40 + 5


def test_the_pages_of_a_dead_process_are_taken_over(hub: Hub, url: str) -> None:
    """When its lease ends, by a process of another name."""
    for callback in names(20, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    held = text("SELECT count(*) FROM shards WHERE page IS NOT NULL")
    for transactions in range(3, 12):
        hub.change()
        hub.deliver(transactions)
        with hub.database.read() as connection:
            if connection.scalar(held):
                break
    other = Hub(url, holder="two")
    other.version, other.callbacks = hub.version, hub.callbacks
    other.restart()
    report = other.deliver()
    assert report is not None
    assert report.next_due == NOW + timedelta(minutes=2)
    other.now += timedelta(minutes=2)
    other.deliver_all()
    assert set(hub.callbacks.accepted.values()) == {other.version}
    other.database.close()


def test_a_process_that_goes_on_later_sends_its_page_once_more(hub: Hub, url: str) -> None:
    """Another one took it meanwhile, and what was sent late may have arrived after the newer."""
    for callback in names(5, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    other = Hub(url, holder="two")
    other.callbacks = hub.callbacks
    other.restart()
    suspended = threading.Lock()

    def answer(callback: str) -> int:
        if suspended.acquire(blocking=False):  # until its lease is over
            other.now += timedelta(minutes=3)
            hub.change()
            other.version = hub.version
            other.deliver_all()
        return 200

    hub.callbacks.answer = answer
    hub.change()
    hub.deliver()
    assert suspended.locked()
    hub.now = other.now
    hub.deliver_all()
    assert hub.callbacks.accepted == dict.fromkeys(names(5, 1), 3)
    other.database.close()


def test_a_part_that_is_claimed_anew_is_another_page(
    hub: Hub, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process lost it while a delivery was under way, which arrives after the newer one."""
    monkeypatch.setattr(push_pages, "PATIENCE", 60)
    [callback] = names(1, 1)
    hub.subscribe(callback)
    hub.deliver_all()
    other = Hub(url, holder="two")
    other.callbacks = hub.callbacks
    other.restart()
    over, is_first = threading.Event(), threading.Lock()
    hub.callbacks.answer = lambda callback: (
        200 if not is_first.acquire(blocking=False) or over.wait(60) else 500
    )
    hub.change()
    running = threading.Thread(target=hub.deliver)
    running.start()
    try:
        wait_for(lambda: hub.callbacks.received[callback] == [2])
        other.version, other.now = hub.version, hub.now + timedelta(minutes=3)
        other.deliver_all()
        hub.now = other.now
        hub.change()
        hub.worker.nudge()
        wait_for(lambda: hub.callbacks.accepted.get(callback) == 3)
        assert hub.callbacks.received[callback] == [2, 2, 3]
    finally:
        over.set()
        running.join(60)
    hub.deliver_all()
    assert hub.callbacks.received[callback] == [2, 2, 3, 3]
    assert hub.callbacks.accepted[callback] == 3
    other.database.close()


def wait_for(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_only_failures_become_jobs(hub: Hub) -> None:
    """They are retried, given up, and sent the next change; the others get nothing more."""
    good, bad = names(2, 2)
    for callback in (good, bad):
        hub.subscribe(callback)
    hub.deliver_all()
    hub.callbacks.answer = lambda callback: 500 if callback == bad else 200
    hub.change()
    hub.deliver_all()
    assert (hub.callbacks.received[good], hub.callbacks.received[bad]) == ([2], [2, 2, 2])
    with hub.database.read() as connection:
        listed = {one.error: one for one in audiences.subscribers(connection, hub.now)}
        audience = audiences.by_topic(connection, hub.now)[TOPIC]
    failing = listed["it answered 500"]
    assert (failing.failures, failing.last_success, failing.last_failure) == (3, None, hub.now)
    assert (failing.given_up, listed[None].given_up) == (True, False)
    assert (listed[None].last_success, listed[None].failures) == (NOW, 0)
    assert (audience.failing, audience.last_success) == (1, NOW)
    hub.callbacks.answer = lambda callback: 200
    hub.change()
    hub.deliver_all()
    assert hub.callbacks.accepted == {good: 3, bad: 3}


def test_retry_after_holds_for_the_next_wave(hub: Hub) -> None:
    """A subscriber that asked for ten minutes gets nothing before, whatever changes."""
    hub.subscribe("https://a.example/")
    hub.deliver_all()
    hub.callbacks.answer, hub.callbacks.headers = lambda callback: 503, {"retry-after": "600"}
    hub.change()
    hub.deliver()
    hub.callbacks.answer = lambda callback: 200
    for _ in range(3):
        hub.now += timedelta(seconds=100)
        hub.change()
        report = hub.deliver()
        assert report is not None
        assert report.next_due == NOW + timedelta(seconds=600)
    hub.deliver_all()
    assert hub.callbacks.received["https://a.example/"] == [2, 5]


def test_a_slow_subscriber_holds_up_no_sweep(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its delivery becomes a job while it is under way. What follows waits for it."""
    monkeypatch.setattr(push_pages, "PATIENCE", 0.3)
    slow, *others = names(30, 1)
    for callback in (slow, *others):
        hub.subscribe(callback)
    hub.deliver_all()
    over = threading.Event()
    hub.callbacks.answer = lambda callback: 200 if callback != slow or over.wait(20) else 500
    hub.change()
    running = threading.Thread(target=hub.deliver)
    running.start()
    try:
        for version in (2, 3):
            end = datetime.now() + timedelta(seconds=20)
            while any(hub.callbacks.accepted.get(each) != version for each in others):
                assert datetime.now() < end, hub.callbacks.accepted
            if version == 2:
                hub.change()
                hub.worker.nudge()
        assert hub.callbacks.received[slow] == [2]
    finally:
        over.set()
        running.join(20)
    hub.deliver_all()
    assert hub.callbacks.received[slow] == [2, 3]


def test_a_new_subscriber_in_a_wave_gets_the_newest_once(hub: Hub) -> None:
    """If it requested its subscription before the change; nothing if after."""
    early, late = "https://h0.example/early", "https://h0.example/late"
    for callback in names(30, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    hub.change()
    hub.deliver(transactions=5)
    hub.subscribe(early, had=1)
    hub.subscribe(late)
    hub.deliver_all()
    assert (hub.callbacks.received[early], hub.callbacks.received[late]) == ([2], [])
    assert hub.publish()
    hub.deliver_all()
    assert (hub.callbacks.received[early], hub.callbacks.received[late]) == ([2], [2])
    assert not hub.publish()


def test_a_publish_request_delays_no_change(url: str) -> None:
    """It sends to those that lack the bytes. The others' last delivery is when it was."""
    hub = Hub(url, pace=Pace(timedelta(seconds=5)))
    has, lacks = names(2, 1)
    hub.subscribe(has)
    hub.change()
    hub.deliver_all()
    hub.now += timedelta(minutes=1)
    hub.subscribe(lacks)
    hub.deliver()
    assert hub.publish()
    hub.deliver()
    assert hub.callbacks.received == {has: [2], lacks: [2]}
    with hub.database.read() as connection:
        times = [each.last_success for each in audiences.subscribers(connection, hub.now)]
        assert sorted(filter(None, times)) == [NOW, hub.now]
        assert outbox.counts(connection) == {}
    assert not hub.publish()
    hub.change()
    hub.deliver()
    assert hub.callbacks.received == {has: [2, 3], lacks: [2]}
    hub.deliver_all()
    assert hub.callbacks.received == {has: [2, 3], lacks: [2, 3]}
    hub.database.close()


def test_the_subscribers_that_a_wave_has_not_reached_are_counted_at_once(hub: Hub) -> None:
    """By one query, wherever the sweep of each shard is."""
    callbacks = names(40, 8)
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()
    hub.callbacks.accepted.clear()
    queries = list[str]()
    event.listen(hub.database.engine, "before_cursor_execute", lambda *of: queries.append(of[2]))
    for transactions in (4, 6, 8, 5, 7):
        hub.change()
        hub.deliver(transactions)
        with hub.database.begin() as connection:
            claims.release(connection, "one")
            before = len(queries)
            unreached = waves.unreached(connection)
            assert len(queries) == before + 1
            shards = waves.of_topics(connection)
        expected = [
            callback
            for callback in callbacks
            if (shard := shards[TOPIC, shard_of(place_of(callback))]).wave < hub.version - 1
            or not shard.is_reached(place_of(callback))
        ]
        assert unreached == len(expected)
    hub.deliver_all()


def test_waves_keep_their_pace(url: str) -> None:
    """The first change goes at once, and the last of those that follow after the pace."""
    hub = Hub(url, pace=Pace(timedelta(seconds=5)))
    hub.subscribe("https://a.example/")
    hub.deliver_all()
    for number in range(8):
        hub.now = NOW + timedelta(seconds=number)
        hub.change()
        hub.deliver()
    assert hub.callbacks.received["https://a.example/"] == [2, 7]
    hub.deliver_all()
    assert hub.callbacks.received["https://a.example/"] == [2, 7, 9]
    hub.database.close()


def test_a_delivery_by_a_job_keeps_the_pace(url: str) -> None:
    """Such as the first one to a new subscriber."""
    hub = Hub(url, pace=Pace(timedelta(seconds=5)))
    hub.change()
    hub.subscribe("https://a.example/", had=1)
    for number in range(8):
        hub.now = NOW + timedelta(seconds=number)
        hub.deliver()
        hub.deliver()  # what the first pass made a job
        hub.change()
    assert hub.callbacks.received["https://a.example/"] == [2, 7]
    hub.deliver_all()
    assert hub.callbacks.received["https://a.example/"] == [2, 7, 10]
    hub.database.close()


def test_waves_of_ended_topics_are_deleted(hub: Hub) -> None:
    """Once nobody is subscribed to them and their feed is not published."""
    hub.subscribe("https://a.example/")
    hub.change()
    with hub.database.begin() as connection:
        retention.delete_expired(connection, [], hub.now)
        assert waves.of_topics(connection)
        deliveries.enqueue_denials(connection, [TOPIC], hub.now)
        retention.delete_expired(connection, [], hub.now)
        assert not waves.of_topics(connection)
        assert connection.scalar(text("SELECT count(*) FROM waves")) == 0


def test_a_state_of_the_version_before_sends_nothing_anew(url: str) -> None:
    """What waits in its outbox is sent; who has the newest bytes gets the next change only."""
    has, waits, lacks = names(3, 3)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0013")
        for callback, delivered in ((has, "d1"), (waits, "d0"), (lacks, None)):
            connection.execute(
                text(
                    "INSERT INTO subscriptions (topic, callback, host, since, expires, failures,"
                    " delivered) VALUES (:topic, :callback, 'h', 1, 9000000000000000, 0, :has)"
                ),
                {"topic": TOPIC, "callback": callback, "has": delivered},
            )
        connection.execute(
            text(
                "INSERT INTO jobs (kind, target, topic, variant, host, state, attempts, since, due,"
                " not_before, detail) VALUES ('deliver', :to, :topic, '', 'h', 'waiting', 0, 1, 1,"
                " 0, '{}')"
            ),
            {"topic": TOPIC, "to": waits},
        )
    engine.dispose()
    hub = Hub(url)
    hub.deliver_all()
    assert hub.callbacks.received == {waits: [1]}
    assert hub.publish()
    hub.deliver_all()
    assert hub.callbacks.received == {waits: [1], lacks: [1]}
    hub.change()
    hub.deliver_all()
    assert hub.callbacks.received == {has: [2], waits: [1, 2], lacks: [1, 2]}
    hub.database.close()
