"""glibc's memory allocator, configured to return freed memory to the system."""

import ctypes
from contextlib import suppress

#: Parameters of mallopt(3), by their numbers in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_ARENA_MAX = -8
_SETTINGS = {_ARENA_MAX: 2, _MMAP_THRESHOLD: 256 * 1024, _TRIM_THRESHOLD: 256 * 1024}


def return_memory() -> None:
    """Return the memory of feeds to the system after they are written. Call before threads start.

    By default glibc keeps a heap for each of many threads, with large freed blocks in it. After
    some reloads a daemon held twice the memory that it used. Other C libraries are left as they
    are.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter, value in _SETTINGS.items():
            library.mallopt(parameter, value)


def trim() -> None:
    """Return free pages between used ones, which no setting does: malloc_trim(3).

    It takes some milliseconds. After a start it frees 6 MB that imports and the first run left.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
