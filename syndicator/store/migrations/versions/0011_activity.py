"""Remember what the daemon did in the last day, and what the last runs did."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_NUMBERS = (
    "requests",
    "deliveries",
    "failed_deliveries",
    "pings",
    "failed_pings",
    "runs",
    "failed_runs",
    "queued",
    "subscribers",
)


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _NUMBERS),
    )
    # The last run becomes a list of one.
    op.execute(
        "UPDATE kv SET name = 'last runs', value = '[' || value || ']' WHERE name = 'last run'"
    )
