"""Readers of a failover benchmark: which version a feed has, in each place where it is shown."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress

#: Seconds between two looks at a place.
_PAUSE = 0.03


def title(version: int) -> str:
    return f"Version {version}"


def version_of(feed: str) -> int:
    """The version of a JSON feed. Raises ValueError, KeyError or IndexError: it is torn."""
    newest: str = json.loads(feed)["items"][0]["title"]
    return int(newest.removeprefix("Version "))


class Watch:
    """Reads a feed in several places all the time. It never is torn, nor older than before."""

    def __init__(self, places: Mapping[str, Callable[[], str]]) -> None:
        """`places`: functions that return the feed, "" if it isn't shown now, or raise OSError."""
        self.reads = 0
        self.faults: list[str] = []
        self._seen: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=place) for place in places.items()]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def first(self, place: str, version: int) -> float | None:
        """When a place first showed a version or a newer one; None: it has not yet."""
        times = [at for shown, at in list(self._seen[place]) if shown >= version]
        return min(times, default=None)

    def _run(self, place: str, read: Callable[[], str]) -> None:
        seen = self._seen[place]
        while not self._over.wait(_PAUSE):
            with suppress(OSError):
                if feed := read():
                    self._note(place, feed, seen)

    def _note(self, place: str, feed: str, seen: list[tuple[int, float]]) -> None:
        self.reads += 1
        try:
            version = version_of(feed)
        except (ValueError, KeyError, IndexError) as error:
            self.faults.append(f"{place} showed a torn feed of {len(feed)} characters: {error!r}")
            return
        before = seen[-1][0] if seen else 0
        if version < before:
            self.faults.append(f"{place} showed {title(version)} after {title(before)}")
        if version != before:
            seen.append((version, time.monotonic()))
