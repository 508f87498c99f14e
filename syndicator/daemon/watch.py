"""Noticing at once that a file changed. A poll finds what this misses."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import watchfiles

from syndicator.daemon.heartbeat import Heartbeat
from syndicator.errors import SourceError

#: Milliseconds of quiet that end a burst of changes, and how long a burst may last before it is told of.
_QUIET, _BURST = 6, 200


class Watcher:
    """Tells of changed paths below a folder, except those that we write to ourselves."""

    def __init__(
        self,
        folder: Path,
        *,
        output: Path,
        state: Path | None,
        tell: Callable[[frozenset[str]], None],
        failed: Callable[[SourceError | None], None],
    ) -> None:
        self._folder = folder
        # What a path begins with: all below the output, and whatever SQLite and our locks put beside the state.
        self._filter = watchfiles.DefaultFilter(
            ignore_paths=[f"{output}/", *([state] if state else [])]
        )
        self._tell = tell
        self._failed = failed
        self._end = threading.Event()
        self._again = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.pulse = Heartbeat(self._thread)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._again.set()

    def restart(self) -> None:
        """Look at the folders anew: one that was replaced is watched no longer."""
        self._again.set()

    def _run(self) -> None:
        while not self._end.is_set():
            self._again.clear()
            self.pulse.beat()
            try:
                for changes in watchfiles.watch(
                    self._folder,
                    watch_filter=self._filter,
                    debounce=_BURST,
                    step=_QUIET,
                    rust_timeout=1000,
                    yield_on_timeout=True,
                    stop_event=self._again,
                    raise_interrupt=False,
                ):
                    self.pulse.beat()
                    self._failed(None)
                    if changes:
                        self._tell(frozenset(path for _, path in changes))
            except (
                Exception
            ) as error:  # most often the folder is not there, or no inotify watch is left
                hint = "changes are found at the next poll; see fs.inotify.max_user_watches if there are many folders"
                with suppress(Exception):  # it may be the telling that fails
                    self._failed(SourceError(f"can't watch {self._folder}: {error}", hint=hint))
                self._again.wait(5)
