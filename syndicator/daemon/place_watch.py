"""Watches where the path of a folder leads: a release is often published by swapping a link."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import watchfiles

from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.place import names_on_the_way, place_of

#: Milliseconds between two looks at the events. Each look costs: a swap is rarer than a save.
_STEP = 50

#: Milliseconds after which the place is looked at although no event was seen, as on network disks.
_TIMEOUT = 1000


class PlaceWatcher:
    """Calls `moved` when a path leads to another folder: a link was swapped, a folder replaced."""

    def __init__(self, folder: Path, moved: Callable[[], None]) -> None:
        self._folder = str(folder)
        self._moved = moved
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="links", daemon=True)
        self.heartbeat = Heartbeat(self._thread)

    def start(self) -> None:
        self._place = place_of(self._folder)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch()
            except Exception:  # too few inotify watches, or a folder that was just removed
                self._stopping.wait(_TIMEOUT / 1000)
                self._compare()

    def _watch(self) -> None:
        """Watch the folders that hold the names on the way, until one of the names changes."""
        names = names_on_the_way(self._folder)
        for changes in watchfiles.watch(
            *sorted({os.path.dirname(name) for name in names}),
            watch_filter=lambda _, path: path in names,
            step=_STEP,
            rust_timeout=_TIMEOUT,
            yield_on_timeout=True,
            stop_event=self._stopping,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            if self._compare() or changes:
                return

    def _compare(self) -> bool:
        """Report another place. Returns whether it is another one."""
        self.heartbeat.beat()
        now = place_of(self._folder)
        if now == self._place:
            return False
        self._place = now
        self._moved()
        return True
