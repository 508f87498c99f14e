"""The migrations create exactly the schema of the code, including indexes and collations."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Text, create_engine, inspect, text

from syndicator.errors import StateError
from syndicator.model.content import Identity
from syndicator.store import identities, locks, posts
from syndicator.store.database import Database
from syndicator.store.refusals import HEAD, MIGRATIONS
from syndicator.store.schema import metadata

_DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master "
    "WHERE sql IS NOT NULL AND name <> 'alembic_version'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version' "
    "UNION ALL SELECT table_name || '.' || column_name, "
    "concat_ws(' ', data_type, collation_name, is_nullable) "
    "FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
}


def definitions(connection: Connection) -> dict[str, str]:
    """Tables and indexes as the database describes them; on PostgreSQL indexes and columns."""
    rows = connection.execute(text(_DEFINITIONS[connection.dialect.name])).all()
    return {name: re.sub(r"\W+", " ", sql).strip() for name, sql in rows}


def test_partial_indexes_exist(database: Database) -> None:
    """A comparison of columns would not see the indexes by which a job is queued once."""
    with database.begin() as connection:
        assert {"jobs_queued_once", "jobs_claimed_once", "identities_gone"} < definitions(
            connection
        ).keys()


def test_texts_are_sorted_by_code_points(database: Database) -> None:
    """Ties are broken in the same way whatever locale PostgreSQL runs in."""
    with database.begin() as connection:
        columns = [
            column for table in metadata.tables for column in inspect(connection).get_columns(table)
        ]
    collations = {
        column["type"].collation for column in columns if isinstance(column["type"], Text)
    }
    assert collations == {None if database.sqlite else "C"}


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_state_of_an_earlier_version_is_migrated(url: str, version: str) -> None:
    """It gets exactly the schema of a new state, and posts keep their ids."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.execute(
            text(
                "INSERT INTO ledger (path, id, text_digest) VALUES "
                "('a', 'i', 't'), ('b', 'j', 't'), ('c', 'j', 't')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO posts (path, size, mtime_ns, settled, digest, out, id) VALUES "
                "('a', 1, 1, true, 'd', false, NULL), ('b', 1, 1, true, 'd', false, NULL), "
                "('c', 1, 1, true, 'd', true, 'j'), ('d', 1, 1, true, 'd', false, NULL)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO subscriptions "
                "(topic, callback, host, since, expires, failures, last_failure) VALUES "
                "('t', 'a', 'a.example.\\:8443', 1, 9, 2, 7), "
                "('t', 'b', '[2001\\:db8\\:1\\:2\\:\\:3]\\:1', 1, 9, 0, NULL)"
            )
        )
    engine.dispose()
    database = Database(url)
    with database.begin() as connection:
        rows = connection.execute(
            text("SELECT host, failing, network FROM subscriptions ORDER BY callback")
        ).all()
        assert rows == [("a.example", 7, None), ("2001:db8:1:2::/64", None, None)]
        assert identities.get(connection, ["a"]) == {
            "a": Identity(path="a", id="i", text_digest="t", updated=None)
        }
        assert posts.paths_by_id(connection, ["i", "j"]) == {"i": "a", "j": "c"}
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        migrated = definitions(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert migrated == definitions(connection)
    database.close()


def test_a_new_state_has_the_newest_migration(database: Database) -> None:
    """The migrations of a later version start from it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_jobs_keep_their_ids_and_leave_them_to_no_other(tmp_path: Path) -> None:
    """On SQLite, where the id of the last job was given to the next one."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    _make(url, "0015")
    new = (
        "INSERT INTO jobs (kind, target, topic, variant, host, state, attempts, since, due,"
        " not_before, detail, turn) VALUES"
        " ('ping', 'h', 't', '', 'h', 'waiting', 0, 1, 1, 0, '{}', 'h') RETURNING id"
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        before = connection.scalar(text(new))
    engine.dispose()
    database = Database(url)
    with database.begin() as connection:
        assert list(connection.scalars(text("SELECT id FROM jobs"))) == [before]
        connection.execute(text("DELETE FROM jobs"))
        assert connection.scalar(text(new)) not in (None, before)
    database.close()


@pytest.mark.parametrize("version", [None, "0003"])
def test_several_sessions_migrate_at_once(postgresql: str, version: str | None) -> None:
    """One does, and the others wait for it: no command fails because another one runs.

    On SQLite a transaction that may write excludes all others.
    """
    if version:
        _make(postgresql, version)

    def open_and_close(_: int) -> None:
        Database(postgresql).close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(open_and_close, range(5)))
    database = Database(postgresql)
    with database.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    database.close()


def test_no_state_is_migrated_under_a_daemon(url: str) -> None:
    """A daemon of an older version would find none of its tables, and publish nothing."""
    database = Database(url)
    with locks.acquire(database, "daemon") if database.sqlite else _old_lock(url):
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
        with pytest.raises(StateError, match="a daemon of another version runs") as refused:
            Database(url)
    assert refused.value.hint == "stop it before you use this version"
    database.close()


@contextmanager
def _old_lock(url: str) -> Iterator[None]:
    """The lock of a daemon of version 0012 on PostgreSQL: its session held it."""
    engine = create_engine(url, connect_args={"application_name": "pid 17 on alpha"})
    with engine.connect() as connection:
        key = crc32(b"syndicator daemon")
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        yield
    engine.dispose()


def _make(url: str, version: str) -> None:
    """Make the tables of an earlier version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
