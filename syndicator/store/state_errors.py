"""Turns errors of the database, its driver and its files into StateError, with a hint."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from syndicator.errors import StateError

#: Parameters of a URL that hold a secret: `password`, `sslpassword`, `oauth_client_secret`.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_SECRET = re.compile("password|secret", re.IGNORECASE)

_HINT_REBUILD = (
    "restore a backup. Without one, the state can be rebuilt: move the file away and start again. "
    "This loses subscriptions, queued pings, and ids of renamed posts that are in no feed"
)


@contextmanager
def readable_errors(name: str) -> Iterator[None]:
    """Raise StateError for errors of the system and of the database. `name`: of the state."""
    try:
        yield
    except OSError as error:
        raise StateError(f"{name}: {error.strerror or error}", hint="check [state] url") from error
    except DBAPIError as error:
        # PostgreSQL's full text holds the values of the row, and so a callback's address.
        diagnostics = getattr(error.orig, "diag", None)
        cause = (diagnostics and diagnostics.message_primary) or str(error.orig)
        raise _state_error(name, cause) from error


def without_password(url: URL) -> str:
    """A state's URL for people, without its password. libpq accepts one in the query too."""
    query = {key: value for key, value in url.query.items() if not _SECRET.search(key)}
    return url.set(query=query).render_as_string(hide_password=True)


def _state_error(name: str, cause: str) -> StateError:
    # Which of these SQLite reports for a damaged file depends on the page that it reads first.
    if "not a database" in cause or "image is malformed" in cause or "malformed database" in cause:
        hint = f"if it never was one, name another file in [state] url; else {_HINT_REBUILD}"
        return StateError(f"{name} is not a database, or it is damaged", hint=hint)
    if "disk is full" in cause or "No space" in cause:
        hint = "free some space; nothing that was written is lost"
        return StateError(f"{name}: the disk is full", hint=hint)
    if "locked" in cause:
        hint = "close the program that has it open"
        return StateError(f"{name} is locked by another program", hint=hint)
    return StateError(f"{name}: {cause.strip()}", hint="check [state] url")
