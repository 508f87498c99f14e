"""Remember when each hub was last pinged about each topic."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pings",
        sa.Column("topic", _TEXT, primary_key=True),
        sa.Column("hub", _TEXT, primary_key=True),
        sa.Column("attempted", sa.BigInteger, nullable=False),
    )
