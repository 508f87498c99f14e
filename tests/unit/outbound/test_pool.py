"""Threads that run errands side by side."""

import threading

import pytest

from syndicator.outbound import FairQueue, SenderPool
from syndicator.outbound.pool import ONE


def test_errands_run_side_by_side_and_come_back() -> None:
    """All at once, each with its result; whoever is free takes the next."""
    meet = threading.Barrier(3, timeout=5)
    hands = SenderPool[int, int](lambda number: (meet.wait(), number * 2)[1])
    hands.add(("a", number) for number in range(9))
    hands.start()
    results: list[int] = []
    while hands.busy:
        results += hands.collect(1)[0]
        hands.start()
    assert sorted(results) == [number * 2 for number in range(9)]
    hands.dismiss()


def test_a_bug_is_raised_where_results_are_collected() -> None:
    """Nothing is swallowed in a thread."""
    hands = SenderPool[int, float](lambda number: 1 / number)
    hands.add([("a", 0)])
    hands.start()
    with pytest.raises(ZeroDivisionError):
        hands.collect(5)
    assert not hands.busy
    hands.dismiss()


def test_a_thread_that_can_not_be_started_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads that are there do all; where there is none, that is raised, and nothing is under way."""
    hands = SenderPool[int, int](lambda number: number)
    start, allowed = threading.Thread.start, 2

    def limited(thread: threading.Thread) -> None:
        nonlocal allowed
        allowed -= 1
        if allowed < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    hands.add((str(number), number) for number in range(9))
    results: list[int] = []
    while hands.busy:
        hands.start()
        results += hands.collect(1)[0]
    assert sorted(results) == list(range(9))
    hands.dismiss()
    bare = SenderPool[int, int](lambda number: number)
    bare.add([("a", 1)])
    with pytest.raises(RuntimeError):
        bare.start()
    assert not bare.busy


def test_a_nudge_ends_the_wait() -> None:
    """Without a result."""
    hands = SenderPool[int, int](lambda number: number)
    threading.Timer(0.05, hands.nudge).start()
    assert hands.collect(5) == ([], True)
    assert hands.collect(0) == ([], False)


def test_what_waits_can_be_dropped() -> None:
    """What is under way still comes back."""
    go = threading.Event()
    hands = SenderPool[int, int](lambda number: (go.wait(5), number)[1])
    hands.add(("a", number) for number in range(99))
    hands.start()
    hands.drop()
    assert (hands.waiting_in(ONE), hands.busy) == (0, True)
    go.set()
    back: list[int] = []
    while hands.busy:
        back += hands.collect(1)[0]
    assert 0 < len(back) < 99
    hands.dismiss()


def test_a_lane_that_is_full_holds_no_other_back() -> None:
    """Each lane has a share of the threads."""
    go = threading.Event()
    lanes = {"quick": FairQueue[str](), "slow": FairQueue[str](in_all=3)}
    hands = SenderPool[str, str](
        lambda errand: (errand.startswith("slow") and go.wait(5), errand)[1], lanes
    )
    hands.add(((f"host{n}", f"slow{n}") for n in range(50)), "slow")
    hands.add([("a", "quick")], "quick")
    hands.start()
    assert hands.collect(5) == (["quick"], False)
    assert (hands.waiting_in("slow"), hands.waiting_in("quick")) == (47, 0)
    hands.drop()
    go.set()
    back: list[str] = []
    while hands.busy:
        back += hands.collect(1)[0]
    assert len(back) == 3
    hands.dismiss()
