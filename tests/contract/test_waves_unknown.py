"""What a subscriber has is not assumed of bytes that nobody recorded as sent."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from wave_hub import TOPIC, Hub, names

from syndicator.model.outbox import Subscription
from syndicator.store import pages, subscriptions
from syndicator.store.claimed_pages import Lease, PageEnd
from syndicator.store.database import Database

pytestmark = pytest.mark.usefixtures("small_pages")


def next_page(hub: Hub) -> dict[str, str | None] | None:
    """Claim a page and record it as sent. The digests that its subscribers had; None: no page."""
    lease = Lease(holder="one", expires=hub.now + timedelta(minutes=2))
    with hub.database.begin() as connection:
        claimed = pages.claim(connection, hub.now, lease)
        if not claimed:
            return None
        [page] = claimed
        end = PageEnd(digest=f"d{hub.version}", sent=True)
        assert pages.record(connection, {page: end}, hub.now, pace=timedelta(0)) == claimed
        return {entry.subscription.callback: entry.delivered for entry in page.entries()}


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
