"""Locks on a state: one daemon for its whole life, one run at a time.

The operating system or PostgreSQL keeps a lock. It ends with its process, even when that crashes.
"""

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from syndicator.errors import LockedError, MovedStateError, StateError
from syndicator.store import file_modes
from syndicator.store.database import Database
from syndicator.store.state_errors import readable_errors

#: Seconds between attempts at a lock that another process holds.
_INTERVAL = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The process that holds a lock."""

    name: str  #: process and machine
    heartbeat: datetime | None = None  #: when it last wrote its heartbeat; None: unknown
    trouble: str = ""  #: what failed at that heartbeat; "": nothing
    hint: str = ""  #: how to fix it


@contextmanager
def acquire(
    database: Database, name: str, *, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock of this name on the state until the block ends.

    While another process holds it, `waiting` is called several times a second; an exception from it
    ends the wait. None: don't wait, but raise LockedError.
    """
    lock = _file_lock if database.path else _advisory_lock
    with lock(database, name, waiting):
        yield


def holder(database: Database, name: str) -> Holder | None:
    """The process that holds a lock; None: the lock is free."""
    if database.path is None:
        with database.read() as connection:
            process = _advisory_holder(connection, name)
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


def check(database: Database, name: str) -> None:
    """Raise MovedStateError when this process lost a lock it had acquired.

    PostgreSQL releases it with the session, which a restart or an idle timeout ends silently.
    """
    if database.path is None:
        with database.read() as connection:
            lost = _advisory_holder(connection, name) != _session_name()
        if lost:
            message = f"{database.name} ended the session that held the lock on it"
            hint = "no action is needed: the lock is acquired again, unless another process has it"
            raise MovedStateError(message, hint=hint)


def write_heartbeat(database: Database, name: str, trouble: str = "", hint: str = "") -> None:
    """Record in the lock file that the holder is alive, and what fails. A file's mtime is its time.

    The lock file, not the state, since writing to the state may be what fails.
    """
    if database.path is not None:
        with suppress(OSError, StateError):
            handle = _open(_path(database, name), os.O_WRONLY)
            try:
                _write_lines(handle, _process_name(), trouble, hint)
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
                raise _locked_error(database, _read_text(handle).partition("\n")[0])
            waiting()
            time.sleep(_INTERVAL)
        with suppress(OSError):  # a full disk: the lock is valid without the holder's name
            _write_lines(handle, _process_name())
        yield
    finally:
        os.close(handle)


def _open_or_create(database: Database, name: str) -> int:
    path, mode = _path(database, name), file_modes.lock_mode(Path(database.name))
    try:
        handle = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return _open(path, os.O_RDWR | os.O_CREAT, mode)
    if mode != file_modes.FILE:
        with suppress(PermissionError):  # the operator gave the state to a group without this user
            os.fchown(handle, -1, os.stat(database.name).st_gid)
        os.fchmod(handle, mode)  # the umask removed the group's permissions
    return handle


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _advisory_lock(
    database: Database, name: str, waiting: Callable[[], None] | None
) -> Iterator[None]:
    # The session holds it: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    with readable_errors(database.name), database.engine.connect() as connection:
        session = connection.execution_options(isolation_level="AUTOCOMMIT")
        session.execute(
            text("SELECT set_config('application_name', :me, false)"), {"me": _session_name()}
        )
        while not session.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(name)}):
            if waiting is None:
                raise _locked_error(database, _advisory_holder(session, name) or "")
            waiting()
            time.sleep(_INTERVAL)
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):
                session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})


def _advisory_holder(connection: Connection, name: str) -> str | None:
    process: str | None = connection.scalar(
        text(
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) "
            "WHERE locktype = 'advisory' AND classid = 0 AND objid = :key AND granted "
            "AND datname = current_database()"
        ),
        {"key": _key(name)},
    )
    return process


def _key(name: str) -> int:
    return crc32(f"syndicator {name}".encode())


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


def _process_name() -> str:
    return f"pid {os.getpid()} on {socket.gethostname()}"


def _session_name() -> str:
    """The name of our sessions. PostgreSQL truncates names to 63 bytes."""
    return _process_name()[:63]


def _locked_error(database: Database, holder: str) -> LockedError:
    return LockedError(
        f"another syndicator works on {database.name}: {holder or 'unknown'}",
        hint="stop that one first, or name a separate state in [state] url",
    )
