"""Folders below a root, entered by open handles, so that no link that another user plants leads out of it.

A check of a whole path (`os.path.realpath`) would leave time between the check and the use; a handle stays what it is.
The root itself may be reached through links: it is the operator who names it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

#: Folders below one another that are walked through. A feed stands one deep, an alias a few; another user may plant
#: thousands.
_DEEPEST = 32


class LinkError(OSError):
    """A link stands where a folder below the root is expected."""


@contextmanager
def entered(root: Path, folder: str, *, make: bool = False) -> Iterator[int]:
    """A handle of a folder below the root ("" is the root); `make`: whether missing ones are made.

    Raises LinkError for a link on the way.
    """
    handle = _opened(root, make)
    try:
        at = str(root)
        for name in folder.split("/") if folder else ():
            at = f"{at}/{name}"
            below = _below(handle, name, at, make)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _opened(root: Path, make: bool) -> int:
    try:
        return os.open(root, _FLAGS)
    except FileNotFoundError:
        if not make:
            raise
    root.mkdir(parents=True, exist_ok=True)
    return os.open(root, _FLAGS)


def _below(handle: int, name: str, at: str, make: bool) -> int:
    """A handle of a folder in another. `at` is its path, for errors."""
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
    """Whether a link stands on the way from the root to a folder. False where nothing stands."""
    while folder:
        if os.path.islink(f"{root}/{folder}"):
            return True
        folder = folder.rpartition("/")[0]
    return False


def walk(root: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Every folder from the root down: its path below it, a handle, and the names of what is no folder there.

    What can't be entered is left out.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with entered(root, folder) as handle:
                names = []
                with os.scandir(handle) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            names.append(entry.name)
                        elif folder.count("/") < _DEEPEST:
                            folders.append(f"{folder}/{entry.name}".lstrip("/"))
                yield folder, handle, names
        except OSError:
            continue
