"""A folder that web servers and hubs read while we write to it.

Every file in it is complete or absent: written beside its place, forced to disk, renamed into place.
"""

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from syndicator.errors import OutputError
from syndicator.model import FeedFile
from syndicator.outputs.compress import is_packed, siblings, suffixes

#: What was written, by suffix ("" the file itself, ".gz", ".br"): size and mtime_ns.
Disk = Mapping[str, tuple[int, int]]

_ENCODINGS = ("gzip", "br")
_SIBLINGS = suffixes(_ENCODINGS)

_TEMPORARY = ".syndicator-"

#: Files that are held open until `release`, at most.
_HELD = 64

_BELOW = re.compile(r"(?!\.{1,2}(?:/|\Z))[^/\0]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[^/\0]{1,255})*", re.DOTALL)

_NOT_OURS = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.ELOOP)

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Folder:
    """Feed files below `root`, with compressed siblings where those are smaller.

    Raises OutputError, with the cause in words, for whatever the operator can mend.
    """

    def __init__(self, root: Path, compress: Sequence[str]) -> None:
        self.root = root
        self.compress = tuple(compress)
        self._pool = ThreadPoolExecutor(4, "write")  # a disk syncs four files at once in the time of one
        #: Files that were replaced: to free one may take longer than to write one, but not while it is open.
        self._held: list[int] = []

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Put files in place, each dated with its moment, and return what is on disk of each now.

        The siblings of a file that was there go before its bytes do: a server that prefers them never sends an older
        version after a newer one. New ones come with `pack`. What was there takes its room until `release`.
        """
        written = [self._pool.submit(self._replace, file, moment) for file, moment in files]
        wait(written)  # all of them, also when one fails: nothing is still being written when this returns
        disks: list[Disk] = [{"": one.result()} for one in written]
        for folder in {os.path.dirname(self._place(file.path)) for file, _ in files}:
            self._sync(folder)
        return disks

    def release(self) -> None:
        """Give back the room of files that were replaced."""
        with suppress(IndexError):
            while True:
                os.close(self._held.pop())

    def unpacked(self, disk: Disk) -> bool:
        """Whether a file's siblings may be others than those it is to have."""
        return {"", *suffixes(self.compress)} != disk.keys()

    def pack(self, path: str, disk: Disk) -> Disk | None:
        """Put the compressed siblings of a file in place, those that are smaller, and return what is on disk then.

        None: the file isn't there any more as it was written.
        """
        data = self.read(path)
        if data is None or not self.stands(path, {"": disk[""]}):
            return None
        moment = datetime.fromtimestamp(disk[""][1] // 1_000_000_000, UTC)
        packed = siblings(data, self.compress)
        for suffix in disk.keys() - packed.keys() - {""}:
            self._unlink(path + suffix)
        written = {suffix: self._put(path + suffix, small, moment) for suffix, small in packed.items()}
        if written:
            self._sync(os.path.dirname(self._place(path)))
        return {"": disk[""], **written}

    def stands(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are on disk as they were written."""
        return all(self._stat(path + suffix) == tuple(seen) for suffix, seen in disk.items())

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None when it isn't there, or what is there can't be ours, as it can't be read."""
        try:
            return Path(self._place(path)).read_bytes()
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise self._failure(path, error) from error

    def bodies(self, path: str, disk: Disk) -> dict[str, bytes]:
        """A file's bytes by content coding: "identity", and its siblings'. None at all when it isn't as it was written.

        A sibling that holds something else is left out: it is made again.
        """
        data = self.read(path) if self.stands(path, {"": disk[""]}) else None
        if data is None:
            return {}
        bodies = {"identity": data}
        for encoding, suffix in zip(_ENCODINGS, _SIBLINGS, strict=True):
            packed = self.read(path + suffix) if suffix in disk else None
            if packed is not None and is_packed(packed, encoding, data):
                bodies[encoding] = packed
        return bodies

    def dated(self, file: FeedFile) -> datetime | None:
        """The date of the very file where it stands already; None when other bytes stand there, or none."""
        if self.read(file.path) != file.data:
            return None
        seen = self._stat(file.path)
        return None if seen is None else datetime.fromtimestamp(seen[1] // 1_000_000_000, UTC)

    def remove(self, path: str) -> None:
        """Take a file and its siblings away."""
        for suffix in ("", *_SIBLINGS):
            self._unlink(path + suffix)

    def sweep(self) -> None:
        """Take away what a process that was killed left half written."""
        if not os.path.isdir(self.root):
            return
        for here, _, names in os.walk(self.root):
            for name in names:
                if name.startswith(_TEMPORARY):
                    self._unlink(os.path.relpath(os.path.join(here, name), self.root))

    def _replace(self, file: FeedFile, updated: datetime) -> tuple[int, int]:
        """Put new bytes in place of a file and its siblings."""

        def begin() -> None:
            for suffix in ("", *_SIBLINGS):
                if len(self._held) < _HELD:
                    with suppress(OSError):
                        self._held.append(os.open(self._place(file.path + suffix), os.O_RDONLY))
            for suffix in _SIBLINGS:
                Path(self._place(file.path + suffix)).unlink(missing_ok=True)

        return self._put(file.path, file.data, updated, begin)

    def _put(
        self, path: str, data: bytes, updated: datetime, begin: Callable[[], None] = lambda: None
    ) -> tuple[int, int]:
        """`begin` is called when all that is left to do is to rename."""
        place = Path(self._place(path))
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
            begin()
            os.replace(temporary, place)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            self.release()  # it may be room that is wanting
            raise self._failure(path, error) from error
        return len(data), moment

    def _unlink(self, path: str) -> None:
        try:
            Path(self._place(path)).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failure(path, error) from error

    def _sync(self, folder: str) -> None:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._failure(os.path.relpath(folder, self.root), error) from error

    def _stat(self, path: str) -> tuple[int, int] | None:
        try:
            seen = os.stat(self._place(path))
        except OSError:
            return None
        return seen.st_size, seen.st_mtime_ns

    def _place(self, path: str) -> str:
        # Names are made by us (assemble.slug); this is the one place that would write elsewhere if they weren't.
        if not _BELOW.fullmatch(path):
            raise OutputError(f"{path!r} is no path below {self.root}")
        return f"{self.root}/{path}"

    def _failure(self, path: str, error: OSError) -> OutputError:
        if isinstance(error, FileExistsError | NotADirectoryError):
            hint = "move it away, or name another folder in [output] path"
            return OutputError(f"{error.filename} is in the way of {self.root / path}: it is no folder", hint=hint)
        # One cause, one message, whichever file met it first.
        place = self.root if error.errno in _OF_THE_DISK else self.root / path
        return OutputError(
            f"{place} can't be written{' to' if place == self.root else ''}: {error.strerror}",
            hint="the feeds that are there stay as they are; this is tried again at the next run",
        )
