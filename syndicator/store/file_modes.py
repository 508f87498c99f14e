"""Who may read the state's files: they hold subscribers' secrets and the addresses of callbacks.

Nobody but their owner, from the moment that they are made. A lock that others could open, they could also hold.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

#: Rights of the state's files: read and write for their owner.
FILE = 0o600

#: Rights of a folder that is made for the state alone.
FOLDER = 0o700

#: Seconds that another process may take to make a state, which is a few milliseconds of work.
_MAKING = 2.0

#: https://sqlite.org/tempfiles.html
_BESIDE = ("-wal", "-shm", "-journal")


def make(state: Path, folder_mode: int) -> None:
    """Make the file of a new state, and its folder with these rights. A state that is there stays as it is.

    SQLite would make the file with the rights of any other (0644), and would take for the new file's what a deleted
    one left beside it: two databases would then share one `-shm`, which a process that has the old one open can die of.
    """
    state.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
    if os.path.lexists(state):
        return
    with _one_at_a_time(state.parent):
        if not os.path.lexists(state):
            for file in companions(state):
                file.unlink(missing_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(state, flags, FILE))


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Two processes that make a state at once must not remove each other's files.

    Waits for a limited time: any user who can list the folder can hold this lock.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    until = time.monotonic() + _MAKING
    try:
        while time.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # a file system without locks
                break
        yield
    finally:
        os.close(handle)


def companions(state: Path) -> list[Path]:
    """What SQLite keeps beside a database, be it there or not, with the database's own rights."""
    database = os.path.realpath(state)
    return [Path(database + suffix) for suffix in _BESIDE]


def restrict(state: Path) -> None:
    """Close files of an older state that everyone may use, where they are this user's.

    Everyone's rights came with an earlier version (0644) and are nobody's decision. Those of a group alone (0640, 0660)
    are an operator's, as for monitoring, and stay.
    """
    lock = lock_mode(state)
    for file in accessible_to_all(state):
        # Not by a handle: closing one drops the locks that SQLite holds on a database in this process.
        # https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        with suppress(OSError):
            if file.lstat().st_uid == os.geteuid():
                file.chmod(lock if file.suffix == ".lock" else FILE)


def accessible_to_all(state: Path) -> list[Path]:
    """Those of the state's files that every user of this host may read or write."""
    return [file for file in _files(state) if _mode(file) & stat.S_IRWXO]


def lock_mode(state: Path) -> int:
    """The rights of a lock: the database's, as SQLite does for files beside it, and nothing for everyone.

    Of a database that everyone may use, the group's rights are nobody's decision either.
    """
    database = _mode(Path(os.path.realpath(state)))
    return FILE if database & stat.S_IRWXO else FILE | database & (stat.S_IRGRP | stat.S_IWGRP)


def _files(state: Path) -> Iterator[Path]:
    yield Path(os.path.realpath(state))
    yield from companions(state)
    yield from sorted(state.parent.glob(f"{escape(state.name)}.*.lock"))


def _mode(file: Path) -> int:
    """The rights of a regular file; 0: none is there."""
    try:
        mode = file.lstat().st_mode
    except OSError:
        return 0
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0
