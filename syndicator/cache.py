"""What was made or read lately, kept at hand within a number of octets."""

import threading
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")
V = TypeVar("V")

#: What wasn't asked for so many times that something was: it stands in no feed any more, or in one that seldom changes.
_LONG = 20_000


class _Kept(NamedTuple, Generic[M, V]):
    content_key: M
    value: V
    octets: int
    asked: int


class LruCache(Generic[K, M, V]):
    """By key the last value, good as long as what it was made of is the same.

    Those that were asked for lately, as many as `most` octets hold. Safe from any thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._octets = 0
        self._asked = 0
        self._values: dict[K, _Kept[M, V]] = {}  # who was asked for longest ago comes first
        self._lock = threading.Lock()

    def get(self, key: K, content_key: M) -> V | None:
        with self._lock:
            self._asked += 1
            found = self._values.get(key)
            if found is None or found.content_key != content_key:
                return None
            del self._values[key]
            self._values[key] = found._replace(asked=self._asked)
            return found.value

    def put(self, key: K, content_key: M, value: V, octets: int) -> None:
        with self._lock:
            before = self._values.pop(key, None)
            self._octets += octets - (before.octets if before else 0)
            self._values[key] = _Kept(content_key, value, octets, self._asked)
            while (oldest := next(iter(self._values.items()), None)) and self._is_over(oldest[1]):
                self._octets -= self._values.pop(oldest[0]).octets

    def _is_over(self, oldest: _Kept[M, V]) -> bool:
        return self._octets > self._most or self._asked - oldest.asked > _LONG
