"""A page that slow callbacks hold up ends; what they answer later is recorded."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from command import AT_ONCE, until
from sqlalchemy import select
from wave_hub import Hub, names

from syndicator.model.outbox import Response
from syndicator.model.sweeps import place_of, shard_of
from syndicator.outbound.hold import Hold
from syndicator.push import lanes
from syndicator.push import pages as push_pages
from syndicator.push.context import PushOptions, Topics
from syndicator.push.pages import OpenPage, OpenPages
from syndicator.push.payloads import Payloads
from syndicator.push.record import record
from syndicator.push.send import SentTask
from syndicator.store.push_schema import jobs
from syndicator.websub.retry import RetryPolicy
from syndicator.websub.tasks import Task, outcome_of

RETRY = RetryPolicy(pings=(), callbacks=())
OPTIONS = PushOptions(claimer="one", retry=RETRY)


@pytest.fixture
def hub(url: str) -> Iterator[Hub]:
    hub = Hub(url)
    yield hub
    hub.database.close()


def test_an_answer_before_the_page_is_recorded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that end together may be recorded one after the other. No claim is left."""
    monkeypatch.setattr(push_pages, "PATIENCE", 0.0)
    monkeypatch.setattr(push_pages, "_RECORD_LIMIT", 0)
    for callback in names(20, 20):
        hub.subscribe(callback)
    hub.deliver_all()
    hub.change()
    answered, under_way = threading.Event(), threading.Semaphore(0)

    def send(task: Task) -> SentTask:
        under_way.release()
        answered.wait(AT_ONCE)
        return SentTask(task, datetime.now(UTC), Response(status=200))

    pool = lanes.new_pool(send, Hold())
    payloads = Payloads(hub.database, hub.file, lambda: hub.now, only_changes=False)
    pages = OpenPages(hub.database, Topics(read=hub.file), payloads, OPTIONS, lambda: hub.now)
    assert pages.turn([], claim=True)
    while pages.plan(pool):
        pass
    pool.start()
    for _ in range(20):
        assert under_way.acquire(timeout=AT_ONCE)
    ended = list[OpenPage]()
    until(lambda: ended.extend(pages.done(pool)) or ended, seconds=AT_ONCE)
    pages.turn(ended, claim=False)
    assert pages  # others are still to be recorded
    answered.set()
    while pool.busy:
        for each in pool.collect(AT_ONCE)[0]:
            outcome = pages.add(outcome_of(each.task, each.response, hub.now, hub.now, RETRY, 0))
            if outcome:
                with hub.database.begin() as connection:
                    record(connection, [outcome], hub.now, claimer="one")
    while ended := pages.done(pool):
        pages.turn(ended, claim=False)
    with hub.database.read() as connection:
        assert connection.execute(select(jobs)).all() == []


@pytest.mark.usefixtures("small_pages")
def test_slow_callbacks_hold_up_one_page(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in each shard. A crash would send again what was sent of the page that waits."""
    for patience in ("PATIENCE", "LEAST_PATIENCE"):
        monkeypatch.setattr(push_pages, patience, 60.0)
    callbacks = names(200, 200)
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()
    answer, slow = threading.Event(), set[int]()

    def answered(callback: str) -> int:
        shard = shard_of(place_of(callback))
        if shard not in slow:
            slow.add(shard)
            answer.wait(AT_ONCE)
        return 200

    hub.callbacks.answer = answered
    hub.change()
    running = threading.Thread(target=hub.deliver_all)
    running.start()
    try:
        until(lambda: hub.callbacks.total() >= 10, seconds=AT_ONCE)
        time.sleep(0.5)  # for what it should not send
        assert hub.callbacks.total() == 10
    finally:
        answer.set()
        running.join(AT_ONCE)
    assert hub.callbacks.accepted == dict.fromkeys(callbacks, 2)


@pytest.mark.usefixtures("small_pages")
def test_more_pages_than_may_wait_wait_less(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is sent meanwhile. One claim has no room for all that are slow."""
    monkeypatch.setattr(push_pages, "PATIENCE", 60.0)
    callbacks = names(30, 30)
    slow, others = callbacks[:6], callbacks[6:]
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()
    answer = threading.Event()
    hub.callbacks.answer = lambda callback: (
        200 if callback not in slow or answer.wait(2 * AT_ONCE) else 500
    )
    hub.change()
    running = threading.Thread(target=hub.deliver_all)
    running.start()
    try:
        until(lambda: len(hub.callbacks.accepted) == len(others), seconds=AT_ONCE)
    finally:
        answer.set()
        running.join(AT_ONCE)
    assert hub.callbacks.accepted == dict.fromkeys(callbacks, 2)


def test_planning_a_page_goes_on_until_all_of_it_is_planned(hub: Hub) -> None:
    """Even if it is the only one: nothing waits for the first answers then."""
    for callback in names(40, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    hub.change()
    payloads = Payloads(hub.database, hub.file, lambda: hub.now, only_changes=False)
    pages = OpenPages(hub.database, Topics(read=hub.file), payloads, OPTIONS, lambda: hub.now)
    assert pages.turn([], claim=True)
    pool = lanes.new_pool(lambda task: task, Hold())
    assert [pages.plan(pool) for _ in range(3)] == [True, True, False]
    assert pool.waiting_in("deliveries") == 40
