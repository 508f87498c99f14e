"""What the tables of the state have in common."""

from enum import StrEnum

from sqlalchemy import ColumnElement, MetaData, literal_column, types

metadata = MetaData()

#: Sorted by code points, as in Python and SQLite; PostgreSQL would sort by its machine's locale.
Text = types.Text().with_variant(types.Text(collation="C"), "postgresql")


def constant(value: StrEnum) -> ColumnElement[str]:
    """A value as a literal: no planner matches a parameter with a partial index's condition."""
    return literal_column(f"'{value}'", Text)
