"""The order of requests: many at once, few per host, slow ones not in the way of others."""

from syndicator.outbound.fair_queue import FairQueue


def test_tasks_under_way_are_limited() -> None:
    """The next one starts when one has finished."""
    queue = FairQueue[str](at_once=2)
    queue.add([("a", "1"), ("b", "2"), ("c", "3")])
    assert [queue.take(0.0) for _ in range(3)] == ["1", "2", None]
    queue.finish("1")
    assert (queue.take(0.0), queue.waiting, queue.under_way) == ("3", 0, 2)


def test_tasks_of_one_host_are_limited() -> None:
    """Tasks of other hosts overtake those over the limit, which run later."""
    queue = FairQueue[str](at_once=9, per_host=1)
    queue.add([("a", "a1"), ("a", "a2"), ("b", "b1")])
    assert [queue.take(0.0) for _ in range(3)] == ["a1", "b1", None]
    queue.finish("a1")
    assert queue.take(0.0) == "a2"


def test_slow_tasks_stop_counting() -> None:
    """A request that waits for its host uses nothing but a thread: the next one starts."""
    queue = FairQueue[str](at_once=1, per_host=1, patience=0.25)
    queue.add([("a", "1"), ("a", "2")])
    assert (queue.take(0.0), queue.take(0.25), queue.take(0.26)) == ("1", None, "2")
    assert queue.under_way == 2


def test_slow_tasks_are_limited_in_all() -> None:
    """Slow or not, no more than `in_all` are under way."""
    queue = FairQueue[str](at_once=9, per_host=9, in_all=2)
    queue.add([("a", "1"), ("b", "2"), ("c", "3")])
    assert [queue.take(float(n)) for n in range(3)] == ["1", "2", None]
    queue.finish("2")
    assert queue.take(9.0) == "3"


def test_clear_drops_waiting_tasks() -> None:
    """Tasks under way are still counted."""
    queue = FairQueue[str]()
    queue.add([("a", "1"), ("a", "2")])
    queue.take(0.0)
    queue.clear()
    assert (queue.take(9.0), queue.waiting, queue.under_way) == (None, 0, 1)


def test_half_of_all_is_for_hosts_that_answer() -> None:
    """Hosts that hang get at most half, and more only when some of theirs have finished."""
    queue = FairQueue[str](at_once=9, per_host=9, in_all=4)
    queue.add([("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("c", "c1")])
    assert [queue.take(float(n)) for n in range(3)] == ["a1", "b1", "c1"]
    queue.finish("c1")
    assert queue.take(3.0) is None
    queue.finish("a1")
    assert queue.take(4.0) == "a2"


def test_tasks_that_a_slow_host_holds_up_are_set_aside() -> None:
    """Those that wait for it are removed. None as long as one of them can soon be done."""
    queue = FairQueue[str](at_once=2, per_host=1, patience=0.25)
    queue.add([("a", "a1"), ("a", "a2"), ("b", "b1")])
    assert (queue.take(0.0), queue.take(0.0)) == ("a1", "b1")
    for at in (0.2, 0.5):  # nothing is slow; nothing is slow for long
        assert queue.set_aside(["a1", "a2", "b1"], at, 1.0) is None
    queue.finish("b1")
    assert queue.set_aside(["a1", "a2", "b1"], 2.0, 1.0) is None  # the result of b1 is to come
    assert queue.set_aside(["a1", "a2"], 2.0, 1.0) == (["a2"], ["a1"])
    assert (queue.waiting, queue.under_way) == (0, 1)
    queue.finish("a1")
    assert queue.under_way == 0
