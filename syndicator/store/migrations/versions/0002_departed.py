"""Note in the ledger when a post went, so that a rename cut in two by a crash is still a rename."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("ledger", recreate="auto") as ledger:
        ledger.add_column(sa.Column("gone", sa.BigInteger()))
    there = sa.text("gone IS NOT NULL")
    op.create_index(
        "ledger_gone", "ledger", ["text_digest"], sqlite_where=there, postgresql_where=there
    )
