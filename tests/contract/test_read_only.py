"""A state that is only read, without any permission to write."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, select, text
from support import Site

from syndicator import config
from syndicator.daemon.presence import Presence
from syndicator.errors import StateError
from syndicator.inspection import collect_status, open_state
from syndicator.ops import doctor
from syndicator.store import kv
from syndicator.store.database import Database
from syndicator.store.in_memory import in_memory
from syndicator.store.process_schema import leases
from syndicator.store.push_schema import hubs, jobs, pings, subscriptions
from syndicator.store.schema import metadata


@pytest.fixture
def reader(postgresql: str, tmp_path: Path) -> Iterator[str]:
    """A role that may read tables that are created after it, in an empty database."""
    role = f"reader_{abs(hash(tmp_path)):x}"
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {role}"))
    yield make_url(postgresql).set(username=role).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
    engine.dispose()


def test_a_role_of_postgresql_that_may_only_read(
    tmp_path: Path, postgresql: str, reader: str
) -> None:
    """It reads the status, and which daemon runs."""
    site = Site(tmp_path / "site")
    site.state_url = postgresql
    site.configure("")
    site.build()
    site.state_url = reader
    site.configure("")
    settings = config.load(site.config_path, {})
    daemon = Presence(postgresql)
    daemon.enter()
    with closing(open_state(settings)) as database:
        status = collect_status(settings, database, datetime.now(UTC))
    daemon.leave()
    assert ([each.role for each in status.processes], len(status.feeds)) == (["builder"], 1)
    assert status.daemon == f"pid {os.getpid()} on {socket.gethostname()}"


def test_doctor_compares_the_clocks(postgresql: str) -> None:
    """What a process whose clock is fast queues, the others send late."""
    Database(postgresql).close()
    now = datetime.now(UTC)
    assert list(doctor.check_state(postgresql, now)) == []
    (problem,) = doctor.check_state(postgresql, now + timedelta(hours=1))
    assert (problem.path, "the database's" in problem.message) == ("clock", True)


def test_a_copy_in_memory_has_what_builds_left(url: str, tmp_path: Path) -> None:
    """Posts, ids, entries and feeds, but nothing that could be sent."""
    site = Site(tmp_path / "site")
    site.state_url = url
    site.configure('[push]\nhubs = ["http://127.0.0.1:9/"]\n')
    site.post("2026-01-01-post", category="News")
    site.build()
    with closing(Database(url, read_only=True)) as state, closing(in_memory(state)) as copy:
        with state.read() as theirs, copy.read() as ours:
            for table in metadata.sorted_tables:
                rows = {tuple(row) for row in ours.execute(select(table))}
                if table in (jobs, hubs, pings, subscriptions, leases):
                    assert rows == set()
                else:
                    assert rows == {tuple(row) for row in theirs.execute(select(table))}
        assert copy.sqlite


def test_a_missing_state_is_not_created(url: str, tmp_path: Path) -> None:
    """On each database."""
    with pytest.raises(StateError, match="there is no state yet at"):
        Database(url, read_only=True)
    assert not (tmp_path / "state.db").exists()


def test_an_older_state_is_not_migrated(url: str) -> None:
    """The error says which commands do."""
    with closing(Database(url)) as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StateError, match=r"an earlier version \(schema 0001\)") as caught:
        Database(url, read_only=True)
    assert "syndicator build" in (caught.value.hint or "")


def test_a_change_meanwhile_is_noticed(tmp_path: Path) -> None:
    """A database without a log is read as if nobody could change it: this is checked afterwards."""
    url = f"sqlite:///{tmp_path}/state.db"
    Database(url).close()
    with closing(Database(url, read_only=True)) as database:
        with database.read() as connection:
            assert kv.get(connection, "x") is None
        with (
            pytest.raises(StateError, match="was changed while it was read"),
            database.read(),
            closing(Database(url)) as writer,
            writer.begin() as connection,
        ):
            kv.put(connection, "x", "y")


def test_a_state_that_is_written_is_read(tmp_path: Path) -> None:
    """With its newest changes, although they are in the log only."""
    url = f"sqlite:///{tmp_path}/state.db"
    with closing(Database(url)) as writer:
        with writer.begin() as connection:
            kv.put(connection, "x", "y")
        with closing(Database(url, read_only=True)) as database, database.read() as connection:
            assert kv.get(connection, "x") == "y"
            with writer.begin() as writing:
                kv.put(writing, "x", "z")
            assert kv.get(connection, "x") == "y"
