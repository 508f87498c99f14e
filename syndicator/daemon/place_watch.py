"""Watches where the path of a folder leads: a release is often published by swapping a link."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from syndicator.daemon.folder_events import FolderEvents
from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.place import names_on_the_way, place_of

#: Seconds after which the place is looked at although no event was seen, as on network disks.
_WAIT = 1.0


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
                self._stopping.wait(_WAIT)
                self._compare()

    def _watch(self) -> None:
        """Watch the folders that hold the names on the way, until one of the names changes."""
        names = names_on_the_way(self._folder)
        folders = sorted({os.path.dirname(name) for name in names})
        with FolderEvents(folders, below=False, ignored=lambda path: path not in names) as events:
            while not self._stopping.is_set():
                changed = events.wait(_WAIT) is not None
                if self._compare() or changed:
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
