"""What SQLAlchemy says differently for SQLite and PostgreSQL. Contains no rules.

Statements that a run makes for every change stand in their modules ready made: SQLAlchemy takes longer to put one
together than SQLite to answer it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Boolean, ColumnElement, Connection, Dialect, Table, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

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


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> "_Among":
        """As it is: SQLAlchemy would ask SQLite whether it `= 1`, and SQLite then no index."""
        return self


def among(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a column has one of `those` values: one parameter, and so one statement, however many they are."""
    return _Among(column, bindparam("those", type_=Text))


def those(values: Iterable[str]) -> dict[str, str]:
    """The parameter of a statement that asks `among`."""
    return {"those": json.dumps(list(values))}


@compiles(_Among)
def _among_sqlite(element: _Among, compiler: SQLCompiler, **_: Any) -> str:
    column, values = map(compiler.process, element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 -- a name, and a place for a value


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **_: Any) -> str:
    column, values = map(compiler.process, element.clauses)
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({values} AS json))))"


def batches(things: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch
