"""Count subscriptions by host without its port, and by network; store when failures began."""

from ipaddress import IPv6Network, ip_address
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # At the end of the table, as in the schema: SQLite then adds a column without a copy of it.
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("owed", sa.Column("client", text))
    op.add_column("subscriptions", sa.Column("network", text))
    op.add_column("subscriptions", sa.Column("failing", sa.BigInteger()))
    verify = sa.text("kind = 'verify'")
    op.create_index(
        "owed_verify",
        "owed",
        ["state", "host", "client"],
        sqlite_where=verify,
        postgresql_where=verify,
    )
    op.drop_index("subscriptions_host", "subscriptions")
    op.create_index("subscriptions_host", "subscriptions", ["host", "expires"])
    op.create_index("subscriptions_network", "subscriptions", ["network", "expires"])
    connection = op.get_bind()
    for (host,) in connection.execute(sa.text("SELECT DISTINCT host FROM subscriptions")).all():
        connection.execute(
            sa.text("UPDATE subscriptions SET host = :name WHERE host = :host"),
            {"host": host, "name": _name(host)},
        )
    connection.execute(
        sa.text("UPDATE subscriptions SET failing = last_failure WHERE failures > 0")
    )


def _name(netloc: str) -> str:
    """As `debts.host_name` was when this was written."""
    host = (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))
