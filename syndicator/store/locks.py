"""Who works on a state: one daemon for its life, one run at a time.

A lock is the operating system's, or PostgreSQL's: it ends with the process that holds it, however that ends.
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
from syndicator.store.database import Database, readable_errors

#: Seconds between looks at a lock that another process holds.
_LOOK = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    name: str  #: process and machine
    beat: datetime | None = None  #: when it last said that it lives; None: it can't be told
    trouble: str = ""  #: what it last said it suffers from
    hint: str = ""  #: what to do about it


@contextmanager
def hold(
    database: Database, name: str, *, waiting: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold a name on this state alone until the block ends.

    While another process holds it, `waiting` is called several times a second; what it raises ends the wait.
    None: don't wait, but raise LockedError.
    """
    with _file(database, name, waiting) if database.path else _advisory(database, name, waiting):
        yield


def holder(database: Database, name: str) -> Holder | None:
    """Who holds a name; None: nobody."""
    if database.path is None:
        with database.read() as connection:
            who = _advisory_holder(connection, name)
        return Holder(name=who) if who else None
    path = _path(database, name)
    try:
        handle = _opened(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(
            f"{path} can't be read: {error.strerror}", hint="may this user read it?"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        said = [*_written(handle).split("\n"), "", ""]
        beat = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
        return Holder(name=said[0], beat=beat, trouble=said[1], hint=said[2])
    finally:
        os.close(handle)
    return None


def check(database: Database, name: str) -> None:
    """Raise MovedStateError when a name that was held here is not any more.

    PostgreSQL lets go of it with the session, which a restart or an idle connection that is cut ends without a word.
    """
    if database.path is None:
        with database.read() as connection:
            lost = _advisory_holder(connection, name) != _session()
        if lost:
            hint = "nothing is to be done: it is taken again, unless another has it by now"
            raise MovedStateError(
                f"{database.name} ended the session that held the lock on it", hint=hint
            )


def beat(database: Database, name: str, trouble: str = "", hint: str = "") -> None:
    """Say that the holder lives, and what it suffers from, in the lock's own file.

    The state isn't written to for it; it may be what the trouble is.
    """
    if database.path is not None:
        with suppress(OSError, StateError):
            handle = _opened(_path(database, name), os.O_WRONLY)
            try:
                _write(handle, _me(), trouble, hint)
                os.utime(handle)
            finally:
                os.close(handle)


@contextmanager
def _file(database: Database, name: str, waiting: Callable[[], None] | None) -> Iterator[None]:
    with readable_errors(database.name):
        handle = _opened_or_made(database, name)
    try:
        while not _flocked(handle):
            if waiting is None:
                raise _locked(database, _written(handle).partition("\n")[0])
            waiting()
            time.sleep(_LOOK)
        with suppress(OSError):  # a full disk: the lock holds without its holder's name
            _write(handle, _me())
        yield
    finally:
        os.close(handle)


def _opened_or_made(database: Database, name: str) -> int:
    path, mode = _path(database, name), file_modes.lock_mode(Path(database.name))
    try:
        handle = _opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return _opened(path, os.O_RDWR | os.O_CREAT, mode)
    if mode != file_modes.FILE:
        os.fchmod(handle, mode)  # the umask took the group's rights away
    return handle


def _flocked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _advisory(database: Database, name: str, waiting: Callable[[], None] | None) -> Iterator[None]:
    # Held by the session: https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    with readable_errors(database.name), database.engine.connect() as connection:
        session = connection.execution_options(isolation_level="AUTOCOMMIT")
        session.execute(
            text("SELECT set_config('application_name', :me, false)"), {"me": _session()}
        )
        while not session.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(name)}):
            if waiting is None:
                raise _locked(database, _advisory_holder(session, name) or "")
            waiting()
            time.sleep(_LOOK)
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):
                session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})


def _advisory_holder(connection: Connection, name: str) -> str | None:
    who: str | None = connection.scalar(
        text(
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) "
            "WHERE locktype = 'advisory' AND classid = 0 AND objid = :key AND granted AND datname = current_database()"
        ),
        {"key": _key(name)},
    )
    return who


def _key(name: str) -> int:
    return crc32(f"syndicator {name}".encode())


def _path(database: Database, name: str) -> str:
    return f"{database.path}.{name}.lock"


def _opened(path: str, flags: int, mode: int = file_modes.FILE) -> int:
    """A lock's file. Raises OSError, and StateError for what is no regular file: a link could lead to another file."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise _no_lock(path) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _no_lock(path)
    return handle


def _no_lock(path: str) -> StateError:
    return StateError(
        f"{path} is not a regular file",
        hint="remove it: it is made again; who may write to that folder?",
    )


def _write(handle: int, *lines: str) -> None:
    text = "\n".join(line.replace("\n", " ")[:1000] for line in lines).encode()
    # In this order a full disk has room: what was written before is written over, not given back first.
    os.pwrite(handle, text, 0)
    os.ftruncate(handle, len(text))


def _written(handle: int) -> str:
    return os.pread(handle, 4096, 0).decode("utf-8", "replace")


def _me() -> str:
    return f"pid {os.getpid()} on {socket.gethostname()}"


def _session() -> str:
    """What our sessions are called: PostgreSQL keeps no more of a name."""
    return _me()[:63]


def _locked(database: Database, holder: str) -> LockedError:
    return LockedError(
        f"another syndicator works on {database.name}: {holder or 'unknown'}",
        hint="stop that one first, or give this one a state of its own in [state] url",
    )
