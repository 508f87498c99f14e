"""What changes in folders, as inotify reports it.

Linux only. https://man7.org/linux/man-pages/man7/inotify.7.html
"""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from inotify_simple import Event, INotify, flags

#: Seconds without events that end a save, if files may still be written or moved back.
_QUIET = 0.006

#: If all its files are closed or moved into place: others of the same save follow at once.
_QUIET_IF_COMPLETE = 0.002

#: Seconds after which changes are reported although events go on.
_LONGEST = 0.2

_FINISHED = flags.CLOSE_WRITE | flags.MOVED_TO | flags.ATTRIB

#: No event for each write: a file is complete when it is closed.
_MASK = _FINISHED | flags.CREATE | flags.MOVED_FROM | flags.DELETE | flags.ONLYDIR

#: Errors of a folder that is gone, or that this user may not read, which a scan reports.
_NOT_WATCHED = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP}


class FolderEvents:
    """The paths that change in folders.

    `below`: whether in all folders below them, too. Links are not followed: a folder is reported by
    its own path, and folders elsewhere are not watched.

    `ignored` says which paths are not reported. A folder of such a path is not watched.

    Raises OSError if none of `folders` is there and may be read, or if the system's limits don't
    allow to watch all.
    """

    def __init__(
        self, folders: Iterable[str], *, below: bool, ignored: Callable[[str], bool]
    ) -> None:
        self._below = below
        self._ignored = ignored
        self._paths: dict[int, str] = {}  #: of the folders, by their watch
        self._inotify = INotify()
        try:
            errors = [error for folder in folders if (error := self._watch(folder))]
            if errors and not self._paths:
                raise errors[0]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._inotify.close()

    def wait(self, seconds: float) -> frozenset[str] | None:
        """The paths that changed, once their save is over; None: nothing changed for `seconds`.

        An empty set: any path may have changed, since the system had no room for its events.
        """
        changes = Changes()
        events = self._read(seconds)
        until = time.monotonic() + _LONGEST
        while events:
            for event in events:
                self._take(event, changes)
            if time.monotonic() > until:
                break
            events = self._read(changes.quiet)
        if changes.lost:
            return frozenset()
        return frozenset(changes.paths) or None

    def _read(self, seconds: float) -> list[Event]:
        events: list[Event] = self._inotify.read(timeout=round(seconds * 1000))
        return events

    def _take(self, event: Event, changes: "Changes") -> None:
        if event.mask & flags.Q_OVERFLOW:
            changes.lost = True
            return
        folder = self._paths.get(event.wd)
        if folder is None:  # not watched any more
            return
        if event.mask & (flags.IGNORED | flags.UNMOUNT):
            del self._paths[event.wd]
            return
        path = os.path.join(folder, event.name) if event.name else folder
        if self._ignored(path):
            return
        changes.add(path, event.mask)
        if self._below and event.mask & flags.ISDIR:
            if event.mask & flags.MOVED_FROM:
                self._forget(path)
            elif event.mask & (flags.CREATE | flags.MOVED_TO):
                self._watch(path)

    def _watch(self, top: str) -> OSError | None:
        """Returns the error of a folder that is gone, or may not be read."""
        failed = None
        waiting = [top]
        while waiting:
            path = waiting.pop()
            try:
                watch = self._inotify.add_watch(path, _MASK)
            except OSError as error:
                if error.errno not in _NOT_WATCHED:
                    raise
                failed = error
                continue
            if watch not in self._paths:
                self._paths[watch] = path
                waiting += self._folders_in(path) if self._below else ()
        return failed

    def _folders_in(self, path: str) -> Iterator[str]:
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False) and not self._ignored(entry.path):
                        yield entry.path
        except OSError as error:
            if error.errno not in _NOT_WATCHED:
                raise

    def _forget(self, path: str) -> None:
        """No longer watch a folder that was moved, nor those below: their paths are others now."""
        moved = [
            watch
            for watch, folder in self._paths.items()
            if folder == path or folder.startswith(f"{path}/")
        ]
        for watch in moved:
            del self._paths[watch]
            try:
                self._inotify.rm_watch(watch)
            except OSError as error:
                if error.errno != errno.EINVAL:  # else the folder is gone
                    raise


class Changes:
    """What changed in one save."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.lost = False
        self._unfinished: set[str] = set()

    def add(self, path: str, mask: int) -> None:
        self.paths.add(path)
        if mask & _FINISHED:
            self._unfinished.discard(path)
        else:  # created, and not yet closed; or gone, as an editor moves a file away and writes it
            self._unfinished.add(path)

    @property
    def quiet(self) -> float:
        """Seconds without events after which the save is over."""
        return _QUIET if self._unfinished else _QUIET_IF_COMPLETE
