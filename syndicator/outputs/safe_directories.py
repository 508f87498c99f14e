"""Opens folders below a root one by one, so that no link of another user leads out of it.

Checking a whole path (`os.path.realpath`) would leave time between check and use; an open folder
stays the same. The root itself may be reached through links, because the operator names it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

#: Nested folders that are walked. Feeds are one deep and aliases a few; another user may make
#: thousands.
_MAX_DEPTH = 32


class LinkError(OSError):
    """A link where a folder below the root is expected."""


@contextmanager
def opened(root: Path, folder: str, *, make: bool = False) -> Iterator[int]:
    """Open a folder below the root ("" is the root). `make`: create missing folders.

    Raises LinkError if the path has a link.
    """
    handle = _open_root(root, make)
    try:
        at = str(root)
        for name in folder.split("/") if folder else ():
            at = f"{at}/{name}"
            below = _open_below(handle, name, at, make)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _open_root(root: Path, make: bool) -> int:
    try:
        return os.open(root, _FLAGS)
    except FileNotFoundError:
        if not make:
            raise
    root.mkdir(parents=True, exist_ok=True)
    return os.open(root, _FLAGS)


def _open_below(handle: int, name: str, at: str, make: bool) -> int:
    """Open a folder in an open one. `at` is its path, for errors."""
    flags = _FLAGS | os.O_NOFOLLOW
    try:
        try:
            return os.open(name, flags, dir_fd=handle)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=handle)
        return os.open(name, flags, dir_fd=handle)
    except OSError as error:
        linked = error.errno in (errno.ELOOP, errno.ENOTDIR) and os.path.islink(at)
        raise (LinkError if linked else OSError)(error.errno, error.strerror, at) from error


def is_linked(root: Path, folder: str) -> bool:
    """Whether the path from the root to a folder has a link. False if nothing is there."""
    while folder:
        if os.path.islink(f"{root}/{folder}"):
            return True
        folder = folder.rpartition("/")[0]
    return False


def walk(root: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Every folder from the root down: its path, its handle, and the names of its other entries.

    Folders that can't be opened are left out.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with opened(root, folder) as handle:
                names = []
                with os.scandir(handle) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            names.append(entry.name)
                        elif folder.count("/") < _MAX_DEPTH:
                            folders.append(f"{folder}/{entry.name}".lstrip("/"))
                yield folder, handle, names
        except OSError:
            continue
