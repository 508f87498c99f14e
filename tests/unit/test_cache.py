"""The LRU cache: content keys, order of eviction, and its limit in bytes."""

import pytest

from syndicator.cache import LruCache


def test_a_value_is_found_by_key_and_content_key() -> None:
    """Another key or another content key finds nothing."""
    cache: LruCache[str, int, str] = LruCache(10)
    cache.put("a", 1, "A", 1)
    assert (cache.get("a", 1), cache.get("a", 2), cache.get("b", 1)) == ("A", None, None)


def test_a_key_has_one_value() -> None:
    """A post that is edited all day is cached once."""
    cache: LruCache[str, int, str] = LruCache(20)
    cache.put("b", 0, "B", 10)
    for edit in range(5):
        cache.put("a", edit, f"A{edit}", 10)
    assert (cache.get("a", 3), cache.get("a", 4), cache.get("b", 0)) == (None, "A4", "B")


def test_the_least_recently_used_value_is_dropped_first() -> None:
    """When the cache is over its size. A value larger than the cache empties it."""
    cache: LruCache[str, int, str] = LruCache(30)
    for key in "abc":
        cache.put(key, 0, key.upper(), 10)
    cache.get("a", 0)
    cache.put("d", 0, "D", 10)
    assert [cache.get(key, 0) for key in "abcd"] == ["A", None, "C", "D"]
    cache.put("e", 0, "E", 31)
    assert [cache.get(key, 0) for key in "acde"] == [None] * 4


def test_a_value_unused_for_long_is_dropped() -> None:
    """A post that is in no feed now uses no memory, even if the cache isn't full."""
    cache: LruCache[str, int, str] = LruCache(100)
    cache.put("a", 0, "A", 10)
    cache.put("b", 0, "B", 10)
    for _ in range(20_000):
        cache.get("b", 0)
    cache.put("c", 0, "C", 10)
    assert cache.get("a", 0) == "A"
    for _ in range(20_001):
        cache.get("b", 0)
    cache.put("c", 1, "C", 10)
    cache.put("d", 0, "D", 10)
    assert [cache.get(key, 0) for key in "abd"] == [None, "B", "D"]


@pytest.mark.parametrize("size", [10, 4])
def test_a_replaced_value_counts_once(size: int) -> None:
    """By its new size."""
    cache: LruCache[str, int, str] = LruCache(20)
    cache.put("b", 0, "B", 10)
    for _ in range(5):
        cache.put("a", 0, "A", size)
    cache.put("c", 0, "C", 10 - size)
    assert [cache.get(key, 0) for key in "abc"] == ["A", "B", "C"]
