"""Copies of an SQLite state: backups under a writing daemon, and checkpoints of its log."""

import os
import shlex
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from syndicator.errors import StateError
from syndicator.store import file_modes
from syndicator.store.database import Database
from syndicator.store.engines import file_of
from syndicator.store.read_only import ReadOnlyFile
from syndicator.store.state_errors import readable_errors, without_password

#: Seconds to wait for another process that has the whole state locked, as a migration has.
_TIMEOUT = 30


def checkpoint(database: Database) -> None:
    """Copy SQLite's log into the file of the database, as far as readers allow. Never waits.

    SQLite does so by itself for each 4 MB of log only, so that the file of a small state would
    have nothing for hours (https://sqlite.org/wal.html#ckpt). PostgreSQL needs none.
    """
    if database.path is None:
        return
    database.check()
    with readable_errors(database.name), closing(database.engine.raw_connection()) as connection:
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            raise DBAPIError("checkpoint", None, error) from error


def back_up(url: str, file: Path, *, overwrite: bool) -> int:
    """Copy an SQLite state to a file, complete as of one time. Returns its size in bytes.

    Other processes may read and write the state meanwhile. The copy appears at once, checked, and
    readable by its owner only: it holds subscribers' secrets. The state's schema stays as it is.

    Raises StateError: the state is in PostgreSQL, missing or damaged, or the file can't be written,
    or exists and is not to be overwritten.
    """
    address = make_url(url)
    state = file_of(address)
    if state is None:
        message = f"PostgreSQL makes the backups of {without_password(address)}"
        raise StateError(message, hint=_pg_dump(address, file))
    try:
        _refuse(state, file, overwrite=overwrite)
        with _temporary(file.parent) as temporary:
            _copy(state, temporary)
            size = temporary.stat().st_size
            _sync(temporary)
            _put(temporary, file, overwrite=overwrite)
            _sync(file.parent)
    except OSError as error:
        hint = "name a file in a folder where this user may write"
        raise StateError(f"{file.parent}: {error.strerror}", hint=hint) from error
    return size


def _pg_dump(address: URL, file: Path) -> str:
    """The command that backs up PostgreSQL. libpq asks for the password, or reads ~/.pgpass."""
    database = without_password(address.set(drivername="postgresql")._replace(password=None))
    return shlex.join(["pg_dump", "--format=custom", f"--file={file}", database])


def _refuse(state: Path, file: Path, *, overwrite: bool) -> None:
    """Refuse a target that a backup would destroy, or that is not a file."""
    if os.path.realpath(file) in map(os.path.realpath, file_modes.files(state)):
        raise StateError(f"{file} belongs to the state itself", hint="name another file")
    try:
        mode = os.lstat(file).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise StateError(f"{file} is not a file", hint="name a file, which is created")
    if not overwrite:
        raise _exists(file)


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A new empty file, which only its owner may read. What is left of it in the end is removed."""
    handle, name = tempfile.mkstemp(prefix=".syndicator-", dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for left in (Path(name), *file_modes.companions(Path(name))):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _exists(file: Path) -> StateError:
    return StateError(f"{file} exists already", hint="name another file, or add --overwrite")


def _copy(state: Path, to: Path) -> None:
    """Copy a state by SQLite's backup API, and check the copy."""
    at_fault = state
    with readable_errors(str(state), state, write=False):
        read_only = None if os.access(state.parent, os.W_OK) else ReadOnlyFile(state)
        try:
            with closing(_connect(state, read_only)) as source, closing(_connect(to)) as copy:
                source.execute("SELECT version_num FROM alembic_version")
                # In one step: between two, a writer would make it begin again.
                # https://sqlite.org/c3ref/backup_finish.html#sqlite3backupstep
                source.backup(copy)
                at_fault = to.parent
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
                at_fault = state
                (result,) = copy.execute("PRAGMA quick_check(1)").fetchone()
                if result != "ok":
                    raise sqlite3.DatabaseError(f"database disk image is malformed: {result}")
        except sqlite3.Error as error:
            if "no such table" in str(error):
                raise StateError(f"{state} holds no state", hint="check [state] url") from error
            if at_fault is not state or "full" in str(error):
                hint = "free some space on its disk, or name another folder"
                raise StateError(f"{to.parent}: {error}", hint=hint) from error
            raise DBAPIError("backup", None, error) from error
    if read_only and not read_only.is_unchanged():
        raise StateError(f"{state} was changed while it was read", hint="run the command again")


def _connect(file: Path, read_only: ReadOnlyFile | None = None) -> sqlite3.Connection:
    """Open a file that exists. `read_only`: nothing may be written beside it."""
    query = urlencode(read_only.query if read_only else {"mode": "rw"})
    return sqlite3.connect(f"file:{quote(str(file))}?{query}", timeout=_TIMEOUT, uri=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(temporary: Path, file: Path, *, overwrite: bool) -> None:
    """Give a finished file its name. A link fails if the name was taken meanwhile."""
    if overwrite:
        os.replace(temporary, file)
        return
    try:
        os.link(temporary, file)
    except FileExistsError:
        raise _exists(file) from None
    except OSError:  # the file system has no hard links
        if os.path.lexists(file):
            raise _exists(file) from None
        os.replace(temporary, file)
