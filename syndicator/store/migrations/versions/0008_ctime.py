"""Compare posts by ctime and inode, and used files by text; find copies of posts."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name in ("ctime_ns", "inode"):
        op.add_column(
            "posts",
            sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")),
        )
    maybe_copy = sa.Column("maybe_copy", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("posts", maybe_copy)
    where = sa.text("maybe_copy")
    op.create_index(
        "posts_maybe_copy", "posts", ["path"], sqlite_where=where, postgresql_where=where
    )
    # The next run reads every post again, and tells hubs only of feeds that differ.
    op.execute("UPDATE posts SET settled = false, digest = ''")
    # The files of these entries were known by size and mtime.
    op.execute("UPDATE feeds SET stale = true")
    op.execute("UPDATE entries SET key = '', needs = '{}' WHERE needs <> '{}'")
