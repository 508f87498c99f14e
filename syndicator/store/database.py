"""The connection to SQLite or PostgreSQL and its care: opening, migrating, transactions."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from syndicator.errors import MovedStateError, StateError
from syndicator.store import file_modes
from syndicator.store.schema import like_sqlite, metadata

#: The newest migration in `migrations/versions`.
HEAD = "0005"

MIGRATIONS = Path(__file__).parent / "migrations"

#: As Alembic makes it: a new state gets its tables at once, and is marked as if it had come all the way.
#: https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
_ALEMBIC = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: How a writing transaction ends on SQLite. A debt must outlive a power cut: https://sqlite.org/pragma.html#pragma_synchronous
_DURABLE, _FAST = "FULL", "NORMAL"

#: Else SQLAlchemy reads octets where a database was made without an encoding, and stumbles over them.
_POSTGRESQL = {"client_encoding": "utf8"}

#: Parameters of a URL that hold a secret: `password`, `sslpassword`, `oauth_client_secret`.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_SECRET = re.compile("password|secret", re.IGNORECASE)

_MENDED_BY_DELETING = (
    "the state is an index: move the file away and it is made again; what is lost are the moments posts were "
    "first seen changed, the ids of posts that were renamed, subscriptions, and pings still owed"
)


class Database:
    """A state by its URL: `sqlite:///path` or `postgresql+psycopg://…`.

    Opening creates what isn't there and migrates what is older; a newer schema is refused.
    Raises StateError, with the cause in words, for whatever the operator can mend.
    """

    def __init__(self, url: str, *, folder_mode: int = file_modes.FOLDER) -> None:
        """`folder_mode`: the rights of the state's folder, if it has to be made."""
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        with readable_errors(_shown(self.url)):
            if self.path:
                _refuse_no_file(str(self.path))
                file_modes.make(self.path, folder_mode)
                file_modes.restrict(self.path)
            self.engine = _engine(url, sqlite=self.sqlite)
            self._opened: tuple[int, int] | None = None
            self._migrate()
            self._opened = _place(self.path)
            self._beside = (
                {file: _place(file) for file in file_modes.companions(self.path)}
                if self.path
                else {}
            )

    @property
    def name(self) -> str:
        """What to call it in front of people, without its password."""
        return self.url.database if self.sqlite and self.url.database else _shown(self.url)

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""
        return Path(self.url.database) if self.sqlite and self.url.database else None

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write. One at a time on SQLite; the others wait.

        One that isn't `durable` doesn't wait for the disk: it outlives the process, but a power cut may take it back
        unless a durable one came after it.
        """
        self.check()
        with (
            readable_errors(self.name),
            self.engine.connect().execution_options(
                synchronous=_DURABLE if durable else _FAST
            ) as connection,
            connection.begin(),
        ):
            if not durable and not self.sqlite:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view that writes nothing."""
        self.check()
        with readable_errors(self.name), self.engine.connect() as connection, connection.begin():
            yield connection

    def check(self) -> None:
        """Raise MovedStateError when the file isn't the one that was opened.

        What is open still reads and writes the old one, which nobody will ever see; what is opened from now on
        is the new one. Between the two, debts would be lost.
        """
        if self._opened and _place(self.path) != self._opened:
            hint = (
                "if that was no mistake, nothing is to be done: the daemon opens what is there now"
            )
            raise MovedStateError(f"{self.name} was deleted, moved away or replaced", hint=hint)

    def give_up_place(self) -> None:
        """Remove what SQLite keeps beside the file that was opened, now that another file has its place.

        The other one would take it for its own, and with it the old one's newest changes.
        """
        for file, place in self._beside.items():
            if place and _place(file) == place:
                file.unlink(missing_ok=True)

    def close(self) -> None:
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            _refuse_other_letters(self.name, connection)
            version = _version(connection)
        if version == HEAD:
            return
        with self.begin() as connection:
            version = _version(connection)  # another process may have been faster
            if version is None:
                _refuse_strangers(self.name, connection)
                metadata.create_all(connection, checkfirst=False)
                _ALEMBIC.create(connection)
                connection.execute(insert(_ALEMBIC).values(version_num=HEAD))
            elif version != HEAD:
                _refuse_unknown(self.name, version)
                _upgrade(connection)


def _place(path: Path | None) -> tuple[int, int] | None:
    """What tells a file from another in its place; None: it isn't there, or no file."""
    try:
        seen = os.stat(path) if path else None
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino) if seen else None


def _upgrade(connection: Connection) -> None:
    # Alembic costs a quarter of a second to import, and is needed once in a version's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def peek(url: str) -> datetime | None:
    """Look at a state and change nothing: when the last run that looked at everything was; None: there was none.

    Raises StateError when it can't be used: damaged, not reachable, or from a newer version.
    """
    last = peek_fact(url, "now")
    return datetime.fromisoformat(last) if last else None


def peek_fact(url: str, fact: str) -> str | None:
    """Read a fact of a state and change nothing; None: there is none. Raises as `peek` does."""
    at = make_url(url)
    name = _shown(at)
    if at.get_backend_name() == "sqlite":
        if not at.database or not os.path.lexists(at.database):
            return None
        with readable_errors(name):
            _refuse_no_file(at.database)
        at = at.set(database=f"file:{quote(at.database)}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(at, **_POSTGRESQL if at.get_backend_name() == "postgresql" else {})
    try:
        with readable_errors(name), engine.connect() as connection:
            _refuse_other_letters(name, connection)
            version = _version(connection)
            if version is None:
                _refuse_strangers(name, connection)
                return None
            _refuse_unknown(name, version)
            table = "facts" if version < "0005" else "kv"
            value: str | None = connection.scalar(
                text(f"SELECT value FROM {table} WHERE name = :name"),  # noqa: S608 -- one of two names
                {"name": fact},
            )
            return value
    finally:
        engine.dispose()


def _shown(url: URL) -> str:
    """A state's URL for people, without its password, be it in its place or in the query, as libpq takes it too."""
    query = {key: value for key, value in url.query.items() if not _SECRET.search(key)}
    return url.set(query=query).render_as_string(hide_password=True)


def _refuse_no_file(path: str) -> None:
    """SQLite waits for who writes to a FIFO, and says of the rest only that it can't be opened."""
    try:
        kind = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            raise StateError(
                f"{path} is a link that leads nowhere", hint="see [state] url"
            ) from None
        return
    if not stat.S_ISREG(kind):
        raise StateError(
            f"{path} is not a file", hint="name a file in [state] url: it is made if it isn't there"
        )


def _refuse_strangers(name: str, connection: Connection) -> None:
    """Refuse a database where another program has tables of the names we need."""
    if taken := sorted(set(metadata.tables).intersection(inspect(connection).get_table_names())):
        message = f"{name} is another program's: it holds {', '.join(taken)}, which are not ours"
        raise StateError(message, hint="name a database of its own in [state] url")


def _refuse_other_letters(name: str, connection: Connection) -> None:
    """Refuse a PostgreSQL database that can't hold every letter: an SQLite one can."""
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            hint = "make another: CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
            raise StateError(f"{name} was made with the encoding {encoding}, not UTF8", hint=hint)


def _refuse_unknown(name: str, version: str) -> None:
    known = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if version not in known:
        raise StateError(
            f"{name} was written by a newer syndicator (schema {version}; this one knows {HEAD})",
            hint="run the newer version, or name another state in [state] url",
        )


def _engine(url: str, *, sqlite: bool) -> Engine:
    if not sqlite:
        like_sqlite("postgresql")
        return create_engine(url, pool_pre_ping=True, **_POSTGRESQL)
    # The connection that was used last has at hand what the others would keep a second time.
    engine = create_engine(
        url, connect_args={"timeout": 30, "check_same_thread": False}, pool_use_lifo=True
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        # We say BEGIN ourselves, so that a reader's snapshot and a writer's turn are what they seem.
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA cache_size = -16384")  # KiB
        connection.execute(
            "PRAGMA journal_size_limit = 16777216"
        )  # a large run's log isn't kept for ever

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        synchronous = connection.get_execution_options().get("synchronous")
        if synchronous is None:
            connection.exec_driver_sql("BEGIN")
            return
        if connection.info.get("synchronous") != synchronous:
            connection.exec_driver_sql(f"PRAGMA synchronous = {synchronous}")
            connection.info["synchronous"] = synchronous
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _version(connection: Connection) -> str | None:
    known = inspect(connection).has_table(_ALEMBIC.name)
    return connection.scalar(select(_ALEMBIC.c.version_num)) if known else None


@contextmanager
def readable_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{name}: {error.strerror or error}", hint="see [state] url") from error
    except DBAPIError as error:
        # PostgreSQL's whole text holds the values of the row, and so a callback's address.
        told = getattr(error.orig, "diag", None)
        raise _state_error(name, (told and told.message_primary) or str(error.orig)) from error


def _state_error(name: str, cause: str) -> StateError:
    # SQLite says either of one file, by the page that it meets first.
    if "not a database" in cause or "image is malformed" in cause or "malformed database" in cause:
        hint = f"if it never was one, name another file in [state] url; else {_MENDED_BY_DELETING}"
        return StateError(f"{name} is no database, or it is damaged", hint=hint)
    if "disk is full" in cause or "No space" in cause:
        return StateError(
            f"{name}: the disk is full", hint="make room; nothing that was written is lost"
        )
    if "locked" in cause:
        return StateError(
            f"{name} is locked by another program", hint="close the program that holds it open"
        )
    return StateError(f"{name}: {cause.strip()}", hint="see [state] url")
