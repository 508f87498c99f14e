"""What was asked for last is kept, within bounds."""

import pytest

from syndicator.remembered import Remembered


def test_what_was_put_is_found() -> None:
    """Under its key; nothing under another."""
    memory: Remembered[str, str] = Remembered(10)
    memory.put("a", "A", 1)
    assert (memory.get("a"), memory.get("b")) == ("A", None)


def test_who_was_asked_for_longest_ago_goes_first() -> None:
    """As soon as there are too many octets; what alone is too large is not kept."""
    memory: Remembered[str, str] = Remembered(30)
    for key in "abc":
        memory.put(key, key.upper(), 10)
    memory.get("a")
    memory.put("d", "D", 10)
    assert [memory.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    memory.put("e", "E", 31)
    assert [memory.get(key) for key in "acde"] == [None] * 4


@pytest.mark.parametrize("octets", [10, 4])
def test_a_value_that_is_put_again_is_counted_once(octets: int) -> None:
    """By its new octets."""
    memory: Remembered[str, str] = Remembered(20)
    memory.put("b", "B", 10)
    for _ in range(5):
        memory.put("a", "A", octets)
    memory.put("c", "C", 10 - octets)
    assert [memory.get(key) for key in "abc"] == ["A", "B", "C"]
