"""An LRU cache with a limit in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")
V = TypeVar("V")

#: Calls of `get` after which an unused value is dropped: it is in no feed now, or in one that
#: seldom changes.
_MAX_AGE = 20_000


class _Cached(Struct, Generic[M, V]):
    content_key: M
    value: V
    size: int
    last_get: int


class LruCache(Generic[K, M, V]):
    """Values by key, each valid while its content key is the same. Thread-safe.

    Keeps the recently used ones that fit in `most` bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._gets = 0
        # Least recently used first. A dict would look for its first key past all removed ones.
        self._values: OrderedDict[K, _Cached[M, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, content_key: M) -> V | None:
        with self._lock:
            self._gets += 1
            cached = self._values.get(key)
            if cached is None or cached.content_key != content_key:
                return None
            self._values.move_to_end(key)
            cached.last_get = self._gets
            return cached.value

    def put(self, key: K, content_key: M, value: V, size: int) -> None:
        with self._lock:
            before = self._values.pop(key, None)
            self._size += size - (before.size if before else 0)
            self._values[key] = _Cached(content_key, value, size, self._gets)
            while self._values and self._is_over(next(iter(self._values.values()))):
                self._size -= self._values.popitem(last=False)[1].size

    def _is_over(self, oldest: _Cached[M, V]) -> bool:
        return self._size > self._most or self._gets - oldest.last_get > _MAX_AGE
