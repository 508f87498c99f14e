"""Let posts be in no feed, and find those with one address and those changed in the future."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    listed = sa.Column("listed", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("posts", listed)
    op.add_column("posts", sa.Column("url_hash", sa.BigInteger))
    for column in ("url_hash", "updated"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"posts_{column}", "posts", [column], sqlite_where=where, postgresql_where=where
        )
    # The next run reads every post again, and stores the hashes.
    op.execute("UPDATE posts SET settled = false, digest = ''")
