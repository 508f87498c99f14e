"""Keep the pages of archives, and find the few entries that need other files or posts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "archive_pages",
        sa.Column("name", _TEXT, primary_key=True),
        sa.Column("feed", _TEXT, nullable=False),
        sa.Column("bits", sa.Integer, nullable=False),
        sa.Column("prefix", sa.LargeBinary, nullable=False),
        sa.Column("oldest", sa.BigInteger, nullable=False),
        sa.Column("oldest_path", _TEXT, nullable=False),
        sa.Column("newest", sa.BigInteger, nullable=False),
        sa.Column("newest_path", _TEXT, nullable=False),
        sa.Column("posts", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("older", _TEXT),
        sa.Column("newer", _TEXT),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("files", _TEXT, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("moved_to", _TEXT),
    )
    op.create_index("archive_pages_feed", "archive_pages", ["feed", "oldest"])
    op.create_index("archive_pages_newest", "archive_pages", ["feed", "newest"])
    op.create_table(
        "archive_changes",
        sa.Column("feed", _TEXT, primary_key=True),
        sa.Column("published", sa.BigInteger, primary_key=True),
        sa.Column("path", _TEXT, primary_key=True),
    )
    op.add_column(
        "feeds", sa.Column("shown", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "feeds", sa.Column("history", _TEXT, nullable=False, server_default=sa.text("''"))
    )
    op.add_column("feeds", sa.Column("archive_key", _TEXT))
    for name, condition in (
        ("entries_using_posts", "uses_posts"),
        ("entries_with_needs", "needs <> '{}'"),
    ):
        where = sa.text(condition)
        op.create_index(name, "entries", ["path"], sqlite_where=where, postgresql_where=where)
