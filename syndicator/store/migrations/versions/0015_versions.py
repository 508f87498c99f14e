"""Record which entries a subscriber's version of a topic has."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("topic", _TEXT, primary_key=True),
        sa.Column("digest", _TEXT, primary_key=True),
        sa.Column("entries", _TEXT, nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
    )
