"""SQLite never gives the id of a job to another one."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_INDEXES = ("jobs_queued_once", "jobs_claimed_once", "jobs_due", "jobs_turn", "jobs_verify")


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in _INDEXES:
        op.drop_index(name, "jobs")
    op.rename_table("jobs", "jobs_before")
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("claimer", sa.Text),
        sa.Column("expires", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("turn", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("ready", sa.Integer, nullable=False, server_default=sa.text("0")),
        sqlite_autoincrement=True,
    )
    names = (
        "id, kind, target, topic, variant, host, state, claimer, expires, attempts, since, due,"
        " not_before, error, detail, client, turn, ready"
    )
    op.execute(f"INSERT INTO jobs ({names}) SELECT {names} FROM jobs_before")  # noqa: S608 -- names
    op.drop_table("jobs_before")
    identity = ["kind", "target", "topic", "variant"]
    for name, where in (
        ("jobs_queued_once", "state != 'claimed'"),
        ("jobs_claimed_once", "state = 'claimed'"),
    ):
        op.create_index(name, "jobs", identity, unique=True, sqlite_where=sa.text(where))
    op.create_index("jobs_due", "jobs", ["state", "ready", "due"])
    op.create_index("jobs_turn", "jobs", ["state", "kind", "ready", "turn", "due", "id"])
    is_verification = sa.text("kind = 'verify'")
    op.create_index(
        "jobs_verify", "jobs", ["state", "host", "client"], sqlite_where=is_verification
    )
