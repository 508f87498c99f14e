"""What a subscriber has is not assumed of bytes that nobody recorded as sent."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from wave_hub import TOPIC, Hub, names

from syndicator.model.outbox import Delivery, Done, Job, Request, Response, Subscription
from syndicator.push.record import record
from syndicator.store import claims, pages, subscriptions
from syndicator.store.claimed_pages import Lease, PageEnd
from syndicator.store.database import Database
from syndicator.websub.tasks import Delivered, TaskOutcome

pytestmark = pytest.mark.usefixtures("small_pages")


def next_page(hub: Hub) -> dict[str, str | None] | None:
    """Claim a page and record it as sent. The digests that its subscribers had; None: no page."""
    lease = Lease(holder="one", expires=hub.now + timedelta(minutes=2))
    with hub.database.begin() as connection:
        claimed = pages.claim(connection, hub.now, lease, 512)
        if not claimed:
            return None
        [page] = claimed
        end = PageEnd(digest=f"d{hub.version}", sent=True)
        assert pages.record(connection, {page: end}, hub.now, pace=timedelta(0)) == claimed
        return {to: entry.delivered for to, entry in page.entries().items()}


def test_a_search_that_a_change_interrupts_has_not_come_to_all(hub: Hub) -> None:
    """New subscribers that it did not reach were sent nothing so far."""
    for callback in names(8, 1):
        hub.subscribe(callback)
    hub.change()
    hub.deliver_all()
    for number in range(12):
        hub.subscribe(f"https://h0.example/late{number}")
    hub.deliver_all()
    assert len(hub.callbacks.accepted) == 8
    assert hub.publish()
    sent = next_page(hub)
    assert sent is not None
    hub.change()
    had = dict[str, str | None]()
    while (page := next_page(hub)) is not None:
        had |= page
    assert len(had) == 20
    assert {callback for callback, digest in had.items() if digest} <= {
        *hub.callbacks.accepted,
        *sent,
    }


@pytest.mark.parametrize("transactions", range(1, 9))
def test_a_version_that_comes_back_after_a_crash_is_sent(hub: Hub, transactions: int) -> None:
    """The lost page brought another one, also to those whose own rows know what they have."""
    for callback in names(8, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    hub.callbacks.answer = lambda callback: (
        500 if len(hub.callbacks.received[callback]) < 2 else 200
    )
    hub.change()
    hub.deliver_all()
    assert set(hub.callbacks.accepted.values()) == {2}
    hub.change()
    hub.deliver(transactions)
    hub.version = 1
    hub.change()
    hub.deliver_all()
    assert set(hub.callbacks.accepted.values()) == {2}


def go_back(hub: Hub, version: int) -> None:
    hub.version = version - 1
    hub.change()


def stop_first(hub: Hub, monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """The next request is stopped after it arrived, and after `then`."""
    send, is_first = hub.client.send, iter([True])

    def stopped(request: Request) -> Response:
        response = send(request)
        if not next(is_first, False):
            return response
        then()
        return Response(status=None, error="stopped", stopped=True)

    monkeypatch.setattr(hub.client, "send", stopped)


def test_a_version_that_comes_back_after_a_stop_is_sent(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery that was stopped brought another one."""
    hub.subscribe("https://a.example/")
    hub.change()
    hub.deliver_all()
    stop_first(hub, monkeypatch, lambda: go_back(hub, 2))
    hub.change()
    hub.deliver_all()
    assert hub.callbacks.received["https://a.example/"] == [2, 3, 2]


def test_a_subscriber_that_came_back_is_not_denied(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The denial was under way, and failed."""
    callback, denials = "https://a.example/", list[str]()

    def send(request: Request) -> Response:
        denials.append(request.url)
        hub.subscribe(callback)
        return Response(status=503)

    monkeypatch.setattr(hub.client, "send", send)
    hub.subscribe(callback)
    with hub.database.begin(push=True) as connection:
        assert subscriptions.remove(connection, callback, hub.now) == 1
    hub.deliver_all()
    assert len(denials) == 1


def record_lost(hub: Hub, callback: str, version: int) -> None:
    """A delivery to a new subscriber arrived after its process had lost its claim."""
    lost = Job(
        id=claims.LOST, detail=Delivery(had="d1"), target=callback, topic=TOPIC,
        attempts=0, since=hub.now, due=hub.now,
    )  # fmt: skip
    outcome = TaskOutcome(job=lost, outcome=Done(), change=Delivered(digest=f"d{version}"))
    with hub.database.begin(push=True) as connection:
        record(connection, [outcome], hub.now, claimer="one")


def test_a_delivery_that_was_lost_is_sent_again(hub: Hub) -> None:
    """Also to a new subscriber, and if the topic is what it was when that subscribed."""
    hub.subscribe("https://a.example/")
    record_lost(hub, "https://a.example/", 2)
    hub.deliver_all()
    assert hub.callbacks.received["https://a.example/"] == [1]


def test_a_delivery_that_comes_late_while_another_is_under_way(hub: Hub) -> None:
    """Whatever that brings may have arrived before. Once is enough."""
    callback, is_first = "https://a.example/", iter([True])
    hub.change()
    hub.subscribe(callback, had=1)

    def answer(_callback: str) -> int:
        if next(is_first, False):
            record_lost(hub, callback, 1)
        return 200

    hub.callbacks.answer = answer
    hub.deliver_all()
    assert hub.callbacks.received[callback] == [2, 2]
    with hub.database.read() as connection:
        [(_, has)] = subscriptions.find(connection, [(TOPIC, callback)], hub.now).values()
    assert has == "d2"


def test_a_lease_that_ended_by_a_clock_that_was_ahead(hub: Hub) -> None:
    """The wave passed it by. It goes on, and has what it had before."""
    callback = "https://a.example/"
    hub.subscribe(callback, days=1)
    hub.change()
    hub.deliver_all()
    hub.now += timedelta(days=2)
    hub.change()
    hub.deliver_all()
    hub.now -= timedelta(days=2)
    with hub.database.read() as connection:
        [(_, has)] = subscriptions.find(connection, [(TOPIC, callback)], hub.now).values()
    assert (hub.callbacks.received[callback], has) == ([2], "d2")
    assert hub.publish()
    hub.deliver_all()
    assert hub.callbacks.received[callback] == [2, 3]


def test_a_subscription_that_is_recorded_during_a_change(
    postgresql: str,
) -> None:
    """No page passes it by while its transaction is open; then it gets the newest."""
    hub, other = Hub(postgresql), Database(postgresql)
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def change() -> None:
        hub.change()
        hub.deliver()

    changing = threading.Thread(target=change)
    for callback in names(3, 1):
        hub.subscribe(callback)
    hub.deliver_all()
    late = "https://h0.example/late"
    with other.begin(push=True) as connection, other.read() as beside:
        subscription = Subscription(
            topic=TOPIC,
            callback=late,
            secret=None,
            expires=hub.now + timedelta(days=1),
            since=hub.now,
        )
        subscriptions.upsert(connection, subscription, "d1")
        changing.start()
        end = time.monotonic() + 30
        while not beside.scalar(waits):
            assert time.monotonic() < end
        assert not hub.callbacks.accepted
    changing.join(30)
    hub.deliver_all()
    assert hub.callbacks.accepted == dict.fromkeys([*names(3, 1), late], 2)
    other.close()
    hub.database.close()
