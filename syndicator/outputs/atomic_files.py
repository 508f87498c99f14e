"""Files below a root that are complete or absent: written under a temporary name, then renamed.

Other users may write there, so no link below the root is followed and only regular files are read.
"""

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from syndicator import regular_files
from syndicator.errors import OutputError, SyndicatorError
from syndicator.file_access import refusal
from syndicator.outputs import safe_directories

#: A temporary file's name: the process that writes it, and an unpredictable part.
_TEMPORARY = ".syndicator-{process}-{random}"
_IS_TEMPORARY = re.compile(r"\.syndicator-\d+-[0-9a-f]+")

#: Random bytes in a temporary file's name: as many as in a UUID, so that names are unique.
_RANDOM_BYTES = 16

#: For a new file: never through a link, and only if nothing has its name.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

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


class AtomicFiles:
    """Files by their paths relative to `root`.

    Raises OutputError with the cause and a hint for all that the operator can fix, and for a path
    that leaves the root.
    """

    def __init__(self, root: Path, check_lease: Callable[[], None] = lambda: None) -> None:
        """`check_lease` is called just before a file is replaced or removed, and may raise.

        A folder can't refuse a process that was suspended in the instant after that call.
        """
        self.root = root
        self._check_lease = check_lease

    def write(
        self,
        path: str,
        data: bytes,
        date: datetime,
        before_rename: Callable[[int, str], None] = lambda here, name: None,
        mode: int = 0o666,
    ) -> tuple[int, int]:
        """Write a file, and its folder if it is missing. Returns its size and mtime_ns.

        `before_rename` gets its open folder and its name there. `mode` is reduced by the umask.
        """
        folder, name = self._split(path)
        temporary = _TEMPORARY.format(process=os.getpid(), random=secrets.token_hex(_RANDOM_BYTES))
        mtime_ns = int(date.timestamp()) * 1_000_000_000
        try:
            with safe_directories.opened(self.root, folder, make=True) as here:
                try:
                    with open(os.open(temporary, _NEW, mode, dir_fd=here), "wb") as file:
                        file.write(data)
                        file.flush()
                        os.utime(file.fileno(), ns=(mtime_ns, mtime_ns))
                        os.fsync(file.fileno())
                    self._check_lease()
                    before_rename(here, name)
                    self._check_lease()
                    os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=here)
                except (OSError, SyndicatorError):
                    with suppress(OSError):
                        os.unlink(temporary, dir_fd=here)
                    raise
        except OSError as error:
            raise self._failure(path, error) from error
        return len(data), mtime_ns

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

    def read_part(self, path: str, written: tuple[int, int], begin: int, most: int) -> bytes | None:
        """At most `most` bytes of a file, from the byte `begin` on.

        None: it does not have the size and mtime_ns that it was written with.
        """
        folder, name = self._split(path)
        try:
            with safe_directories.opened(self.root, folder) as here:
                handle = regular_files.open_file(name, dir_fd=here)
            try:
                seen = os.fstat(handle)
                intact = (seen.st_size, seen.st_mtime_ns) == written
                return os.pread(handle, most, begin) if intact else None
            finally:
                os.close(handle)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise self._failure(path, error) from error

    def remove(self, path: str) -> None:
        """Remove a file. One that is missing, or behind a link, is not an error."""
        folder, name = self._split(path)
        try:
            with safe_directories.opened(self.root, folder) as here:
                self._check_lease()
                os.unlink(name, dir_fd=here)
        except (FileNotFoundError, NotADirectoryError, safe_directories.LinkError):
            return
        except OSError as error:
            raise self._failure(path, error) from error

    def names(self, folder: str) -> list[str]:
        """What is in a folder below the root; [] if it is missing, or behind a link."""
        try:
            with safe_directories.opened(self.root, folder) as here:
                return os.listdir(here)
        except (FileNotFoundError, NotADirectoryError, safe_directories.LinkError):
            return []
        except OSError as error:
            raise self._failure(folder, error) from error

    def sync_folder(self, folder: str) -> None:
        """Fsync a folder, so that the names in it survive a power cut."""
        try:
            with safe_directories.opened(self.root, folder) as here:
                os.fsync(here)
        except OSError as error:
            raise self._failure(folder, error) from error

    def stat(self, path: str) -> tuple[int, int] | None:
        """Size and mtime_ns of a regular file; None: it is missing."""
        try:
            seen = os.lstat(self._full_path(path))
        except OSError:
            return None
        return (seen.st_size, seen.st_mtime_ns) if stat.S_ISREG(seen.st_mode) else None

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file."""
        return self.stat(path) is not None

    def begin(self) -> None:
        """Nothing has to be learnt: each file is looked at when it is asked for."""

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

    def _split(self, path: str) -> tuple[str, str]:
        """The folder and the name of a path below the root."""
        self._full_path(path)
        return folder_of(path), path.rpartition("/")[2]

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
        folder = (self.root / path).parent
        if isinstance(error, IsADirectoryError):  # perhaps at the path of a sibling
            at = folder / (error.filename2 or error.filename or "")
            hint = "move that folder away: a file has to be there"
            return OutputError(f"{at} can't be written: {error.strerror}", hint=hint)
        if isinstance(error, PermissionError) and (why := refusal(folder, write=True)):
            return OutputError(f"{self.root / path} can't be written: {why.message}", hint=why.hint)
        # A fault of the disk has one message, whichever file it affects first.
        place = self.root if error.errno in _DISK_ERRORS else self.root / path
        return OutputError(
            f"{place} can't be written{' to' if place == self.root else ''}: {error.strerror}",
            hint="published feeds stay as they are; the next run tries again",
        )


def folder_of(path: str) -> str:
    """The folder of a path below the root; "": the root."""
    return path.rpartition("/")[0]
