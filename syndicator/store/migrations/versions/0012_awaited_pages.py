"""Hold new posts until their page is live."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    held = sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("posts", held)
    shown = sa.Column("shown", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("identities", shown)
    op.create_table(
        "awaited_pages",
        sa.Column("path", _TEXT, primary_key=True),
        sa.Column("url", _TEXT, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("asked", sa.BigInteger),
        sa.Column("answer", _TEXT),
    )
