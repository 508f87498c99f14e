"""What SQLAlchemy says differently for SQLite and PostgreSQL. Contains no rules."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, Table, any_, bindparam, func, select
from sqlalchemy.types import ARRAY

T = TypeVar("T")

#: Rows that are asked for, and held, at a time.
BATCH = 1000

#: The same text for the same value.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def insert(dialect: Dialect, table: Table) -> Any:
    """An INSERT that can say ON CONFLICT, which SQLAlchemy has for each database apart."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert(table)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those whose primary key is there. All rows have the same columns in the same order.

    Values go to the driver as they are: SQLAlchemy's own way costs more a row than the database.
    """
    if not rows:
        return
    statement, places = _upsert(connection.dialect, table, tuple(rows[0]))
    connection.exec_driver_sql(statement, [places(row) for row in rows] if places else rows)


@lru_cache(maxsize=64)
def _upsert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> tuple[str, Any]:
    """The statement, and what takes a row's values in its order; None: it takes them by name."""
    statement = insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in columns if name not in keys}
    if replaced:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    places = compiled.positiontup
    return str(compiled), itemgetter(*places) if places else None


def among(connection: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Whether a column has one of some values: one parameter, and so one statement, however many they are."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))
    return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))


def batches(things: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch
