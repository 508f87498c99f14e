"""What was asked for last is kept, within bounds."""

import pytest

from syndicator.cache import LruCache


def test_what_was_put_is_found() -> None:
    """Under its key, made of the same; nothing under another, nothing made of something else."""
    memory: LruCache[str, int, str] = LruCache(10)
    memory.put("a", 1, "A", 1)
    assert (memory.get("a", 1), memory.get("a", 2), memory.get("b", 1)) == ("A", None, None)


def test_the_last_value_of_a_key_takes_the_place_of_the_one_before() -> None:
    """A post that is edited all day is remembered once."""
    memory: LruCache[str, int, str] = LruCache(20)
    memory.put("b", 0, "B", 10)
    for edit in range(5):
        memory.put("a", edit, f"A{edit}", 10)
    assert (memory.get("a", 3), memory.get("a", 4), memory.get("b", 0)) == (None, "A4", "B")


def test_who_was_asked_for_longest_ago_goes_first() -> None:
    """As soon as there are too many octets; what alone is too large is not kept."""
    memory: LruCache[str, int, str] = LruCache(30)
    for key in "abc":
        memory.put(key, 0, key.upper(), 10)
    memory.get("a", 0)
    memory.put("d", 0, "D", 10)
    assert [memory.get(key, 0) for key in "abcd"] == ["A", None, "C", "D"]
    memory.put("e", 0, "E", 31)
    assert [memory.get(key, 0) for key in "acde"] == [None] * 4


def test_who_was_not_asked_for_in_a_long_time_goes() -> None:
    """A post that stands in no feed any more takes no memory, though there is room."""
    memory: LruCache[str, int, str] = LruCache(100)
    memory.put("a", 0, "A", 10)
    memory.put("b", 0, "B", 10)
    for _ in range(20_000):
        memory.get("b", 0)
    memory.put("c", 0, "C", 10)
    assert memory.get("a", 0) == "A"
    for _ in range(20_001):
        memory.get("b", 0)
    memory.put("c", 1, "C", 10)
    memory.put("d", 0, "D", 10)
    assert [memory.get(key, 0) for key in "abd"] == [None, "B", "D"]


@pytest.mark.parametrize("octets", [10, 4])
def test_a_value_that_is_put_again_is_counted_once(octets: int) -> None:
    """By its new octets."""
    memory: LruCache[str, int, str] = LruCache(20)
    memory.put("b", 0, "B", 10)
    for _ in range(5):
        memory.put("a", 0, "A", octets)
    memory.put("c", 0, "C", 10 - octets)
    assert [memory.get(key, 0) for key in "abc"] == ["A", "B", "C"]
