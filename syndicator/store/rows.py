"""What SQLAlchemy says differently for SQLite and PostgreSQL. Contains no rules."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

#: Fewer than SQLite's oldest limit on the parameters of one statement (999).
BATCH = 500


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those whose primary key is there. All rows have the same columns."""
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if replaced:
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced), rows)
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=keys), rows)


def batches(things: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch


def to_json(value: Any) -> str:
    """The same text for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
