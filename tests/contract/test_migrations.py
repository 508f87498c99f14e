"""The migrations make the very schema that the code speaks of, down to what a comparison of tables doesn't see."""

import re

from sqlalchemy import Connection, text

from syndicator.store.database import Database
from syndicator.store.schema import metadata

_DEFINED = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
}


def defined(connection: Connection) -> dict[str, str]:
    """Tables and indexes by name as the database itself describes them; on PostgreSQL the indexes."""
    rows = connection.execute(text(_DEFINED[connection.dialect.name])).all()
    return {name: re.sub(r"\W+", " ", sql).strip() for name, sql in rows}


def test_partial_indexes_and_kinds_of_tables_are_those_of_the_schema(database: Database) -> None:
    """What decides that a debt is owed once, and that members cost one tree, is in no column."""
    with database.begin() as connection:
        migrated = defined(connection)
        assert {"owed_once", "owed_under_way"} < migrated.keys()
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert migrated == defined(connection)
