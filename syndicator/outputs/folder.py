"""A folder that web servers and hubs read while we write to it.

Every file in it is complete or absent: written beside its place, forced to disk, renamed into place.
"""

import errno
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from syndicator.errors import OutputError
from syndicator.model import FeedFile
from syndicator.outputs.compress import siblings

#: What was written, by suffix ("" the file itself, ".gz", ".br"): size and mtime_ns.
Disk = Mapping[str, tuple[int, int]]

_TEMPORARY = ".syndicator-"

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Folder:
    """Feed files below `root`, with compressed siblings where those are smaller.

    Raises OutputError, with the cause in words, for whatever the operator can mend.
    """

    def __init__(self, root: Path, compress: Sequence[str]) -> None:
        self.root = root
        self.compress = tuple(compress)

    def write(self, file: FeedFile, updated: datetime) -> Disk:
        """Put a file and its siblings in place, dated `updated`, and return what is on disk now.

        The siblings go first: a server that prefers them never sends an older version after a newer one.
        """
        smaller = siblings(file.data, self.compress)
        disk: dict[str, tuple[int, int]] = {}
        for suffix, data in (*smaller.items(), ("", file.data)):
            disk[suffix] = self._put(file.path + suffix, data, updated)
        for suffix in (".gz", ".br"):
            if suffix not in smaller:
                self._unlink(file.path + suffix)
        return disk

    def stands(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are on disk as they were written."""
        return all(self._stat(path + suffix) == tuple(seen) for suffix, seen in disk.items())

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None when it isn't there."""
        try:
            return self._place(path).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failure(path, error) from error

    def dated(self, file: FeedFile) -> datetime | None:
        """The date of the very file where it stands already; None when other bytes stand there, or none."""
        if self.read(file.path) != file.data:
            return None
        seen = self._stat(file.path)
        return None if seen is None else datetime.fromtimestamp(seen[1] // 1_000_000_000, UTC)

    def remove(self, path: str) -> None:
        """Take a file and its siblings away."""
        for suffix in ("", ".gz", ".br"):
            self._unlink(path + suffix)

    def sweep(self) -> None:
        """Take away what a process that was killed left half written."""
        if not self.root.is_dir():
            return
        for here, _, names in os.walk(self.root):
            for name in names:
                if name.startswith(_TEMPORARY):
                    self._unlink(os.path.relpath(os.path.join(here, name), self.root))

    def _put(self, path: str, data: bytes, updated: datetime) -> tuple[int, int]:
        place = self._place(path)
        # The name says what is in it: two writers of the same bytes don't disturb each other.
        temporary = place.parent / f"{_TEMPORARY}{os.getpid()}-{sha256(path.encode()).hexdigest()[:16]}"
        moment = int(updated.timestamp()) * 1_000_000_000
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.utime(file.fileno(), ns=(moment, moment))
                os.fsync(file.fileno())
            os.replace(temporary, place)
            _sync_folder(place.parent)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            raise self._failure(path, error) from error
        return len(data), moment

    def _unlink(self, path: str) -> None:
        try:
            self._place(path).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failure(path, error) from error

    def _stat(self, path: str) -> tuple[int, int] | None:
        try:
            seen = os.stat(self._place(path))
        except OSError:
            return None
        return seen.st_size, seen.st_mtime_ns

    def _place(self, path: str) -> Path:
        # Names are made by us (assemble.slug); this is the one place that would write elsewhere if they weren't.
        parts = path.split("/")
        if not all(re.fullmatch(r"[^/\0]{1,255}", part) and part not in (".", "..") for part in parts):
            raise OutputError(f"{path!r} is no path below {self.root}")
        return self.root.joinpath(*parts)

    def _failure(self, path: str, error: OSError) -> OutputError:
        # One cause, one message, whichever file met it first.
        place = self.root if error.errno in _OF_THE_DISK else self.root / path
        return OutputError(
            f"{place} can't be written{' to' if place == self.root else ''}: {error.strerror}",
            hint="the feeds that are there stay as they are; this is tried again at the next run",
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
