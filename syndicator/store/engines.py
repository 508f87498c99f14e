"""SQLAlchemy's engines for a state: how connections to SQLite and PostgreSQL are set up."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

from syndicator.errors import StateError
from syndicator.store.read_only import ReadOnlyFile
from syndicator.store.schema import metadata
from syndicator.store.state_errors import without_password

#: Parameters of connections to PostgreSQL, unless the URL has them. A connection whose network was
#: cut ends after ten seconds: `tcp_user_timeout` (ms) if something was sent that nobody confirms,
#: else the keepalives (s). By Linux's own settings it would take a quarter of an hour, or two.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
_CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


#: Seconds that a transaction waits for another one to end, on SQLite.
LOCK_TIMEOUT = 30


def file_of(url: URL) -> Path | None:
    is_sqlite = url.get_backend_name() == "sqlite"
    return Path(url.database) if is_sqlite and url.database else None


def read_only_engine(url: URL) -> tuple[Engine, ReadOnlyFile | None]:
    """An engine that writes nothing, and the file that it reads; None: another database."""
    if file := file_of(url):
        read_only = ReadOnlyFile(file)
        query = {**read_only.query, "uri": "true"}
        return _sqlite(url.set(database=f"file:{quote(str(file))}", query=query)), read_only
    engine = _postgresql(url) if url.get_backend_name() == "postgresql" else create_engine(url)
    return engine, None


def _refuse_invalid(url: URL) -> None:
    """Raise StateError for a URL of PostgreSQL that SQLAlchemy or psycopg would fail at.

    Both take options of their own from the query, of other types than text.
    """
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    wrong = [f'invalid connection option "{key}"' for key in url.query if key not in known]
    try:
        _, parameters = url.get_dialect()().create_connect_args(url)
        for host in str(parameters.get("host", "")).split(","):
            if not host.startswith(("/", "@")):  # the folder of a Unix socket, or an abstract one
                host.encode("idna")
    except UnicodeError:
        wrong.append(f'"{host}" is not a valid host name')
    except ArgumentError as error:
        wrong.append(str(error))
    if wrong:
        raise StateError(f"{without_password(url)}: {wrong[0]}", hint="check [state] url")


def _postgresql(url: URL, **options: Any) -> Engine:
    _refuse_invalid(url)
    parameters = {name: value for name, value in _CONNECTION.items() if name not in url.query}
    # Without an encoding, SQLAlchemy reads bytes, and fails, where a database was created without.
    # AUTOCOMMIT: the driver begins no transaction. The listener below does.
    engine = create_engine(
        url,
        client_encoding="utf8",
        isolation_level="AUTOCOMMIT",
        connect_args=parameters,
        **options,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        if is_pooled(connection):
            # A statement prepared in one session would be executed in another.
            # https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#using-prepared-statements-with-pgbouncer
            connection.prepare_threshold = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # BEGIN and the settings of a transaction are one message, and take one round trip.
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    @event.listens_for(engine, "after_cursor_execute")
    def end_pipeline(*arguments: Any) -> None:
        # psycopg sends many rows as a pipeline. After one, PostgreSQL does not end a transaction
        # that is idle (see `Database.begin`): a suspended client would keep its locks until it goes
        # on. After another statement it does.
        # https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
        _, cursor, _, _, _, many = arguments
        if many:
            cursor.connection.execute("SELECT 1")

    return engine


def is_pooled(connection: Any) -> bool:
    """Whether a pooler, such as pgbouncer, is between this psycopg connection and PostgreSQL.

    It gives its clients process ids of its own.
    """
    with connection.cursor() as cursor:
        (process,) = cursor.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    return bool(process != connection.info.backend_pid)


#: How often two transactions are tried to find out whether a pooler is in transaction mode.
_ATTEMPTS = 8


def shares_sessions(engine: Engine) -> bool:
    """Whether a pooler in transaction mode gives this process another session for each transaction.

    Then LISTEN and all else that belongs to a session can't be used.
    """
    with engine.connect() as first, engine.connect() as second:
        if not is_pooled(first.connection.driver_connection):
            return False
        # Other clients take sessions meanwhile, so that one attempt may show nothing.
        return any(_is_moved(first, second) for _ in range(_ATTEMPTS))


def _is_moved(first: Connection, second: Connection) -> bool:
    before = _session(first)
    first.rollback()
    # Now `second` has a transaction. In transaction mode it gets the session that the pooler used
    # last, which is that of `first`; or `first` is given another one meanwhile.
    moved = _session(second) == before or _session(first) != before
    first.rollback()
    second.rollback()
    return moved


def _session(connection: Connection) -> int:
    session: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return session


def open_engine(url: URL, *, sqlite: bool) -> Engine:
    if not sqlite:
        _like_sqlite("postgresql")
        return _postgresql(url, pool_pre_ping=True)
    # A state in memory has one connection. LIFO: the connection used last has the pages in its
    # cache; others would cache them again.
    in_memory = not url.database
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"pool_use_lifo": True}
    pool["connect_args"] = {"timeout": LOCK_TIMEOUT, "check_same_thread": False}
    # The cache is in KiB. A large run's log is truncated to 16 MiB afterwards.
    pragmas = ("journal_mode = WAL", "cache_size = -16384", "journal_size_limit = 16777216")
    return _sqlite(url, *pragmas, **pool)


def _sqlite(url: URL, *pragmas: str, **options: Any) -> Engine:
    engine = create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: ConnectionPoolEntry) -> None:
        # The listener below sends BEGIN: the driver's own BEGIN comes late, so that a reader has no
        # snapshot and a writer no lock yet.
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

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


def shrink_memory(engine: Engine) -> None:
    """Free the page caches of SQLite's connections that are not in use.

    A first run reads most of a state, and what comes after it reads little.
    https://sqlite.org/pragma.html#pragma_shrink_memory
    """
    if engine.dialect.name != "sqlite" or not isinstance(engine.pool, QueuePool):
        return
    with ExitStack() as connections:
        for _ in range(engine.pool.checkedin()):
            connection = connections.enter_context(engine.connect())
            connection.exec_driver_sql("PRAGMA shrink_memory")


def _like_sqlite(dialect: str) -> None:
    """Give partial indexes their condition on another database too.

    Given with the index, it would make SQLAlchemy import that dialect even where it is not used.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_options[dialect]["where"] = index.dialect_options["sqlite"]["where"]
