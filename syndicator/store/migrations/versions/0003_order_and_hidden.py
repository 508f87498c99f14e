"""Order texts by their code points on PostgreSQL too, and let hidden posts keep their ids."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

#: One that another post has taken meanwhile is that one's.
_KEEP_IDS = """
    UPDATE posts SET id = (SELECT ledger.id FROM ledger WHERE ledger.path = posts.path)
    WHERE NOT out AND NOT EXISTS (
        SELECT 1 FROM ledger JOIN posts AS others ON others.id = ledger.id
        WHERE ledger.path = posts.path
    )
"""

_TABLES = "facts posts members ledger entries problems feeds files owed hubs subscriptions"


def upgrade() -> None:
    op.execute(_KEEP_IDS)
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES.split():
        columns = sa.inspect(connection).get_columns(table)
        texts = [column["name"] for column in columns if isinstance(column["type"], sa.Text)]
        # At once: each would have the table's indexes made again.
        op.execute(
            f"ALTER TABLE {table} "
            + ", ".join(f'ALTER {name} TYPE text COLLATE "C"' for name in texts)
        )
