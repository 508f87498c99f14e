"""SQLAlchemy's engines for a state: how connections to SQLite and PostgreSQL are set up."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from syndicator.store.read_only import ReadOnlyFile
from syndicator.store.schema import metadata

#: Without it, SQLAlchemy reads bytes, and fails, where a database was created without an encoding.
_POSTGRESQL = {"client_encoding": "utf8"}


def file_of(url: URL) -> Path | None:
    is_sqlite = url.get_backend_name() == "sqlite"
    return Path(url.database) if is_sqlite and url.database else None


def read_only_engine(url: URL) -> tuple[Engine, ReadOnlyFile | None]:
    """An engine that writes nothing, and the file that it reads; None: another database."""
    if file := file_of(url):
        read_only = ReadOnlyFile(file)
        return read_only.engine(url), read_only
    return create_engine(url, **_POSTGRESQL if url.get_backend_name() == "postgresql" else {}), None


def open_engine(url: URL, *, sqlite: bool) -> Engine:
    if not sqlite:
        _like_sqlite("postgresql")
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


def _like_sqlite(dialect: str) -> None:
    """Give partial indexes their condition on another database too.

    Given with the index, it would make SQLAlchemy import that dialect even where it is not used.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_options[dialect]["where"] = index.dialect_options["sqlite"]["where"]
