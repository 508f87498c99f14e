"""When each hub was last pinged about each topic. Deliveries are in the table of subscriptions."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from syndicator.store.push_schema import pings
from syndicator.store.sql import upsert
from syndicator.store.times import from_us, to_us

_Pair = tuple[str, str]  # topic, hub


def attempted(connection: Connection, pairs: Iterable[_Pair]) -> Mapping[_Pair, datetime]:
    """The last attempts to ping, for the pairs that have one."""
    wanted = set(pairs)
    if not wanted:
        return {}
    statement = select(pings).where(
        pings.c.topic.in_(sorted({topic for topic, _ in wanted})),
        pings.c.hub.in_(sorted({hub for _, hub in wanted})),
    )
    return {
        (row.topic, row.hub): from_us(row.attempted)
        for row in connection.execute(statement)
        if (row.topic, row.hub) in wanted
    }


def record(connection: Connection, pairs: Iterable[_Pair], now: datetime) -> None:
    """Record attempts that ended now, whether they succeeded or not."""
    rows = [
        {"topic": topic, "hub": hub, "attempted": to_us(now)} for topic, hub in sorted(set(pairs))
    ]
    upsert(connection, pings, rows)
