"""SQL that differs between SQLite and PostgreSQL. Contains no rules.

Modules build the statements of a run once, as constants: SQLAlchemy takes longer to build one than
SQLite to execute it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Table,
    Text,
    bindparam,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

from syndicator.store.times import to_us

T = TypeVar("T")

#: Rows that are read, and kept in memory, at a time.
BATCH = 1000

#: JSON with the same text for the same value.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


_STORED: Mapping[type, Callable[[Any], Any]] = {datetime: to_us, tuple: to_json, dict: to_json}


def to_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the state stores them: times in microseconds, tuples and dicts in JSON."""
    return {
        name: _STORED[type(value)](value) if type(value) in _STORED else value
        for name, value in values.items()
    }


def insert(dialect: Dialect, table: Table) -> Any:
    """An INSERT with ON CONFLICT, which SQLAlchemy has in each dialect's own class."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert(table)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or replace those with the same primary key.

    All rows must have the same columns in the same order. Values go to the driver as they are:
    SQLAlchemy's processing takes longer for each row than the database.
    """
    if not rows:
        return
    statement, to_tuple = _upsert(connection.dialect, table, tuple(rows[0]))
    connection.exec_driver_sql(statement, [to_tuple(row) for row in rows] if to_tuple else rows)


@lru_cache(maxsize=64)
def _upsert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> tuple[str, Any]:
    """The statement, and a getter of a row's values in its order; None: it takes them by name."""
    statement = insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in columns if name not in keys}
    if replaced:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    compiled = statement.compile(dialect=dialect, column_keys=list(columns))
    names = compiled.positiontup
    return str(compiled), itemgetter(*names) if names else None


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> "_Among":
        """Return it unchanged: SQLAlchemy would add `= 1`, and SQLite would then use no index."""
        return self


def among(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a column has one of the values of `among_values`.

    They are one parameter, so that the statement is the same for any number of them.
    """
    return _Among(column, bindparam("among", type_=Text))


def among_values(values: Iterable[str]) -> dict[str, str]:
    """The parameter of a statement with `among`."""
    return {"among": json.dumps(list(values))}


def execute_among(
    connection: Connection, statement: Any, values: Iterable[str], **others: Any
) -> None:
    """Execute a statement with `among` for any number of values. `others`: its parameters."""
    for batch in batches(values):
        connection.execute(statement, {**others, **among_values(batch)})


def rows_among(
    connection: Connection, statement: Any, values: Iterable[str], **others: Any
) -> Iterator[Row[Any]]:
    """As `execute_among`, and read the rows."""
    for batch in batches(values):
        yield from connection.execute(statement, {**others, **among_values(batch)})


@compiles(_Among)
def _among_sqlite(element: _Among, compiler: SQLCompiler, **_: Any) -> str:
    column, values = map(compiler.process, element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 -- name, placeholder


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **_: Any) -> str:
    column, values = map(compiler.process, element.clauses)
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({values} AS json))))"


def row_batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, some at a time."""
    rows = connection.execute(select(table), execution_options={"yield_per": BATCH})
    for batch in rows.mappings().partitions():
        yield [dict(row) for row in batch]


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
