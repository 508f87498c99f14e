"""Refuses a state that can't be used, and says why: each is a StateError with a hint."""

import os
import stat
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from syndicator.errors import StateError
from syndicator.store.schema import metadata

#: The newest migration in `migrations/versions`.
HEAD = "0016"

MIGRATIONS = Path(__file__).parent / "migrations"


def missing_state(name: str) -> StateError:
    hint = (
        "syndicator build and syndicator run create it; "
        "if feeds are published already, use the config that they were built with"
    )
    return StateError(f"there is no state yet at {name}", hint=hint)


def refuse_special_file(path: str) -> None:
    """Refuse what is not a regular file: SQLite hangs on a FIFO and names no cause for others."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            message = f"{path} is a broken symbolic link"
            raise StateError(message, hint="fix the link, or check [state] url") from None
        return
    if not stat.S_ISREG(mode):
        hint = "name a file in [state] url; it is created if it is missing"
        raise StateError(f"{path} is not a file", hint=hint)


def version_of(name: str, connection: Connection) -> str | None:
    """The newest migration that a state has; None: it has no tables of ours.

    Raises StateError if this version can't use it.
    """
    _refuse_other_encoding(name, connection)
    version: str | None = None
    if inspect(connection).has_table("alembic_version"):
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if version is None:
        _refuse_foreign_tables(name, connection)
    elif version != HEAD:
        _refuse_unknown(name, version)
    return version


def _refuse_foreign_tables(name: str, connection: Connection) -> None:
    """Refuse a database where another program has tables with our names."""
    if taken := sorted(set(metadata.tables).intersection(inspect(connection).get_table_names())):
        message = f"{name} belongs to another program: it already has {', '.join(taken)}"
        raise StateError(message, hint="name a separate database in [state] url")


def _refuse_other_encoding(name: str, connection: Connection) -> None:
    """Refuse a PostgreSQL database that can't hold every character. SQLite always can."""
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            hint = "create one: CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
            raise StateError(f"{name} has the encoding {encoding}, not UTF8", hint=hint)


def _refuse_unknown(name: str, version: str) -> None:
    """Refuse a schema that has no migration here."""
    known = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if version not in known:
        raise StateError(
            f"{name} was written by a newer syndicator "
            f"(schema {version}; this version knows {HEAD})",
            hint="run the newer version, or name another state in [state] url",
        )
