"""Compare the ctime and inode of posts, and the text of files that entries depend on."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # No file has a ctime of 0: the next run reads every post once, and finds most of them equal.
    for name in ("ctime_ns", "inode"):
        op.add_column(
            "posts",
            sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")),
        )
    # Their files were known by size and mtime: they are rendered again.
    op.execute("UPDATE feeds SET stale = true")
    op.execute("UPDATE entries SET key = '', needs = '{}' WHERE needs <> '{}'")
