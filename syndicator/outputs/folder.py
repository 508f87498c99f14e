"""A folder that web servers and hubs read while we write to it.

Every file in it is complete or absent: written beside its place, forced to disk, renamed into place.
Other users may be able to write there: no link below the root is followed, and only regular files are read.
"""

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from syndicator import regular_files
from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.outputs import directory
from syndicator.outputs.compress import is_packed, siblings, suffixes

#: What was written, by suffix ("" the file itself, ".gz", ".br"): size and mtime_ns.
Disk = Mapping[str, tuple[int, int]]

_ENCODINGS = ("gzip", "br")
_SIBLINGS = suffixes(_ENCODINGS)

#: What a temporary file's name begins with: the process that writes it, and a random part that nobody can foretell.
_TEMPORARY = ".syndicator-{process}-{random}"
_IS_TEMPORARY = re.compile(r"\.syndicator-\d+-[0-9a-f]+")

#: Random bytes in a temporary file's name: as many as in a UUID, so that no name is ever met twice.
_RANDOM = 16

#: A new file may be opened by this process alone, never through a link, and only if nothing has its name.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: Files that are held open until `release`, at most.
_HELD = 64

_BELOW = re.compile(
    r"(?!\.{1,2}(?:/|\Z))[^/\0]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[^/\0]{1,255})*", re.DOTALL
)

#: What reading says of something that can't be a file of ours, and of a file that is larger than it was.
_NOT_OURS = (
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EACCES,
    errno.ELOOP,
    errno.ENXIO,
    errno.EFBIG,
)

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class OutputFolder:
    """Feed files below `root`, with compressed siblings where those are smaller.

    Raises OutputError, with the cause in words, for whatever the operator can mend.
    """

    def __init__(self, root: Path, compress: Sequence[str]) -> None:
        self.root = root
        self.compress = tuple(compress)
        self._pool = ThreadPoolExecutor(
            4, "write"
        )  # a disk syncs four files at once in the time of one
        #: Files that were replaced: to free one may take longer than to write one, but not while it is open.
        self._held: list[int] = []

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Put files in place, each dated with its moment, and return what is on disk of each now.

        The siblings of a file that was there go before its bytes do: a server that prefers them never sends an older
        version after a newer one. New ones come with `pack`. What was there takes its room until `release`.
        """
        written = [self._pool.submit(self._replace, file, moment) for file, moment in files]
        wait(
            written
        )  # all of them, also when one fails: nothing is still being written when this returns
        disks: list[Disk] = [{"": one.result()} for one in written]
        for folder in {self._apart(file.path)[0] for file, _ in files}:
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
        data = self.read(path, disk[""][0])
        if data is None or not self.stands(path, {"": disk[""]}):
            return None
        moment = datetime.fromtimestamp(disk[""][1] // 1_000_000_000, UTC)
        packed = siblings(data, self.compress)
        for suffix in disk.keys() - packed.keys() - {""}:
            self._unlink(path + suffix)
        written = {
            suffix: self._put(path + suffix, small, moment) for suffix, small in packed.items()
        }
        if written:
            self._sync(self._apart(path)[0])
        return {"": disk[""], **written}

    def stands(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are on disk as they were written.

        By path, since every file is looked at again and again: what is read or written is found by handles.
        """
        linked = directory.is_linked(self.root, path.rpartition("/")[0])
        return not linked and all(
            self._stat(path + suffix) == tuple(seen) for suffix, seen in disk.items()
        )

    def read(self, path: str, most: int = sys.maxsize) -> bytes | None:
        """A file's bytes; None when it isn't there, or what is there can't be ours: it can't be read, is no regular
        file, or has more than `most` bytes.
        """
        folder, name = self._apart(path)
        try:
            with directory.entered(self.root, folder) as here:
                return regular_files.read_file(name, most, dir_fd=here)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise self._failure(path, error) from error

    def bodies(self, path: str, disk: Disk) -> dict[str, bytes]:
        """A file's bytes by content coding: "identity", and its siblings'. None at all when it isn't as it was written.

        A sibling that holds something else is left out: it is made again.
        """
        data = self.read(path, disk[""][0]) if self.stands(path, {"": disk[""]}) else None
        if data is None:
            return {}
        bodies = {"identity": data}
        for encoding, suffix in zip(_ENCODINGS, _SIBLINGS, strict=True):
            packed = self.read(path + suffix, len(data)) if suffix in disk else None
            if packed is not None and is_packed(packed, encoding, data):
                bodies[encoding] = packed
        return bodies

    def dated(self, file: FeedFile) -> datetime | None:
        """The date of the very file where it stands already; None when other bytes stand there, or none."""
        if self.read(file.path, len(file.data)) != file.data:
            return None
        seen = self._stat(file.path)
        return None if seen is None else datetime.fromtimestamp(seen[1] // 1_000_000_000, UTC)

    def remove(self, path: str) -> None:
        """Take a file and its siblings away."""
        for suffix in ("", *_SIBLINGS):
            self._unlink(path + suffix)

    def sweep(self) -> None:
        """Remove temporary files that a killed process left: regular files of this user, by their names."""
        for folder, here, names in directory.walk(self.root):
            for name in filter(_IS_TEMPORARY.fullmatch, names):
                try:
                    seen = os.stat(name, dir_fd=here, follow_symlinks=False)
                    if stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid():
                        os.unlink(name, dir_fd=here)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise self._failure(os.path.join(folder, name), error) from error

    def _replace(self, file: FeedFile, updated: datetime) -> tuple[int, int]:
        """Put new bytes in place of a file and its siblings."""

        def begin(here: int, name: str) -> None:
            for suffix in ("", *_SIBLINGS):
                if len(self._held) < _HELD:
                    with suppress(OSError):
                        self._held.append(regular_files.open_file(name + suffix, dir_fd=here))
            for suffix in _SIBLINGS:
                with suppress(FileNotFoundError):
                    os.unlink(name + suffix, dir_fd=here)

        return self._put(file.path, file.data, updated, begin)

    def _put(
        self,
        path: str,
        data: bytes,
        updated: datetime,
        begin: Callable[[int, str], None] = lambda here, name: None,
    ) -> tuple[int, int]:
        """`begin` is called with the open folder and the file's name there when all that is left to do is to rename."""
        folder, name = self._apart(path)
        temporary = _TEMPORARY.format(process=os.getpid(), random=secrets.token_hex(_RANDOM))
        moment = int(updated.timestamp()) * 1_000_000_000
        try:
            with directory.entered(self.root, folder, make=True) as here:
                try:
                    with open(os.open(temporary, _NEW, 0o666, dir_fd=here), "wb") as file:
                        file.write(data)
                        file.flush()
                        os.utime(file.fileno(), ns=(moment, moment))
                        os.fsync(file.fileno())
                    begin(here, name)
                    os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=here)
                except OSError:
                    with suppress(OSError):
                        os.unlink(temporary, dir_fd=here)
                    raise
        except OSError as error:
            self.release()  # it may be room that is wanting
            raise self._failure(path, error) from error
        return len(data), moment

    def _unlink(self, path: str) -> None:
        folder, name = self._apart(path)
        try:
            with directory.entered(self.root, folder) as here:
                os.unlink(name, dir_fd=here)
        except (FileNotFoundError, NotADirectoryError, directory.LinkError):
            return
        except OSError as error:
            raise self._failure(path, error) from error

    def _sync(self, folder: str) -> None:
        try:
            with directory.entered(self.root, folder) as here:
                os.fsync(here)
        except OSError as error:
            raise self._failure(folder, error) from error

    def _stat(self, path: str) -> tuple[int, int] | None:
        """Size and mtime_ns of a regular file; None: none is there."""
        try:
            seen = os.lstat(self._place(path))
        except OSError:
            return None
        return (seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None

    def _apart(self, path: str) -> tuple[str, str]:
        """The folder and the name of a path below the root."""
        self._place(path)
        folder, _, name = path.rpartition("/")
        return folder, name

    def _place(self, path: str) -> str:
        # Names are made by us (assemble.slug); this is the one place that would write elsewhere if they weren't.
        if not _BELOW.fullmatch(path):
            raise OutputError(f"{path!r} is no path below {self.root}")
        return f"{self.root}/{path}"

    def _failure(self, path: str, error: OSError) -> OutputError:
        if isinstance(error, directory.LinkError):
            message = (
                f"{error.filename} is a link: nothing is written through links below {self.root}"
            )
            hint = "put a folder there, or mount one; only [output] path itself may be a link"
            return OutputError(message, hint=hint)
        if isinstance(error, FileExistsError | NotADirectoryError):
            hint = "move it away, or name another folder in [output] path"
            return OutputError(
                f"{error.filename} is in the way of {self.root / path}: it is no folder", hint=hint
            )
        # One cause, one message, whichever file met it first.
        place = self.root if error.errno in _OF_THE_DISK else self.root / path
        return OutputError(
            f"{place} can't be written{' to' if place == self.root else ''}: {error.strerror}",
            hint="the feeds that are there stay as they are; this is tried again at the next run",
        )
