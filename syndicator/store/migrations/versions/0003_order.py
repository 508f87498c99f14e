"""Order texts by their code points on PostgreSQL too, whatever language its machine speaks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = "facts posts members ledger entries problems feeds files owed hubs subscriptions"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES.split():
        columns = sa.inspect(connection).get_columns(table)
        texts = [column["name"] for column in columns if isinstance(column["type"], sa.Text)]
        # At once: each would have the table's indexes made again.
        op.execute(f"ALTER TABLE {table} " + ", ".join(f'ALTER {name} TYPE text COLLATE "C"' for name in texts))
