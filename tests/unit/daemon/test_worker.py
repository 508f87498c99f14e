"""A thread that works when asked, survives what its work raises, and says whether it lives."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from command import until

from syndicator.daemon import worker
from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.worker import Worker

HOUR = timedelta(hours=1)


@contextmanager
def working(
    work: Callable[[frozenset[str]], None],
    failed: Callable[[Exception], None] = lambda error: None,
    at_least: timedelta = HOUR,
) -> Iterator[Worker]:
    one = Worker("test", work, at_least=at_least, failed=failed)
    one.start()
    yield one
    one.stop()
    assert one.join(5)


def test_it_does_all_that_was_asked_at_once() -> None:
    """What is asked while it works is done next, together."""
    done: list[frozenset[str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def work(asked: frozenset[str]) -> None:
        done.append(asked)
        begun.set()
        assert go_on.wait(5)

    with working(work) as one:
        one.ask("a")
        assert begun.wait(5)
        one.ask("b")
        one.ask("c", "b")
        assert one.waiting() == {"b", "c"}
        go_on.set()
        until(lambda: len(done) == 2)
    assert done == [{"a"}, {"b", "c"}]


def test_it_works_by_itself_when_nobody_asks() -> None:
    """The scheduler may be late, or gone."""
    done: list[frozenset[str]] = []
    with working(done.append, at_least=timedelta(milliseconds=10)):
        until(lambda: len(done) > 2)
    assert set(done) == {frozenset()}


@pytest.mark.parametrize("tells", [True, False])
def test_work_that_raises_is_done_again(monkeypatch: pytest.MonkeyPatch, tells: bool) -> None:
    """The thread lives on, whatever is raised, by the telling of it too; nothing that was asked is lost."""
    monkeypatch.setattr(worker, "PAUSE", 0.01)
    tried: list[frozenset[str]] = []
    told: list[Exception] = []

    def work(asked: frozenset[str]) -> None:
        tried.append(asked)
        if len(tried) < 3:
            raise MemoryError("none left")

    def failed(error: Exception) -> None:
        told.append(error)
        if not tells:
            raise OSError("can't be told")

    with working(work, failed) as one:
        one.ask("a")
        until(lambda: len(tried) == 3)
        assert one.pulse.is_felt()
    assert tried == [{"a"}] * 3
    assert [str(error) for error in told] == ["none left"] * 2


def test_it_ends_during_the_pause() -> None:
    """A stop is not held up by work that failed."""
    failed = threading.Event()

    def work(_asked: frozenset[str]) -> None:
        raise ValueError

    with working(work, lambda error: failed.set()) as one:
        one.ask("a")
        assert failed.wait(5)
        begun = time.monotonic()
    assert time.monotonic() - begun < worker.PAUSE / 2


def test_a_pulse_is_felt_while_a_thread_works() -> None:
    """Before the start there is nothing to feel; a thread that hangs, or that ended, has none."""
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, args=[5], daemon=True)
    pulse = Heartbeat(thread, patience=0.05)
    until(lambda: pulse.is_felt(), seconds=1)
    thread.start()
    until(lambda: not pulse.is_felt(), seconds=2)
    pulse.beat()
    assert pulse.is_felt()
    pulse.beat(waiting=60)
    time.sleep(0.1)
    assert pulse.is_felt()
    go_on.set()
    thread.join()
    assert not pulse.is_felt()
