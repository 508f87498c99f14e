"""Let several processes share a PostgreSQL state."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("holder", _TEXT, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("counter", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "processes",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("host", _TEXT, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("role", _TEXT, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.BigInteger, nullable=False),
    )
