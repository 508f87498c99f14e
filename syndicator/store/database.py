"""The connection to SQLite or PostgreSQL: opening, migrations, transactions."""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

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
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from syndicator.errors import MovedStateError, StateError
from syndicator.store import file_modes
from syndicator.store.read_only import ReadOnlyFile
from syndicator.store.schema import like_sqlite, metadata
from syndicator.store.state_errors import readable_errors, without_password

#: The newest migration in `migrations/versions`.
HEAD = "0009"

MIGRATIONS = Path(__file__).parent / "migrations"

#: As Alembic defines it. A new state gets its tables at once, stamped with the newest migration.
#: https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch
_ALEMBIC = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: PostgreSQL's advisory lock of a process that makes or migrates the tables. Any fixed number.
_MIGRATING = 7_046_029

#: The `synchronous` setting of SQLite for a durable transaction, which survives a power cut.
#: Queued jobs must. https://sqlite.org/pragma.html#pragma_synchronous
_DURABLE = "FULL"

#: The setting for a transaction whose loss is harmless.
_FAST = "NORMAL"

#: Without it, SQLAlchemy reads bytes, and fails, where a database was created without an encoding.
_POSTGRESQL = {"client_encoding": "utf8"}


class Database:
    """A state by its URL: `sqlite:///path` or `postgresql+psycopg://…`; `sqlite://` is in memory.

    Opening creates a missing state and migrates an older one; a newer schema is refused.
    Raises StateError, with a readable cause, for each error that an operator can fix.
    """

    def __init__(
        self,
        url: str,
        *,
        folder_mode: int = file_modes.FOLDER,
        group: int | None = None,
        read_only: bool = False,
    ) -> None:
        """`folder_mode`: the permissions of the state's folder, if it has to be created.

        `group`: the group that may read a state in files; None: it stays as it is.
        `read_only`: create, change and migrate nothing, so that no write permission is needed. A
        missing or older state is refused.
        """
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._read_only = read_only
        self._read_only_file: ReadOnlyFile | None = None
        self._inode: tuple[int, int] | None = None
        with self._readable_errors(without_password(self.url)):
            if self.path:
                _refuse_special_file(str(self.path))
            if read_only:
                self._open_read_only()
            else:
                self._open(folder_mode, group)
            self._inode = _inode(self.path)
            companions = file_modes.companions(self.path) if self.path else []
            self._companions = {file: _inode(file) for file in companions}

    @property
    def name(self) -> str:
        """The name of the state in messages, without its password."""
        if self.sqlite and self.url.database:
            return self.url.database
        return without_password(self.url)

    @property
    def path(self) -> Path | None:
        """The file of an SQLite state; None: it is not a file."""
        return _file_of(self.url)

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write. One at a time on SQLite; the others wait.

        A transaction that isn't `durable` doesn't wait for the disk. It survives the process, but
        a power cut may undo it unless a durable transaction came after it.
        """
        self.check()
        synchronous = _DURABLE if durable else _FAST
        with (
            self._readable_errors(self.name),
            self.engine.connect().execution_options(synchronous=synchronous) as connection,
            connection.begin(),
        ):
            if not durable and not self.sqlite:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, from one consistent snapshot."""
        self.check()
        with (
            self._readable_errors(self.name),
            self.engine.connect() as connection,
            connection.begin(),
        ):
            yield connection
        if self._read_only_file and not self._read_only_file.is_unchanged():
            message = f"{self.name} was changed while it was read"
            raise StateError(message, hint="run the command again")

    def check(self) -> None:
        """Raise MovedStateError when the file is not the one that was opened.

        Open connections would still read and write the old file, which no other process sees, and
        new connections would open the new file: queued jobs would be lost between the two.
        """
        if self._inode and _inode(self.path) != self._inode:
            hint = "no action is needed if this was intended: the daemon opens the new file"
            raise MovedStateError(f"{self.name} was deleted, moved away or replaced", hint=hint)

    def remove_companions(self) -> None:
        """Remove SQLite's files beside the file that was opened, after another file replaced it.

        SQLite would apply them to the new file, with the newest changes of the old one.
        """
        for file, inode in self._companions.items():
            if inode and _inode(file) == inode:
                file.unlink(missing_ok=True)

    def close(self) -> None:
        self.engine.dispose()

    def _readable_errors(self, name: str) -> AbstractContextManager[None]:
        return readable_errors(name, self.path, write=not self._read_only)

    def _open(self, folder_mode: int, group: int | None) -> None:
        if self.path:
            file_modes.create(self.path, folder_mode)
            file_modes.restrict(self.path)
        self.engine = _engine(self.url, sqlite=self.sqlite)
        self._migrate()
        if self.path:
            file_modes.share(self.path, group)

    def _open_read_only(self) -> None:
        if self.path and not os.path.lexists(self.path):
            raise missing_state(self.name)
        self.engine, self._read_only_file = _read_only_engine(self.url)
        with self.engine.connect() as connection:
            _refuse_other_encoding(self.name, connection)
            version = _version(connection)
            if version is None:
                _refuse_foreign_tables(self.name, connection)
                raise missing_state(self.name)
        _refuse_unknown(self.name, version)
        if version != HEAD:
            message = f"{self.name} was written by an earlier version (schema {version})"
            hint = "syndicator run and syndicator build of this version migrate it"
            raise StateError(message, hint=hint)

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            _refuse_other_encoding(self.name, connection)
            version = _version(connection)
        if version == HEAD:
            return
        if version is not None:
            self._refuse_running_daemon()
        with self.begin() as connection:
            if not self.sqlite:  # there, a writing transaction excludes all others
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
            version = _version(connection)  # another process may have migrated it meanwhile
            if version is None:
                _refuse_foreign_tables(self.name, connection)
                metadata.create_all(connection, checkfirst=False)
                _ALEMBIC.create(connection)
                connection.execute(insert(_ALEMBIC).values(version_num=HEAD))
            elif version != HEAD:
                _refuse_unknown(self.name, version)
                _upgrade(connection)

    def _refuse_running_daemon(self) -> None:
        """An older daemon could not use the state any more, and would publish nothing."""
        from syndicator.store import locks

        if daemon := locks.holder(self, "daemon"):
            message = f"a daemon of another version runs on {self.name}: {daemon.name}"
            raise StateError(message, hint="stop it before you use this version")


def _file_of(url: URL) -> Path | None:
    is_sqlite = url.get_backend_name() == "sqlite"
    return Path(url.database) if is_sqlite and url.database else None


def missing_state(name: str) -> StateError:
    hint = (
        "syndicator build and syndicator run create it; "
        "if feeds are published already, use the config that they were built with"
    )
    return StateError(f"there is no state yet at {name}", hint=hint)


def _inode(path: Path | None) -> tuple[int, int] | None:
    """Device and inode, which identify a file whatever its path; None: it is missing."""
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _upgrade(connection: Connection) -> None:
    # Importing Alembic takes a quarter of a second, and is needed once for each new version.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def peek(url: str) -> datetime | None:
    """The time of the last full scan, without changing the state; None: there was none.

    Raises StateError when the state can't be used: damaged, not reachable, or of a newer version.
    """
    last = peek_value(url, "now")
    return datetime.fromisoformat(last) if last else None


def peek_value(url: str, key: str) -> str | None:
    """A value of the `kv` table, without changing the state; None: it is not set.

    Raises as `peek` does.
    """
    address = make_url(url)
    name = without_password(address)
    file = _file_of(address)
    with readable_errors(name, file, write=False):
        if file:
            if not os.path.lexists(file):
                return None
            _refuse_special_file(str(file))
        engine, _ = _read_only_engine(address)
    try:
        with readable_errors(name, file, write=False), engine.connect() as connection:
            _refuse_other_encoding(name, connection)
            version = _version(connection)
            if version is None:
                _refuse_foreign_tables(name, connection)
                return None
            _refuse_unknown(name, version)
            table = "facts" if version < "0005" else "kv"
            value: str | None = connection.scalar(
                text(f"SELECT value FROM {table} WHERE name = :key"),  # noqa: S608 -- constant
                {"key": key},
            )
            return value
    finally:
        engine.dispose()


def _refuse_special_file(path: str) -> None:
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


def _read_only_engine(url: URL) -> tuple[Engine, ReadOnlyFile | None]:
    """An engine that writes nothing, and the file that it reads; None: another database."""
    if file := _file_of(url):
        read_only = ReadOnlyFile(file)
        return read_only.engine(url), read_only
    return create_engine(url, **_POSTGRESQL if url.get_backend_name() == "postgresql" else {}), None


def _engine(url: URL, *, sqlite: bool) -> Engine:
    if not sqlite:
        like_sqlite("postgresql")
        return create_engine(url, pool_pre_ping=True, **_POSTGRESQL)
    # A state in memory has one connection. LIFO: the connection used last has the pages in its
    # cache; others would cache them again.
    in_memory = not url.database
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"pool_use_lifo": True}
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, **pool)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        # The listener below sends BEGIN: the driver's own BEGIN comes late, so that a reader has no
        # snapshot and a writer no lock yet.
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA cache_size = -16384")  # KiB
        # Bytes. A large run's log is truncated afterwards.
        connection.execute("PRAGMA journal_size_limit = 16777216")

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
    stamped = inspect(connection).has_table(_ALEMBIC.name)
    return connection.scalar(select(_ALEMBIC.c.version_num)) if stamped else None
