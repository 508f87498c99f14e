"""A process that was suspended, or cut off, while it delivered."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

import pytest
from command import AT_ONCE
from wave_hub import NOW, WAITS, Hub, names

from syndicator.model.outbox import JobKind, JobState, Request, Response
from syndicator.push.context import PushListener, PushOptions, Topics
from syndicator.push.lanes import LANES
from syndicator.push.worker import PushWorker
from syndicator.store import outbox, processes
from syndicator.store.database import Database
from syndicator.websub.retry import RetryPolicy


@pytest.fixture
def hub(url: str) -> Iterator[Hub]:
    hub = Hub(url)
    yield hub
    hub.database.close()


def test_what_was_claimed_before_is_not_sent(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may have sent newer versions. Only what was under way arrives."""
    at_once, in_all = LANES["deliveries"]
    seconds, is_back, turn = [0.0], threading.Event(), threading.Lock()
    monkeypatch.setattr(processes, "clock", lambda: seconds[0])
    member = processes.Member()
    options = PushOptions(
        claimer="one",
        retry=RetryPolicy(pings=(), callbacks=WAITS),
        life=lambda: member.life,
        jitter=lambda: 0.0,
    )
    topics = Topics(read=hub.file)
    hub.worker = PushWorker(hub.database, hub.client, topics, options, clock=lambda: hub.now)

    def answer(_callback: str) -> int:
        with turn:
            if hub.callbacks.total() >= at_once and not is_back.is_set():
                hub.change()
                seconds[0] += 100
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


class SlowHubs:
    """Hubs that answer when a test says so, each with a status."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Semaphore(0), dict[str, threading.Event]()
        self.statuses = dict[str, int]()

    def send(self, request: Request) -> Response:
        self.asked.release()
        self.may_answer[request.url].wait(AT_ONCE)
        return Response(status=self.statuses[request.url])

    def close(self) -> None:
        pass


def test_an_id_that_is_given_away_again(database: Database) -> None:
    """Another process did the job: what its first claimer sent counts for no other job."""
    hubs, recorded = SlowHubs(), threading.Event()
    late, new = "https://late.example/", "https://new.example/"
    hubs.may_answer = {late: threading.Event(), new: threading.Event()}
    hubs.statuses = {late: 200, new: 503}
    policy = RetryPolicy(pings=WAITS, callbacks=())
    listener = PushListener(on_outcome=lambda *_: recorded.set())

    def worker(name: str, client: SlowHubs, minutes: int) -> PushWorker:
        return PushWorker(
            database,
            client,
            Topics(read=lambda topic: None),
            PushOptions(claimer=name, retry=policy),
            clock=lambda: NOW + timedelta(minutes=minutes),
            listener=listener,
        )

    def queue(hub: str) -> None:
        with database.begin(push=True) as connection:
            outbox.enqueue_pings(connection, [("https://news.example/all.rss", [hub])], NOW)

    queue(late)
    suspended = worker("one", hubs, 0)
    running = threading.Thread(target=suspended.once)
    running.start()
    assert hubs.asked.acquire(timeout=AT_ONCE)
    prompt = SlowHubs()
    prompt.may_answer, prompt.statuses = {late: threading.Event()}, {late: 200}
    prompt.may_answer[late].set()
    assert worker("two", prompt, 3).once().done == {JobKind.PING: 1}
    queue(new)
    suspended.nudge()
    assert hubs.asked.acquire(timeout=AT_ONCE)
    recorded.clear()
    hubs.may_answer[late].set()
    assert recorded.wait(AT_ONCE)
    hubs.may_answer[new].set()
    running.join(AT_ONCE)
    with database.read() as connection:
        assert outbox.counts(connection) == {(JobKind.PING, JobState.WAITING): 1}
