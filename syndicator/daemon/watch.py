"""The file watcher: reports a changed file at once. A poll finds what it misses."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import watchfiles

from syndicator.daemon.heartbeat import Heartbeat
from syndicator.daemon.place_watch import PlaceWatcher
from syndicator.errors import SourceError

#: Milliseconds without changes that end a burst of them.
_QUIET = 6

#: Milliseconds after which a burst is reported although it goes on.
_BURST = 200


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
        # Prefixes of paths: all below the output, and SQLite's and the locks' files beside the
        # state.
        ignored: list[str | Path] = [f"{output}/"] if output else []
        ignored += [state] if state else []
        self._filter = watchfiles.DefaultFilter(ignore_paths=ignored)
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
                for changes in watchfiles.watch(
                    self._folder,
                    watch_filter=self._filter,
                    debounce=_BURST,
                    step=_QUIET,
                    rust_timeout=1000,
                    yield_on_timeout=True,
                    stop_event=self._restart,
                    raise_interrupt=False,
                ):
                    heartbeat.beat()
                    self._failed(None)
                    if restarted:
                        self._report(frozenset())
                    elif changes:
                        self._report(frozenset(path for _, path in changes))
                    restarted = False
            except Exception as error:  # mostly a missing folder, or too few inotify watches
                hint = (
                    "the next poll finds changes; "
                    "with many folders, raise fs.inotify.max_user_watches"
                )
                with suppress(Exception):  # the report itself may fail
                    self._failed(SourceError(f"can't watch {self._folder}: {error}", hint=hint))
                self._restart.wait(5)
            restarted = True
