"""Lists a folder of documents."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listing(full: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """The entries of a folder. With it open, a stat takes an eighth less time than by path.

    Raises PermissionError if this user may list it, but not look at the files.
    """
    handle = os.open(full, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.stat(".", dir_fd=handle)
        with os.scandir(handle) as entries:
            yield entries
    finally:
        os.close(handle)


def broken_link(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The stat of a broken link, which reading reports; None: it is to be ignored, or gone."""
    if entry.name.startswith("."):  # Emacs locks files with such links
        return None
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
