"""Limits how often each key, such as a client, may do something within a window of time."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)

#: Keys counted at a time; the one unseen for longest is dropped first. Takes about 10 MB at most.
COUNTED_KEYS = 20_000


class _Window(Struct):
    version: Hashable
    since: float
    count: int


class RateLimit(Generic[K]):
    """Allows `limit` events of each key within `seconds` of the first one. Thread-safe.

    Not an `LruCache`: its sizes and ages would take a twentieth of the time of a full response.
    """

    def __init__(self, limit: int, seconds: float, *, counted_keys: int = COUNTED_KEYS) -> None:
        self._limit = limit
        self._seconds = seconds
        self._counted_keys = counted_keys
        self._windows: OrderedDict[K, _Window] = OrderedDict()  # unseen for longest first
        self._lock = threading.Lock()

    def wait(
        self, key: K, now: float, *, number: int = 1, version: Hashable = None
    ) -> float | None:
        """Count `number` events at `now`, in seconds of any one clock.

        Returns None if all of them are within the limit, or else the seconds until the window ends.
        Another `version` of what the key requests begins another window, and so does a clock that
        was set back to before the window.
        """
        with self._lock:
            windows = self._windows
            window = windows.get(key)
            if (
                window is None
                or window.version != version
                or not 0 <= now - window.since < self._seconds
            ):
                window = windows[key] = _Window(version, now, 0)
            windows.move_to_end(key)
            if len(windows) > self._counted_keys:
                windows.popitem(last=False)
            window.count += number
            return None if window.count <= self._limit else window.since + self._seconds - now
