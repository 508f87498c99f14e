"""Locks on a state: one daemon that builds, one run at a time.

On SQLite the operating system keeps a lock. It ends with its process, even when that crashes. On
PostgreSQL it is a lease, which ends by itself; see `leases`.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from msgspec import Struct
from sqlalchemy import Connection, text

from syndicator.errors import StateError
from syndicator.store import file_modes, leases, processes
from syndicator.store.database import Database
from syndicator.store.leases import Lease, locked_error
from syndicator.store.refusals import HEAD
from syndicator.store.state_errors import readable_errors

#: Seconds between attempts at a lock that another process holds.
_INTERVAL = 0.05


class Holder(Struct, frozen=True, kw_only=True):
    """The process that holds a lock."""

    name: str  #: process and machine
    heartbeat: datetime | None = None  #: when it last wrote its heartbeat; None: unknown
    trouble: str = ""  #: what failed at that heartbeat; "": nothing
    hint: str = ""  #: how to fix it


def acquire(
    database: Database,
    name: str,
    *,
    waiting: Callable[[], None] | None = None,
    process: str | None = None,
) -> AbstractContextManager[Lease | None]:
    """Hold the lock of this name on the state until the block ends. `process`: the holder's name.

    While another process holds it, `waiting` is called several times a second; an exception from it
    ends the wait. None: don't wait, but raise LockedError. Yields the lease on PostgreSQL, which
    ends if this process is away for too long. None: a file's lock, which ends with the process.
    """
    if database.path is None:
        return leases.held(database, name, process or leases.process_name(), waiting)
    return _file_lock(database, name, waiting)


class RunLock:
    """The right to have a run, for one process. One thread at a time holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lease: Lease | None = None

    @contextmanager
    def hold(self, process: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """See `acquire`. `process`: the name of this process."""
        with acquire(self._database, "run", waiting=waiting, process=process) as self._lease:
            try:
                yield
            finally:
                self._lease = None

    def check(self) -> None:
        """Raise LostLeaseError if another process may have a run, and write files at this time.

        Any thread of the run may call it.
        """
        if lease := self._lease:
            lease.check()


def holder(database: Database, name: str) -> Holder | None:
    """The process that holds a lock; None: the lock is free."""
    if database.path is None:
        with database.read() as connection:
            process = leases.find_holder(connection, name)
        return Holder(name=process) if process else None
    path = _path(database, name)
    with readable_errors(database.name, write=False):
        try:
            handle = _open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        lines = [*_read_text(handle).split("\n"), "", ""]
        heartbeat = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
        return Holder(name=lines[0], heartbeat=heartbeat, trouble=lines[1], hint=lines[2])
    finally:
        os.close(handle)
    return None


def write_heartbeat(database: Database, name: str, trouble: str = "", hint: str = "") -> None:
    """Record in the lock file that the holder is alive, and what fails. A file's mtime is its time.

    The lock file, not the state, since writing to the state may be what fails.
    """
    if database.path is not None:
        with suppress(OSError, StateError):
            handle = _open(_path(database, name), os.O_WRONLY)
            try:
                _write_lines(handle, leases.this_process(), trouble, hint)
                os.utime(handle)
            finally:
                os.close(handle)


@contextmanager
def _file_lock(database: Database, name: str, waiting: Callable[[], None] | None) -> Iterator[None]:
    with readable_errors(database.name):
        handle = _open_or_create(database, name)
    try:
        while not _try_flock(handle):
            if waiting is None:
                raise locked_error(database, _read_text(handle).partition("\n")[0])
            waiting()
            time.sleep(_INTERVAL)
        with suppress(OSError):  # a full disk: the lock is valid without the holder's name
            _write_lines(handle, leases.this_process())
        yield
    finally:
        os.close(handle)


def _open_or_create(database: Database, name: str) -> int:
    path, state = _path(database, name), Path(database.name)
    is_new = not os.path.lexists(path)
    handle = _open(path, os.O_RDWR | os.O_CREAT, file_modes.lock_mode(state))
    if is_new:
        file_modes.share(state, None)
    return handle


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _old_daemon(connection: Connection) -> str | None:
    """The daemon of an earlier version (schema 0012) on PostgreSQL; None: none runs.

    Its session held a lock: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    process: str | None = connection.scalar(
        text(
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) "
            "WHERE locktype = 'advisory' AND classid = 0 AND objid = :key AND granted "
            "AND datname = current_database()"
        ),
        {"key": crc32(b"syndicator daemon")},
    )
    return process


def _path(database: Database, name: str) -> str:
    return f"{database.path}.{name}.lock"


def _open(path: str, flags: int, mode: int = file_modes.FILE) -> int:
    """Open a lock file. Raises OSError, and StateError for a file that is not regular.

    A symbolic link is refused too: it could lead to another file, which would be overwritten.
    """
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _special_file_error(path) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _special_file_error(path)
    return handle


def _special_file_error(path: str) -> StateError:
    return StateError(
        f"{path} is not a regular file",
        hint="remove it (it is created again), and check who may write to that folder",
    )


def _write_lines(handle: int, *lines: str) -> None:
    text = "\n".join(line.replace("\n", " ")[:1000] for line in lines).encode()
    # In this order it works on a full disk: the old bytes are overwritten before any are freed.
    os.pwrite(handle, text, 0)
    os.ftruncate(handle, len(text))


def _read_text(handle: int) -> str:
    return os.pread(handle, 4096, 0).decode("utf-8", "replace")


def find_daemon(database: Database, version: str = HEAD) -> str | None:
    """A daemon that runs on this state, of this schema, by name. None: none does."""
    if database.sqlite:
        found = holder(database, "daemon")
        return (found.name or "unknown") if found else None
    with database.read() as connection:
        if version < "0013":
            return _old_daemon(connection)
        return next((process.name for process in processes.living(connection)), None)
