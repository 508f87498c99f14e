"""Deliver to subscribers in waves, and find due jobs by their turn."""

import json
from itertools import islice

import sqlalchemy as sa
from alembic import op

from syndicator.model.sweeps import place_of

revision = "0014"
down_revision = "0013"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BATCH = 10_000

#: The places of some callbacks, by one parameter.
_SET_PLACES = {
    "sqlite": "UPDATE subscriptions SET place = new.value"
    " FROM json_each(:places) AS new WHERE new.key = subscriptions.callback",
    "postgresql": "UPDATE subscriptions SET place = CAST(new.value AS bigint)"
    " FROM json_each_text(CAST(:places AS json)) AS new WHERE new.key = subscriptions.callback",
}


def upgrade() -> None:
    empty = sa.Column("turn", _TEXT, nullable=False, server_default=sa.text("''"))
    op.add_column("jobs", empty)
    op.add_column("jobs", _number("ready", sa.Integer))
    op.execute("UPDATE jobs SET turn = COALESCE(client, host)")
    op.drop_index("jobs_due", "jobs")
    op.create_index("jobs_due", "jobs", ["state", "ready", "due"])
    turn = ["state", "kind", "ready", "turn", "due", "id"]
    op.create_index("jobs_turn", "jobs", turn)
    op.add_column("subscriptions", _number("place", sa.BigInteger))
    op.add_column("subscriptions", _number("wave", sa.BigInteger))
    _create_tables()
    _fill()
    op.create_index("subscriptions_place", "subscriptions", ["topic", "place"])
    op.create_index("subscriptions_wave", "subscriptions", ["topic", "wave"])


def _number(name: str, of: type[sa.Integer]) -> sa.Column[int]:
    return sa.Column(name, of, nullable=False, server_default=sa.text("0"))


def _create_tables() -> None:
    op.create_table(
        "waves",
        sa.Column("topic", _TEXT, primary_key=True),
        sa.Column("wave", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    is_open = sa.text("done < wave")
    op.create_index(
        "waves_open", "waves", ["topic"], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "shards",
        sa.Column("topic", _TEXT, primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("wave", sa.BigInteger, nullable=False),
        sa.Column("digest", _TEXT),
        sa.Column("old_wave", sa.BigInteger, nullable=False),
        sa.Column("old_digest", _TEXT),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("stop", sa.BigInteger),
        sa.Column("again", sa.BigInteger),
        sa.Column("sent", sa.BigInteger),
        sa.Column("old_sent", sa.BigInteger),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("page", sa.BigInteger),
        sa.Column("holder", _TEXT),
        sa.Column("expires", sa.BigInteger),
    )


def _fill() -> None:
    """Each subscription's own row says what it has: wave 0, which every shard is at."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT DISTINCT callback FROM subscriptions"))
    callbacks = iter([callback for (callback,) in rows])
    # Without it, each batch would look through all subscriptions.
    op.create_index("subscriptions_callback", "subscriptions", ["callback"])
    set_places = sa.text(_SET_PLACES[connection.dialect.name])
    while batch := list(islice(callbacks, _BATCH)):
        places = json.dumps({callback: place_of(callback) for callback in batch})
        connection.execute(set_places, {"places": places})
    op.drop_index("subscriptions_callback", "subscriptions")
    op.execute(
        "INSERT INTO waves (topic, wave, changed, done, since)"
        " SELECT DISTINCT topic, 0, 0, 0, 0 FROM subscriptions"
    )
    op.execute(
        "INSERT INTO shards (topic, shard, wave, old_wave, cursor, due)"
        " SELECT DISTINCT topic, place >> 58, 0, 0, place >> 58 << 58, 0 FROM subscriptions"
    )
