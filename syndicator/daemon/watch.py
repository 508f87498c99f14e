"""The file watcher: reports a changed file at once. A poll finds what it misses."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from syndicator.daemon.folder_events import FolderEvents
from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.place_watch import PlaceWatcher
from syndicator.errors import SourceError
from syndicator.sources.files_of_tools import is_of_tool

#: Seconds after which it looks whether to watch anew.
_WAIT = 0.25


class Watcher:
    """Reports changed paths below a folder, except those that syndicator writes itself.

    `changed` is called with the paths; an empty set means that any may have changed. So it is when
    the folder's path leads to another folder, and when that one is watched, too.
    `failed` is called with the error, and with None once it works.
    """

    def __init__(
        self,
        folder: Path,
        *,
        output: Path | None,
        state: Path | None,
        changed: Callable[[frozenset[str]], None],
        failed: Callable[[SourceError | None], None],
    ) -> None:
        self._folder = folder
        self._output = str(output) if output else None
        self._state = str(state) if state else None
        self._changed = changed
        self._failed = failed
        self._stopping = threading.Event()
        self._restart = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._place = PlaceWatcher(folder, self._moved)
        self.heartbeats = {"watch": Heartbeat(self._thread), "links": self._place.heartbeat}
        self.reported_at = 0.0  #: when it last reported a change, by the monotonic clock

    def start(self) -> None:
        self._place.start()
        self._thread.start()

    def stop(self) -> None:
        self._place.stop()
        self._stopping.set()
        self._restart.set()

    def restart(self) -> None:
        """Watch the folders anew: a folder that was replaced is not watched any more."""
        self._restart.set()

    def _moved(self) -> None:
        self.restart()
        self._report(frozenset())

    def _ignores(self, path: str) -> bool:
        if is_of_tool(path):
            return True
        if self._output and (path == self._output or path.startswith(f"{self._output}/")):
            return True
        # The names of SQLite's other files, and those of the locks, begin with the state's.
        return bool(self._state and path.startswith(self._state))

    def _report(self, paths: frozenset[str]) -> None:
        self.reported_at = time.monotonic()
        self._changed(paths)

    def _run(self) -> None:
        heartbeat = self.heartbeats["watch"]
        restarted = False  #: and not yet reported: what changed meanwhile was not watched
        while not self._stopping.is_set():
            self._restart.clear()
            heartbeat.beat()
            try:
                with FolderEvents([str(self._folder)], below=True, ignored=self._ignores) as events:
                    self._failed(None)
                    if restarted:
                        self._report(frozenset())
                        restarted = False
                    while not self._restart.is_set():
                        changes = events.wait(_WAIT)
                        heartbeat.beat()
                        if changes is not None:
                            self._report(changes)
            except Exception as error:  # mostly a missing folder, or too few inotify watches
                hint = (
                    "the next poll finds changes; "
                    "with many folders, raise fs.inotify.max_user_watches"
                )
                reason = getattr(error, "strerror", None) or error
                with suppress(Exception):  # the report itself may fail
                    self._failed(SourceError(f"can't watch {self._folder}: {reason}", hint=hint))
                self._restart.wait(5)
            restarted = True
