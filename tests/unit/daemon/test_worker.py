"""A thread that works on request, survives exceptions, and has a heartbeat."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from command import PATIENCE, until

from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.worker import PAUSE, Worker

HOUR = timedelta(hours=1)


@contextmanager
def running(
    work: Callable[[frozenset[str]], None],
    failed: Callable[[Exception], None] = lambda error: None,
    *,
    at_least: timedelta = HOUR,
    pause: float = PAUSE,
) -> Iterator[Worker[frozenset[str]]]:
    worker = Worker(
        "test", work, nothing=frozenset[str](), at_least=at_least, failed=failed, pause=pause
    )
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        ended = worker.join(PATIENCE)
    assert ended


def test_requests_made_during_work_are_done_next_together() -> None:
    calls: list[frozenset[str]] = []
    begun = threading.Event()
    go_on = threading.Event()

    def work(requests: frozenset[str]) -> None:
        calls.append(requests)
        begun.set()
        assert go_on.wait(PATIENCE)

    with running(work) as worker:
        worker.request(frozenset("a"))
        assert begun.wait(PATIENCE)
        worker.request(frozenset("b"))
        worker.request(frozenset("bc"))
        worker.request(frozenset())  # asks for nothing
        assert worker.pending() == {"b", "c"}
        go_on.set()
        until(lambda: len(calls) == 2)
    assert calls == [{"a"}, {"b", "c"}]


def test_it_works_without_a_request_after_a_while() -> None:
    """The scheduler may be late, or dead."""
    calls: list[frozenset[str]] = []
    with running(calls.append, at_least=timedelta(milliseconds=10)):
        until(lambda: len(calls) > 2)
    assert set(calls) == {frozenset()}


@pytest.mark.parametrize("report_works", [True, False])
def test_work_that_raises_is_repeated(report_works: bool) -> None:
    """The thread survives every exception, also one of the report. No request is lost."""
    calls: list[frozenset[str]] = []
    errors: list[Exception] = []

    def work(requests: frozenset[str]) -> None:
        calls.append(requests)
        if len(calls) < 3:
            raise MemoryError("out of memory")

    def failed(error: Exception) -> None:
        errors.append(error)
        if not report_works:
            raise OSError("the report failed")

    with running(work, failed, pause=0.01) as worker:
        worker.request(frozenset("a"))
        until(lambda: len(calls) == 3)
        assert worker.heartbeat.is_alive()
    assert calls == [{"a"}] * 3
    assert [str(error) for error in errors] == ["out of memory"] * 2


def test_it_stops_during_the_pause() -> None:
    """Work that failed does not delay a stop: `running` ends long before the pause."""
    failed = threading.Event()

    def work(_requests: frozenset[str]) -> None:
        raise ValueError

    with running(work, lambda error: failed.set(), pause=10 * PATIENCE) as worker:
        worker.request(frozenset("a"))
        assert failed.wait(PATIENCE)


def test_a_heartbeat_lasts_while_a_thread_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that was not started counts as alive. One that hangs, or has ended, does not."""
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("syndicator.daemon.heartbeat.time", clock)
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, args=[10 * PATIENCE], daemon=True)
    heartbeat = Heartbeat(thread, patience=5)
    now += 6
    assert heartbeat.is_alive()
    thread.start()
    assert not heartbeat.is_alive()
    heartbeat.beat()
    now += 4
    assert heartbeat.is_alive()
    now += 2
    assert not heartbeat.is_alive()
    heartbeat.beat(idle=60)
    now += 64
    assert heartbeat.is_alive()
    go_on.set()
    thread.join(PATIENCE)
    assert not heartbeat.is_alive()
