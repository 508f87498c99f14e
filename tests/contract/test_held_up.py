"""A page that slow callbacks hold up ends; what they answer later is recorded."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from command import AT_ONCE, until
from sqlalchemy import select
from wave_hub import Hub, names

from syndicator.model.outbox import Response
from syndicator.outbound.hold import Hold
from syndicator.push import lanes
from syndicator.push import pages as push_pages
from syndicator.push.context import Topics
from syndicator.push.pages import OpenPage, OpenPages, PageTerms
from syndicator.push.payloads import Payloads
from syndicator.push.record import record
from syndicator.push.send import SentTask
from syndicator.store.push_schema import jobs
from syndicator.websub.retry import RetryPolicy
from syndicator.websub.tasks import Task, outcome_of

LEASE = timedelta(minutes=2)
TERMS = PageTerms(pace=timedelta(), per_host=None)
RETRY = RetryPolicy(pings=(), callbacks=())


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
    pages = OpenPages(hub.database, Topics(read=hub.file), payloads, "one", lambda: hub.now)
    assert pages.turn([], LEASE, TERMS, claim=True)
    while pages.plan(pool):
        pass
    pool.start()
    for _ in range(20):
        assert under_way.acquire(timeout=AT_ONCE)
    ended = list[OpenPage]()
    until(lambda: ended.extend(pages.done(pool)) or ended, seconds=AT_ONCE)
    pages.turn(ended, LEASE, TERMS, claim=False)
    assert pages  # others are still to be recorded
    answered.set()
    while pool.busy:
        for each in pool.collect(AT_ONCE)[0]:
            outcome = pages.add(outcome_of(each.task, each.response, hub.now, hub.now, RETRY, 0))
            if outcome:
                with hub.database.begin() as connection:
                    record(connection, [outcome], hub.now, claimer="one")
    while ended := pages.done(pool):
        pages.turn(ended, LEASE, TERMS, claim=False)
    with hub.database.read() as connection:
        assert connection.execute(select(jobs)).all() == []
