"""Name tables, columns and indexes as the code does."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TABLES = {"facts": "kv", "members": "feed_posts", "ledger": "identities", "owed": "jobs"}
_COLUMNS = {"dirty": "stale", "made_of": "content_key", "standing": "post_paths"}
_JOB = ["kind", "target", "topic", "variant"]
#: Old name, new name, table, columns, condition, whether it is unique.
_INDEXES = (
    ("ledger_gone", "identities_gone", "identities", ["text_digest"], "gone IS NOT NULL", False),
    ("owed_once", "jobs_queued_once", "jobs", _JOB, "state != 'claimed'", True),
    ("owed_under_way", "jobs_claimed_once", "jobs", _JOB, "state = 'claimed'", True),
    ("owed_due", "jobs_due", "jobs", ["state", "due"], None, False),
    ("owed_verify", "jobs_verify", "jobs", ["state", "host", "client"], "kind = 'verify'", False),
)


def upgrade() -> None:
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for old, new in _COLUMNS.items():
        op.execute(f"ALTER TABLE feeds RENAME COLUMN {old} TO {new}")
    for old, new, table, columns, condition, unique in _INDEXES:
        op.drop_index(old, table)
        where = None if condition is None else sa.text(condition)
        op.create_index(
            new, table, columns, unique=unique, sqlite_where=where, postgresql_where=where
        )
    if op.get_bind().dialect.name == "postgresql":
        for old, new in _TABLES.items():
            op.execute(f"ALTER INDEX {old}_pkey RENAME TO {new}_pkey")
        op.execute("ALTER SEQUENCE owed_id_seq RENAME TO jobs_id_seq")
