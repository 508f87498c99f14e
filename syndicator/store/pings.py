"""When each hub was last pinged about each topic. Deliveries are in the table of subscriptions."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from syndicator.store.push_schema import pings
from syndicator.store.sql import among, among_values, upsert
from syndicator.store.times import from_us, to_us

_Pair = tuple[str, str]  # topic, hub


_OF_TOPICS = select(pings).where(among(pings.c.topic))


def attempted(connection: Connection, pairs: Iterable[_Pair]) -> Mapping[_Pair, datetime]:
    """The last attempts to ping, for the pairs that have one."""
    wanted = set(pairs)
    if not wanted:
        return {}
    rows = connection.execute(_OF_TOPICS, among_values({topic for topic, _ in wanted}))
    return {
        (row.topic, row.hub): from_us(row.attempted)
        for row in rows
        if (row.topic, row.hub) in wanted
    }


def record(connection: Connection, pairs: Iterable[_Pair], now: datetime) -> None:
    """Record attempts that ended now, whether they succeeded or not."""
    rows = [
        {"topic": topic, "hub": hub, "attempted": to_us(now)} for topic, hub in sorted(set(pairs))
    ]
    upsert(connection, pings, rows)
