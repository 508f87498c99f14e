"""Opens and reads regular files only; refuses a FIFO, a device or a socket at once.

Other users may put files at our paths: authors in the source, neighbours in a shared output folder.
"""

import errno
import os
import stat
from pathlib import Path

#: Without O_NONBLOCK, opening a FIFO waits until someone writes to it.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

#: Bytes read at a time from a file that grew since it was opened.
_CHUNK = 64 * 1024


def open_file(path: str | Path, *, follow: bool = False, dir_fd: int | None = None) -> int:
    """Open the regular file at a path. Raises OSError for anything else.

    `follow`: whether the path may be a link.
    """
    # Checked before opening, because opening some devices has effects, and again after, because
    # the file may have been replaced.
    _refuse_irregular(os.stat(path, dir_fd=dir_fd, follow_symlinks=follow), path)
    handle = os.open(path, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        _refuse_irregular(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return handle


def read_file(
    path: str | Path, most: int, *, follow: bool = False, dir_fd: int | None = None
) -> bytes:
    """The bytes of the regular file at a path.

    Raises OSError for anything else, and for more than `most` bytes.
    """
    with open(open_file(path, follow=follow, dir_fd=dir_fd), "rb", buffering=0) as file:
        wanted = min(os.fstat(file.fileno()).st_size, most) + 1
        parts, size = [], 0
        while part := file.read(wanted):
            parts.append(part)
            size += len(part)
            if size > most:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
            if len(part) < wanted:  # the end of a regular file
                break
            wanted = _CHUNK
    return b"".join(parts)


def _refuse_irregular(seen: os.stat_result, path: str | Path) -> None:
    """Raise the fitting OSError for anything but a regular file."""
    if stat.S_ISLNK(seen.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if stat.S_ISDIR(seen.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(seen.st_mode):
        raise OSError(errno.ENXIO, "Not a regular file", str(path))
