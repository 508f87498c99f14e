"""What the C library keeps of memory that was given back."""

import ctypes
from contextlib import suppress

#: Parameters of mallopt(3), as glibc's malloc.h numbers them, and what we set them to.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_SETTINGS = {_ARENA_MAX: 2, _MMAP_THRESHOLD: 256 * 1024, _TRIM_THRESHOLD: 256 * 1024}


def return_memory() -> None:
    """Have feeds that were written and forgotten go back to the system. Before threads are started.

    By itself glibc keeps a heap for each of many threads, and large blocks in them once one was given back: after some
    reloads a daemon held twice what it used. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter, value in _SETTINGS.items():
            library.mallopt(parameter, value)
