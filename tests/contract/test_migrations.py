"""The migrations make the very schema that the code speaks of, down to what a comparison of tables doesn't see."""

import re

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Text, create_engine, inspect, text

from syndicator.model.content import Identity
from syndicator.store import identities, posts
from syndicator.store.database import HEAD, MIGRATIONS, Database
from syndicator.store.schema import metadata

_DEFINED = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version' "
    "UNION ALL SELECT table_name || '.' || column_name, concat_ws(' ', data_type, collation_name, is_nullable) "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
}


def defined(connection: Connection) -> dict[str, str]:
    """Tables and indexes by name as the database itself describes them; on PostgreSQL indexes and columns."""
    rows = connection.execute(text(_DEFINED[connection.dialect.name])).all()
    return {name: re.sub(r"\W+", " ", sql).strip() for name, sql in rows}


def test_partial_indexes_and_kinds_of_tables_are_there(database: Database) -> None:
    """What decides that a debt is owed once, and that members cost one tree, is in no column."""
    with database.begin() as connection:
        assert {"jobs_queued_once", "jobs_claimed_once", "identities_gone"} < defined(
            connection
        ).keys()


def test_texts_are_ordered_by_their_code_points(database: Database) -> None:
    """Whatever language the machine speaks that a PostgreSQL runs on: a tie is decided the same on each."""
    with database.begin() as connection:
        columns = [
            column for table in metadata.tables for column in inspect(connection).get_columns(table)
        ]
    collations = {
        column["type"].collation for column in columns if isinstance(column["type"], Text)
    }
    assert collations == {None if database.sqlite else "C"}


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_state_of_an_earlier_version_is_brought_forward(url: str, version: str) -> None:
    """Its schema becomes that of a new one, to the letter, and who was who stays."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.execute(
            text(
                "INSERT INTO ledger (path, id, text_digest) VALUES ('a', 'i', 't'), ('b', 'j', 't'), ('c', 'j', 't')"
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
                "INSERT INTO subscriptions (topic, callback, host, since, expires, failures, last_failure) VALUES "
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
        migrated = defined(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert migrated == defined(connection)
    database.close()


def test_a_new_state_is_as_if_it_had_come_all_the_way(database: Database) -> None:
    """The next version's migrations begin where it stands."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)
