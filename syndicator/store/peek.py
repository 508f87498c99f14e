"""Looks at a state without opening it: nothing is created, migrated or changed."""

import os
from contextlib import ExitStack
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import make_url, text

from syndicator.store.engines import file_of, read_only_engine, shares_sessions
from syndicator.store.refusals import refuse_special_file, version_of
from syndicator.store.state_errors import readable_errors, without_password


def peek(url: str) -> datetime | None:
    """The time of the last full scan, without changing the state; None: there was none.

    Raises StateError when the state can't be used: damaged, not reachable, or of a newer version.
    """
    last = peek_value(url, "now")
    return datetime.fromisoformat(last) if last else None


class Server(NamedTuple):
    """The database server of a state."""

    time: datetime  #: by its clock
    is_behind_pooler: bool  #: whether it is reached through a pooler in transaction mode


def peek_server(url: str) -> Server | None:
    """The server of a state; None: it is in a file. Raises StateError."""
    address = make_url(url)
    if file_of(address) or address.get_backend_name() == "sqlite":
        return None
    engine, _ = read_only_engine(address)
    try:
        with readable_errors(without_password(address), write=False):
            with engine.connect() as connection:
                time = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return Server(time, shares_sessions(engine))
    finally:
        engine.dispose()


def peek_value(url: str, key: str) -> str | None:
    """A value of the `kv` table, without changing the state; None: it is not set.

    Raises as `peek` does.
    """
    address = make_url(url)
    name, file = without_password(address), file_of(address)
    with readable_errors(name, file, write=False), ExitStack() as stack:
        if file and not os.path.lexists(file):
            return None
        if file:
            refuse_special_file(str(file))
        engine, _ = read_only_engine(address)
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.connect())
        version = version_of(name, connection)
        if version is None:
            return None
        table = "facts" if version < "0005" else "kv"
        statement = text(f"SELECT value FROM {table} WHERE name = :key")  # noqa: S608 -- constant
        value: str | None = connection.scalar(statement, {"key": key})
        return value
