"""What was made or read lately, kept at hand within a number of octets."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by all that they are made of: those that were asked for last, as many as `most` octets hold.

    Safe from any thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._octets = 0
        self._values: dict[K, tuple[V, int]] = {}  # who was asked for longest ago comes first
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._values.pop(key, None)
            if found is None:
                return None
            self._values[key] = found
            return found[0]

    def put(self, key: K, value: V, octets: int) -> None:
        with self._lock:
            self._octets += octets - self._values.pop(key, (value, 0))[1]
            self._values[key] = value, octets
            while self._octets > self._most:
                self._octets -= self._values.pop(next(iter(self._values)))[1]
