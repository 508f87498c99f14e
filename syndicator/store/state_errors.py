"""Turns errors of the database, its driver and its files into StateError, with a hint."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from syndicator.errors import StateError
from syndicator.file_access import Refusal, refusal
from syndicator.store import file_modes

#: Parameters of a URL that hold a secret: `password`, `sslpassword`, `oauth_client_secret`.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_SECRET = re.compile("password|secret", re.IGNORECASE)

_HINT_REBUILD = (
    "restore a backup. Without one, the state can be rebuilt: move the file away and start again. "
    "This loses subscriptions, queued pings, and ids of renamed posts that are in no feed"
)

#: A transaction is silent for so long: see `Database.begin`, and `processes.end_sessions`.
_HINT_ENDED = (
    "its transaction was undone; a daemon repeats it by itself. The database was restarted, or "
    "this process was silent for nine seconds, after which another one takes over. If it recurs, "
    "see the database's log, and what suspends this machine or cuts its network"
)

_TRIED_AGAIN = "it is tried again; if this goes on, see pg_stat_activity for a session that hangs"

#: Errors of permissions and of read-only disks.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)

#: What SQLite reports if it may not open, create or write one of the state's files. It does not
#: say which: https://sqlite.org/rescode.html#readonly_directory
_SQLITE_REFUSED = ("readonly database", "unable to open database file")


@contextmanager
def readable_errors(name: str, file: Path | None = None, *, write: bool = True) -> Iterator[None]:
    """Raise StateError for errors of the system and of the database. `name`: of the state.

    `file`: of an SQLite state. `write`: whether it is to be written.
    """
    try:
        yield
    except OSError as error:
        other = StateError(f"{name}: {error.strerror or error}", hint="check [state] url")
        raise _refused_by_system(error, write=write) or other from error
    except DBAPIError as error:
        # PostgreSQL's full text holds the values of the row, and so a callback's address.
        diagnostics = getattr(error.orig, "diag", None)
        cause = (diagnostics and diagnostics.message_primary) or str(error.orig)
        refused = any(text in cause for text in _SQLITE_REFUSED)
        why = _refused_by_sqlite(file, write=write) if file and refused else None
        raise why or _state_error(name, cause, ended=error.connection_invalidated) from error


def without_password(url: URL) -> str:
    """A state's URL for people, without its password. libpq accepts one in the query too."""
    query = {key: value for key, value in url.query.items() if not _SECRET.search(key)}
    return url.set(query=query).render_as_string(hide_password=True)


def _refused_by_system(error: OSError, *, write: bool) -> StateError | None:
    """Why this user may not use the file that the error names. None: for another reason."""
    if error.errno not in _REFUSED or not isinstance(error.filename, str | Path):
        return None
    why = refusal(Path(error.filename), write=write)
    return _state_refusal(why, write=write) if why else None


def _refused_by_sqlite(file: Path, *, write: bool) -> StateError | None:
    """Why this user may not use the state's files. None: it may."""
    files = [file, *(each for each in file_modes.companions(file) if os.path.lexists(each))]
    reasons = (refusal(each, write=write) for each in (*files, *([file.parent] if write else ())))
    if why := next(filter(None, reasons), None):
        return _state_refusal(why, write=write)
    log, index, _ = file_modes.companions(file)
    if not write and os.path.lexists(log) and not os.path.lexists(index):
        # https://sqlite.org/wal.html#read_only_databases
        why = refusal(file.parent, write=True)
        hint = f"copy {file.name} and {log.name} to a folder that this user may write to"
        cause = f": {why.message}" if why else ""
        return StateError(f"{log} can't be read without {index.name}{cause}", hint=hint)
    return None


def _state_refusal(why: Refusal, *, write: bool) -> StateError:
    readers = "" if write else "; or let a group read the state: state.group"
    return StateError(why.message, hint=f"{why.hint}{readers}")


def _state_error(name: str, cause: str, *, ended: bool) -> StateError:
    """`ended`: whether the connection ended after it was opened."""
    if ended:
        first_line = cause.strip().partition("\n")[0]
        return StateError(f"{name}: the connection ended: {first_line}", hint=_HINT_ENDED)
    # Which of these SQLite reports for a damaged file depends on the page that it reads first.
    if "not a database" in cause or "image is malformed" in cause or "malformed database" in cause:
        hint = f"if it never was one, name another file in [state] url; else {_HINT_REBUILD}"
        return StateError(f"{name} is not a database, or it is damaged", hint=hint)
    if "disk is full" in cause or "No space" in cause:
        hint = "free some space; nothing that was written is lost"
        return StateError(f"{name}: the disk is full", hint=hint)
    if "deadlock detected" in cause:
        return StateError(f"{name}: another session holds what this one needs", hint=_TRIED_AGAIN)
    if "lock timeout" in cause:
        return StateError(f"{name}: another session holds a lock for too long", hint=_TRIED_AGAIN)
    if "locked" in cause:
        hint = "close the program that has it open"
        return StateError(f"{name} is locked by another program", hint=hint)
    return StateError(f"{name}: {cause.strip()}", hint="check [state] url")
