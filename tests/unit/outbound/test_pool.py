"""The thread pool that sends requests."""

import threading
from typing import TypeVar

import pytest
from command import PATIENCE, until

from syndicator.outbound.fair_queue import FairQueue
from syndicator.outbound.pool import ONE, SenderPool

T = TypeVar("T")
R = TypeVar("R")


def finish(pool: SenderPool[T, R], *, start: bool = False) -> list[R]:
    """Collect results until there are no more. `start`: call the pool's `start` each time."""
    results: list[R] = []

    def is_finished() -> bool:
        if start:
            pool.start()
        results.extend(pool.collect(0.1)[0])
        return not pool.busy

    until(is_finished, what="the last result")
    return results


def test_tasks_run_concurrently() -> None:
    """Each returns its result, and an idle thread takes the next task."""
    meet = threading.Barrier(3, timeout=PATIENCE)
    pool = SenderPool[int, int](lambda number: (meet.wait(), number * 2)[1])
    pool.add(("a", number) for number in range(9))
    assert sorted(finish(pool, start=True)) == [number * 2 for number in range(9)]
    pool.dismiss()


def test_a_bug_is_raised_where_results_are_collected() -> None:
    """An exception in a thread is not lost."""
    pool = SenderPool[int, float](lambda number: 1 / number)
    pool.add([("a", 0)])
    pool.start()
    with pytest.raises(ZeroDivisionError):
        pool.collect(PATIENCE)
    assert not pool.busy
    pool.dismiss()


def test_a_thread_that_can_not_be_started_loses_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Existing threads run all tasks. Without any, `start` raises and nothing is under way."""
    pool = SenderPool[int, int](lambda number: number)
    start, allowed = threading.Thread.start, 2

    def limited(thread: threading.Thread) -> None:
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    pool.add((str(number), number) for number in range(9))
    assert sorted(finish(pool, start=True)) == list(range(9))
    pool.dismiss()
    bare = SenderPool[int, int](lambda number: number)
    bare.add([("a", 1)])
    with pytest.raises(RuntimeError):
        bare.start()
    assert not bare.busy


def test_a_nudge_ends_the_wait() -> None:
    """`collect` then returns without a result."""
    pool = SenderPool[int, int](lambda number: number)
    threading.Timer(0.05, pool.nudge).start()
    assert pool.collect(PATIENCE) == ([], True)
    assert pool.collect(0) == ([], False)


def test_drop_removes_waiting_tasks() -> None:
    """Results of tasks under way are still collected."""
    go = threading.Event()
    pool = SenderPool[int, int](lambda number: (go.wait(PATIENCE), number)[1])
    pool.add(("a", number) for number in range(99))
    pool.start()
    pool.drop()
    assert (pool.waiting_in(ONE), pool.busy) == (0, True)
    go.set()
    assert 0 < len(finish(pool)) < 99
    pool.dismiss()


def test_a_full_lane_does_not_delay_another() -> None:
    """Each lane has its share of the threads."""
    go = threading.Event()
    lanes = {"quick": FairQueue[str](), "slow": FairQueue[str](in_all=3)}
    pool = SenderPool[str, str](
        lambda task: (task.startswith("slow") and go.wait(PATIENCE), task)[1], lanes
    )
    pool.add(((f"host{n}", f"slow{n}") for n in range(50)), "slow")
    pool.add([("a", "quick")], "quick")
    pool.start()
    assert pool.collect(PATIENCE) == (["quick"], False)
    assert (pool.waiting_in("slow"), pool.waiting_in("quick")) == (47, 0)
    pool.drop()
    go.set()
    assert len(finish(pool)) == 3
    pool.dismiss()
