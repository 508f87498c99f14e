"""What the daemon did in the last day, a row for each five minutes in which it ran.

Every function works inside its caller's transaction.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection, Dialect, bindparam, case, delete, or_, select

from syndicator.model.activity import EVENTS, Activity
from syndicator.store.schema import activity
from syndicator.store.sql import insert
from syndicator.store.times import EPOCH, from_us, to_us

#: The time that one row stands for.
INTERVAL = timedelta(minutes=5)

#: How long rows are kept.
KEPT = timedelta(days=1)


def interval_of(time: datetime) -> datetime:
    """The beginning of the interval that a time is in."""
    return time - (time - EPOCH) % INTERVAL


def add(connection: Connection, done: Activity, now: datetime) -> None:
    """Add what was done to the row of the present interval."""
    values = {"at": to_us(interval_of(now)), **asdict(done)}
    connection.execute(_add_statement(connection.dialect), values)


@lru_cache
def _add_statement(dialect: Dialect) -> Any:
    statement = insert(dialect, activity)
    new = statement.excluded
    sums = {name: activity.c[name] + new[name] for name in EVENTS}
    most = case((activity.c.queued > new.queued, activity.c.queued), else_=new.queued)
    levels = {"queued": most, "subscribers": new.subscribers}
    return statement.on_conflict_do_update(index_elements=["at"], set_={**sums, **levels})


_OF_DAY = select(activity).where(
    activity.c.at > bindparam("after"), activity.c.at <= bindparam("until")
)


def of_last_day(connection: Connection, now: datetime) -> Mapping[datetime, Activity]:
    """The rows of the last day by the beginning of their interval.

    Intervals in which no daemon ran are missing. Rows that a clock running ahead wrote are left
    out.
    """
    last = interval_of(now)
    rows = connection.execute(_OF_DAY, {"after": to_us(last - KEPT), "until": to_us(last)})
    names = Activity.__struct_fields__
    return {from_us(at): Activity(**dict(zip(names, row, strict=True))) for at, *row in rows}


def delete_old(connection: Connection, now: datetime) -> None:
    """Delete rows that are not of the last day."""
    last = interval_of(now)
    old = activity.c.at <= to_us(last - KEPT)
    connection.execute(delete(activity).where(or_(old, activity.c.at > to_us(last))))
