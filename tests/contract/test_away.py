"""A process that was suspended, or cut off, while it delivered."""

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import chain

import pytest
from command import AT_ONCE
from wave_hub import WAITS, Hub, names

from syndicator.push.context import PushOptions, Topics
from syndicator.push.lanes import LANES
from syndicator.push.worker import PushWorker
from syndicator.websub.retry import RetryPolicy


@pytest.fixture
def hub(url: str) -> Iterator[Hub]:
    hub = Hub(url)
    yield hub
    hub.database.close()


def test_what_was_claimed_before_is_not_sent(hub: Hub) -> None:
    """Another process may have sent newer versions. Only what was under way arrives."""
    at_once, in_all = LANES["deliveries"]
    lives, is_back, turn = [0], threading.Event(), threading.Lock()
    options = PushOptions(
        claimer="one",
        retry=RetryPolicy(pings=(), callbacks=WAITS),
        life=lambda: lives[0],
        jitter=lambda: 0.0,
    )
    topics = Topics(read=hub.file)
    hub.worker = PushWorker(hub.database, hub.client, topics, options, clock=lambda: hub.now)

    def answer(_callback: str) -> int:
        with turn:
            if hub.callbacks.total() >= at_once and not is_back.is_set():
                hub.change()
                lives[0] += 1
                is_back.set()
        return 200 if is_back.wait(AT_ONCE) else 500

    callbacks = names(2 * in_all, 100)
    for callback in callbacks:
        hub.subscribe(callback)
    hub.deliver_all()  # from now on by pages
    hub.callbacks.answer = answer
    hub.change()
    hub.deliver_all()
    versions = Counter(chain.from_iterable(hub.callbacks.received.values()))
    assert at_once <= versions[2] <= in_all
    assert all(hub.callbacks.received[callback][-1] == 3 for callback in callbacks)
