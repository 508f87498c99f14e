"""Writes feed files to a folder that web servers and hubs read meanwhile.

Every file in it is complete or absent: written under a temporary name, fsynced, renamed into place.
Other users may write there, so no link below the root is followed and only regular files are read.
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
from syndicator.outputs import safe_directories
from syndicator.outputs.compress import is_compressed, siblings, suffixes

#: Size and mtime_ns as written, by suffix ("" is the file itself; ".gz", ".br").
Disk = Mapping[str, tuple[int, int]]

_ENCODINGS = ("gzip", "br")
_SIBLINGS = suffixes(_ENCODINGS)

#: A temporary file's name: the process that writes it, and an unpredictable part.
_TEMPORARY = ".syndicator-{process}-{random}"
_IS_TEMPORARY = re.compile(r"\.syndicator-\d+-[0-9a-f]+")

#: Random bytes in a temporary file's name: as many as in a UUID, so that names are unique.
_RANDOM_BYTES = 16

#: For a new file: never through a link, and only if nothing has its name.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: Replaced files that are kept open until `close_replaced`, at most.
_MAX_OPEN = 64

_RELATIVE_PATH = re.compile(
    r"(?!\.{1,2}(?:/|\Z))[^/\0]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[^/\0]{1,255})*", re.DOTALL
)

#: Errors of reading a file that isn't ours, or is larger than the one we wrote.
_NOT_OURS = (
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EACCES,
    errno.ELOOP,
    errno.ENXIO,
    errno.EFBIG,
)

#: Errors of the whole disk.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class OutputFolder:
    """Feed files below `root`, with compressed siblings if these are smaller.

    Raises OutputError with the cause and a hint for all that the operator can fix.
    """

    def __init__(self, root: Path, compress: Sequence[str]) -> None:
        self.root = root
        self.compress = tuple(compress)
        # A disk syncs four files at once in the time of one.
        self._pool = ThreadPoolExecutor(4, "write")
        #: Replaced files, kept open: freeing one may take longer than writing one.
        self._replaced: list[int] = []

    def write(self, files: Sequence[tuple[FeedFile, datetime]]) -> list[Disk]:
        """Write files, each dated as given, and return what is on disk of each now.

        The siblings of a replaced file are removed first, so that a server that prefers them never
        sends an older version after a newer one. `write_siblings` makes new ones. Replaced files
        use disk space until `close_replaced`.
        """
        written = [self._pool.submit(self._replace, file, date) for file, date in files]
        wait(written)  # if one fails too: nothing is still being written when this returns
        disks: list[Disk] = [{"": one.result()} for one in written]
        for folder in {self._split(file.path)[0] for file, _ in files}:
            self._sync(folder)
        return disks

    def close_replaced(self) -> None:
        """Close replaced files so that their disk space is freed."""
        with suppress(IndexError):
            while True:
                os.close(self._replaced.pop())

    def needs_siblings(self, disk: Disk) -> bool:
        """Whether a file's siblings may differ from those it should have."""
        return {"", *suffixes(self.compress)} != disk.keys()

    def write_siblings(self, path: str, disk: Disk) -> Disk | None:
        """Write a file's compressed siblings that are smaller. Returns what is on disk then.

        None: the file is missing, or not as it was written.
        """
        data = self.read(path, disk[""][0])
        if data is None or not self.is_intact(path, {"": disk[""]}):
            return None
        date = datetime.fromtimestamp(disk[""][1] // 1_000_000_000, UTC)
        compressed = siblings(data, self.compress)
        for suffix in disk.keys() - compressed.keys() - {""}:
            self._unlink(path + suffix)
        written = {
            suffix: self._put(path + suffix, small, date) for suffix, small in compressed.items()
        }
        if written:
            self._sync(self._split(path)[0])
        return {"": disk[""], **written}

    def is_intact(self, path: str, disk: Disk) -> bool:
        """Whether a file and its siblings are on disk as they were written.

        Checked by path because each poll checks each file; reads and writes use open folders.
        """
        linked = safe_directories.is_linked(self.root, path.rpartition("/")[0])
        return not linked and all(
            self._stat(path + suffix) == tuple(seen) for suffix, seen in disk.items()
        )

    def read(self, path: str, most: int = sys.maxsize) -> bytes | None:
        """The bytes of a file; None: no file there can be ours.

        Not ours are unreadable files, other than regular files, and those over `most` bytes.
        """
        folder, name = self._split(path)
        try:
            with safe_directories.opened(self.root, folder) as here:
                return regular_files.read_file(name, most, dir_fd=here)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise self._failure(path, error) from error

    def bodies(self, path: str, disk: Disk) -> dict[str, bytes]:
        """A file's bytes by content coding: "identity" and its siblings'. {} if it isn't intact.

        A sibling with other content is left out.
        """
        data = self.read(path, disk[""][0]) if self.is_intact(path, {"": disk[""]}) else None
        if data is None:
            return {}
        bodies = {"identity": data}
        for encoding, suffix in zip(_ENCODINGS, _SIBLINGS, strict=True):
            compressed = self.read(path + suffix, len(data)) if suffix in disk else None
            if compressed is not None and is_compressed(compressed, encoding, data):
                bodies[encoding] = compressed
        return bodies

    def date_of(self, file: FeedFile) -> datetime | None:
        """The mtime of a file that has these bytes already; None: it has others, or is missing."""
        if self.read(file.path, len(file.data)) != file.data:
            return None
        seen = self._stat(file.path)
        return None if seen is None else datetime.fromtimestamp(seen[1] // 1_000_000_000, UTC)

    def remove(self, path: str) -> None:
        """Remove a file and its siblings."""
        for suffix in ("", *_SIBLINGS):
            self._unlink(path + suffix)

    def sweep(self) -> None:
        """Remove the temporary files of killed processes: regular files of this user, by name."""
        for folder, here, names in safe_directories.walk(self.root):
            for name in filter(_IS_TEMPORARY.fullmatch, names):
                try:
                    seen = os.stat(name, dir_fd=here, follow_symlinks=False)
                    if stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid():
                        os.unlink(name, dir_fd=here)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise self._failure(os.path.join(folder, name), error) from error

    def _replace(self, file: FeedFile, date: datetime) -> tuple[int, int]:
        """Write a file in place of the one before and its siblings."""

        def before_rename(here: int, name: str) -> None:
            for suffix in ("", *_SIBLINGS):
                if len(self._replaced) < _MAX_OPEN:
                    with suppress(OSError):
                        self._replaced.append(regular_files.open_file(name + suffix, dir_fd=here))
            for suffix in _SIBLINGS:
                with suppress(FileNotFoundError):
                    os.unlink(name + suffix, dir_fd=here)

        return self._put(file.path, file.data, date, before_rename)

    def _put(
        self,
        path: str,
        data: bytes,
        date: datetime,
        before_rename: Callable[[int, str], None] = lambda here, name: None,
    ) -> tuple[int, int]:
        """Write a file. `before_rename` gets its open folder and its name there.

        Returns its size and mtime_ns.
        """
        folder, name = self._split(path)
        temporary = _TEMPORARY.format(process=os.getpid(), random=secrets.token_hex(_RANDOM_BYTES))
        mtime_ns = int(date.timestamp()) * 1_000_000_000
        try:
            with safe_directories.opened(self.root, folder, make=True) as here:
                try:
                    with open(os.open(temporary, _NEW, 0o666, dir_fd=here), "wb") as file:
                        file.write(data)
                        file.flush()
                        os.utime(file.fileno(), ns=(mtime_ns, mtime_ns))
                        os.fsync(file.fileno())
                    before_rename(here, name)
                    os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=here)
                except OSError:
                    with suppress(OSError):
                        os.unlink(temporary, dir_fd=here)
                    raise
        except OSError as error:
            self.close_replaced()  # the disk may be full
            raise self._failure(path, error) from error
        return len(data), mtime_ns

    def _unlink(self, path: str) -> None:
        folder, name = self._split(path)
        try:
            with safe_directories.opened(self.root, folder) as here:
                os.unlink(name, dir_fd=here)
        except (FileNotFoundError, NotADirectoryError, safe_directories.LinkError):
            return
        except OSError as error:
            raise self._failure(path, error) from error

    def _sync(self, folder: str) -> None:
        try:
            with safe_directories.opened(self.root, folder) as here:
                os.fsync(here)
        except OSError as error:
            raise self._failure(folder, error) from error

    def _stat(self, path: str) -> tuple[int, int] | None:
        """Size and mtime_ns of a regular file; None: it is missing."""
        try:
            seen = os.lstat(self._full_path(path))
        except OSError:
            return None
        return (seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None

    def _split(self, path: str) -> tuple[str, str]:
        """The folder and the name of a path below the root."""
        self._full_path(path)
        folder, _, name = path.rpartition("/")
        return folder, name

    def _full_path(self, path: str) -> str:
        # The last guard: paths come from `feed_slug` and the config, and never leave the root.
        if not _RELATIVE_PATH.fullmatch(path):
            raise OutputError(f"{path!r} is not a path below {self.root}")
        return f"{self.root}/{path}"

    def _failure(self, path: str, error: OSError) -> OutputError:
        if isinstance(error, safe_directories.LinkError):
            message = (
                f"{error.filename} is a link: nothing is written through links below {self.root}"
            )
            hint = "make it a folder, or mount one; only [output] path itself may be a link"
            return OutputError(message, hint=hint)
        if isinstance(error, FileExistsError | NotADirectoryError):
            message = f"{self.root / path} can't be written: {error.filename} is not a folder"
            hint = "move it away, or set another folder in [output] path"
            return OutputError(message, hint=hint)
        # A fault of the disk has one message, whichever file it affects first.
        place = self.root if error.errno in _DISK_ERRORS else self.root / path
        return OutputError(
            f"{place} can't be written{' to' if place == self.root else ''}: {error.strerror}",
            hint="published feeds stay as they are; the next run tries again",
        )
