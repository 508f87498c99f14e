"""Keep notes beside problems."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    note = sa.Column("note", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("problems", note)
