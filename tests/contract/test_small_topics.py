"""Many topics with a few subscribers each, which change together."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from wave_hub import NOW, Hub

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Subscription
from syndicator.outbound.hold import Hold
from syndicator.push import lanes
from syndicator.push import pages as push_pages
from syndicator.push.context import PushOptions, Topics
from syndicator.push.pages import OpenPages
from syndicator.push.payloads import Payloads
from syndicator.store import pages, subscriptions, waves
from syndicator.store.claimed_pages import Lease
from syndicator.websub.retry import RetryPolicy

LEASE = Lease(holder="one", expires=NOW + timedelta(minutes=2))


def topics(hub: Hub, number: int, callbacks: int) -> list[str]:
    """Topics that have changed, each with callbacks of its own."""
    names = [f"https://news.example/{n:03}.rss" for n in range(number)]
    for topic in names:
        for n in range(callbacks):
            one = Subscription(
                topic=topic,
                callback=f"https://h.example/{topic[-7:-4]}/{n}",
                secret=None,
                since=NOW,
                expires=NOW + timedelta(days=9),
            )
            with hub.database.begin() as connection:
                subscriptions.upsert(connection, one)
    change(hub, names)
    return names


def change(hub: Hub, names: list[str]) -> None:
    with hub.database.begin() as connection:
        hub.version += 1
        waves.raise_waves(connection, names, hub.now)


def sizes(hub: Hub, size: int = 512) -> list[int]:
    """The numbers of subscribers of the pages that are claimed together."""
    with hub.database.begin() as connection:
        return [len(page.rows) for page in pages.claim(connection, NOW, LEASE, size)]


def test_small_pages_are_claimed_together(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TOGETHER` at most."""
    topics(hub, 5, callbacks=3)
    assert sizes(hub, 8) == [3, 3, 2]  # the rest of the third follows when its page is done
    monkeypatch.setattr(pages, "TOGETHER", 1)
    assert sizes(hub) == [3]
    assert sizes(hub) == [3]
    assert sizes(hub) == []


def test_each_of_many_topics_arrives_once(hub: Hub) -> None:
    names = topics(hub, 70, callbacks=1)
    hub.deliver_all()
    change(hub, names[:40])
    hub.deliver_all()
    got = hub.callbacks.received
    assert [got[f"https://h.example/{n:03}/0"] for n in range(70)] == [[2, 3]] * 40 + [[2]] * 30


def test_a_topic_that_changes_after_its_claim_is_sent_as_it_is_then(hub: Hub) -> None:
    """And those that were claimed with it are sent as they were."""
    names = topics(hub, 3, callbacks=1)
    read, changed = hub.file, list[str]()

    def read_topic(topic: str) -> FeedFile | None:
        if topic == names[1] and not changed:
            changed.append(topic)
            change(hub, [topic])
        version = 3 if topic == names[1] else 2
        file = read(topic)
        assert file is not None
        return replace(file, data=b"%d" % version, digest=f"d{version}")

    hub.file = read_topic  # type: ignore[method-assign]
    hub.restart()
    hub.deliver_all()
    got = hub.callbacks.received
    assert [got[f"https://h.example/{n:03}/0"] for n in range(3)] == [[2], [3], [2]]


def test_feeds_that_are_being_sent_take_bounded_memory(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page is claimed while those under way have feeds of more than some bytes."""
    topics(hub, 6, callbacks=1)
    monkeypatch.setattr(pages, "TOGETHER", 1)
    monkeypatch.setattr(push_pages, "_MAX_BYTES", 2)  # a feed has one
    payloads = Payloads(hub.database, hub.file, lambda: NOW, only_changes=False)
    options = PushOptions(claimer="one", retry=RetryPolicy(pings=(), callbacks=()))
    open_pages = OpenPages(
        hub.database, Topics(read=hub.file), payloads, options, clock=lambda: NOW
    )
    pool = lanes.new_pool(hub.client.send, Hold())
    claimed = 0
    while open_pages.is_claimable(pool) and claimed < 6:
        claimed += open_pages.turn((), claim=True)
    assert claimed == 2
