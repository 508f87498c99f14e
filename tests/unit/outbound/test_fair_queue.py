"""Who goes next: many at once, few to one host, and whoever waits for the other side stands in nobody's way."""

from syndicator.outbound.fair_queue import FairQueue


def test_those_that_run_at_once_are_bounded() -> None:
    """The next begins when one is over."""
    turns = FairQueue[str](at_once=2)
    turns.add([("a", "1"), ("b", "2"), ("c", "3")])
    assert [turns.take(0.0) for _ in range(3)] == ["1", "2", None]
    turns.over("1")
    assert (turns.take(0.0), turns.waiting, turns.under_way) == ("3", 0, 2)


def test_one_host_gets_no_more_than_its_share() -> None:
    """Others overtake those that wait for their host's turn, and nobody is forgotten."""
    turns = FairQueue[str](at_once=9, per_host=1)
    turns.add([("a", "a1"), ("a", "a2"), ("b", "b1")])
    assert [turns.take(0.0) for _ in range(3)] == ["a1", "b1", None]
    turns.over("a1")
    assert turns.take(0.0) == "a2"


def test_the_slow_count_no_longer_after_a_while() -> None:
    """A request that waits for its server costs nothing but a thread: the next one begins."""
    turns = FairQueue[str](at_once=1, per_host=1, patience=0.25)
    turns.add([("a", "1"), ("a", "2")])
    assert (turns.take(0.0), turns.take(0.25), turns.take(0.26)) == ("1", None, "2")
    assert turns.under_way == 2


def test_there_is_an_end_to_it() -> None:
    """Slow or not, so many are under way and no more."""
    turns = FairQueue[str](at_once=9, per_host=9, in_all=2)
    turns.add([("a", "1"), ("b", "2"), ("c", "3")])
    assert [turns.take(float(n)) for n in range(3)] == ["1", "2", None]
    turns.over("2")
    assert turns.take(9.0) == "3"


def test_what_waits_can_be_dropped() -> None:
    """What is under way stays under way."""
    turns = FairQueue[str]()
    turns.add([("a", "1"), ("a", "2")])
    turns.take(0.0)
    turns.clear()
    assert (turns.take(9.0), turns.waiting, turns.under_way) == (None, 0, 1)


def test_half_of_all_is_for_hosts_that_answer() -> None:
    """Hosts that hang have at most half; they go on when some of theirs came back."""
    turns = FairQueue[str](at_once=9, per_host=9, in_all=4)
    turns.add([("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("c", "c1")])
    assert [turns.take(float(n)) for n in range(3)] == ["a1", "b1", "c1"]
    turns.over("c1")
    assert turns.take(3.0) is None
    turns.over("a1")
    assert turns.take(4.0) == "a2"
