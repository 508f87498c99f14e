"""Paying what is owed: debts are claimed, and settled when their request was made.

Every function works inside its caller's transaction.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from syndicator.debts import Kind, Owed, Settlement
from syndicator.store.owed import tally
from syndicator.store.schema import from_us, owed, subscriptions, to_us


def claim(
    connection: Connection,
    now: datetime,
    *,
    claimer: str,
    limit: int,
    per_host: int,
    lease: timedelta,
) -> tuple[Owed, ...]:
    """Take what is due, for as long as the lease; the claims of the dead are given back first.

    No more than `per_host` debts of one host are claimed at a time, and hosts take turns, so that a dead one
    is never all there is. What is already being paid to a target for a topic isn't begun a second time.
    """
    give_back(connection, and_(owed.c.state == "claimed", owed.c.expires <= to_us(now)))
    said = {"now": to_us(now), "per_host": per_host, "most": limit, "by": claimer, "until": to_us(now + lease)}
    claimed = connection.execute(_claim(), said)
    return tuple(sorted(map(_owed, claimed), key=lambda debt: (debt.attempts > 0, debt.due, debt.id)))


@lru_cache  # it takes some milliseconds to put together
def _claim() -> ReturningUpdate[Any]:
    under_way = owed.alias()
    busy = exists().where(
        under_way.c.state == literal_column("'claimed'"),  # a variable would hide the partial index
        *(under_way.c[name] == owed.c[name] for name in ("kind", "target", "topic", "variant")),
    )
    due = and_(owed.c.state == "waiting", owed.c.due <= bindparam("now"), ~busy)
    tried = case((owed.c.attempts > 0, 1), else_=0)
    turns = (
        select(
            *(owed.c[name] for name in ("id", "state", "due")),
            tried.label("tried"),
            func.row_number()
            .over(
                partition_by=owed.c.host,
                order_by=[case((owed.c.state == "claimed", 0), else_=1), tried, owed.c.due, owed.c.id],
            )
            .label("turn"),
        )
        .where(or_(due, owed.c.state == "claimed"))
        .subquery()
    )
    chosen = (
        select(turns.c.id)
        .where(turns.c.state == "waiting", turns.c.turn <= bindparam("per_host"))
        .order_by(turns.c.tried, turns.c.turn, turns.c.due, turns.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    return (
        update(owed)
        .where(owed.c.id.in_(chosen), owed.c.state == "waiting")
        .values(state="claimed", claimer=bindparam("by"), expires=bindparam("until"))
        .returning(owed)
    )


def release(connection: Connection, claimer: str) -> int:
    """Give back at once what a claimer that died had claimed; how many."""
    return give_back(connection, and_(owed.c.state == "claimed", owed.c.claimer == claimer))


def give_back(connection: Connection, which: ColumnElement[bool]) -> int:
    """Make claimed debts wait again. Where the same is owed anew meanwhile, that debt stands for both."""
    if connection.scalar(select(func.count()).where(which)) == 0:
        return 0
    # What was under way may have arrived.
    sent = select(owed.c.topic, owed.c.target).where(which, owed.c.kind == Kind.DELIVER)
    whose = tuple_(subscriptions.c.topic, subscriptions.c.callback)
    connection.execute(update(subscriptions).where(whose.in_(sent)).values(delivered=None))
    _merge(connection, which)
    done = connection.execute(update(owed).where(which).values(state="waiting", claimer=None, expires=None))
    return done.rowcount


def settle(connection: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write down what became of claimed debts: paid ones are gone, the others wait again or are given up."""
    paid = [settlement.owed.id for settlement in settlements if settlement.paid]
    if paid:
        # Rows, not one long list: SQLite takes 32,766 variables, and PostgreSQL plans a list anew each time.
        connection.execute(delete(owed).where(owed.c.id == bindparam("row")), [{"row": row} for row in paid])
    unpaid = [settlement for settlement in settlements if not settlement.paid]
    if unpaid:
        _merge(connection, owed.c.id.in_([settlement.owed.id for settlement in unpaid]))
        connection.execute(
            update(owed)
            .where(owed.c.id == bindparam("row"), owed.c.state == "claimed")
            .values({name: bindparam(f"new_{name}") for name in _outcome(unpaid[0])} | {"claimer": None}),
            [
                {"row": settlement.owed.id, **{f"new_{k}": v for k, v in _outcome(settlement).items()}}
                for settlement in unpaid
            ],
        )
    tally(connection, settlements, now)


def _outcome(settlement: Settlement) -> dict[str, Any]:
    debt = settlement.owed
    return {
        "state": "gave up" if settlement.again is None else "waiting",
        "attempts": debt.attempts + settlement.tried,
        "due": to_us(settlement.again or debt.due),
        "not_before": to_us(settlement.not_before) if settlement.not_before else 0,
        "error": settlement.error,
        "expires": None,
    }


def _merge(connection: Connection, which: ColumnElement[bool]) -> None:
    """Where a claimed debt is owed anew, the new row takes its place, owed since the older time."""
    newer = owed.alias()
    same = [newer.c[name] == owed.c[name] for name in ("kind", "target", "topic", "variant")]
    old = connection.execute(
        select(owed.c.id, owed.c.since, newer.c.id.label("newer"))
        .join(newer, and_(*same, newer.c.state != "claimed", newer.c.id != owed.c.id))
        .where(which, owed.c.state == "claimed")
    ).all()
    for row in old:
        connection.execute(update(owed).where(owed.c.id == row.newer, owed.c.since > row.since).values(since=row.since))
        connection.execute(delete(owed).where(owed.c.id == row.id))


def _owed(row: Row[Any]) -> Owed:
    return Owed(
        id=row.id,
        kind=Kind(row.kind),
        target=row.target,
        topic=row.topic,
        attempts=row.attempts,
        since=from_us(row.since),
        due=from_us(row.due),
        detail=json.loads(row.detail),
    )
