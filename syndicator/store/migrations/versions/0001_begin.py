"""Begin."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _index()
    _published()
    _debts()
    _subscriptions()


def _index() -> None:
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "posts",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("out", sa.Boolean(), nullable=False),
        sa.Column("document_digest", sa.Text()),
        sa.Column("id", sa.Text()),
        sa.Column("own_id", sa.Boolean()),
        sa.Column("url", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("published", sa.BigInteger()),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("text_digest", sa.Text()),
        sa.Column("terms", sa.Text()),
        sa.Column("feeds", sa.Text()),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_index("posts_id", "posts", ["id"])
    op.create_index("posts_published", "posts", ["published", "path"])
    op.create_table(
        "members",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "published", "path"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("text_digest", sa.Text(), nullable=False),
        sa.Column("updated", sa.BigInteger()),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_table(
        "entries",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("uses_posts", sa.Boolean(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_table(
        "problems",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text()),
        sa.Column("fatal", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stage", "subject", "position"),
    )


def _published() -> None:
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("label", sa.Text()),
        sa.Column("folded", sa.Text()),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("made_of", sa.Text()),
        sa.Column("standing", sa.Text()),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("feeds_folded", "feeds", ["kind", "folded"], unique=True)
    op.create_table(
        "files",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("hubs", sa.Text(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("disk", sa.Text(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )


def _debts() -> None:
    op.create_table(
        "owed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimer", sa.Text()),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("owed_due", "owed", ["state", "due"])
    op.create_index(
        "owed_once",
        "owed",
        ["kind", "target", "topic", "variant"],
        unique=True,
        sqlite_where=sa.text("state != 'claimed'"),
        postgresql_where=sa.text("state != 'claimed'"),
    )
    op.create_index(
        "owed_under_way",
        "owed",
        ["kind", "target", "topic", "variant"],
        unique=True,
        sqlite_where=sa.text("state = 'claimed'"),
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_table(
        "hubs",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("last_success", sa.BigInteger()),
        sa.Column("fetched", sa.BigInteger()),
        sa.Column("last_failure", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("url"),
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_success", sa.BigInteger()),
        sa.Column("last_failure", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("topic", "callback"),
    )
    op.create_index("subscriptions_expires", "subscriptions", ["expires"])
    op.create_index("subscriptions_host", "subscriptions", ["host"])
