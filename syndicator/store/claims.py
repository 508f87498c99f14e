"""Paying what is owed: debts are claimed, and settled when their request was made.

Every function works inside its caller's transaction.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
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
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from syndicator.model.outbox import Kind, Owed, Settlement
from syndicator.store.outbox import tally
from syndicator.store.schema import from_us, owed, subscriptions, to_us
from syndicator.store.sql import insert


def claim(
    connection: Connection,
    now: datetime,
    *,
    claimer: str,
    limit: int,
    per_host: int,
    lease: timedelta,
    kinds: Collection[Kind] = tuple(Kind),
) -> tuple[Owed, ...]:
    """Claim due debts of some kinds for one lease, after releasing expired claims.

    No more than `per_host` debts of one host are claimed at a time, and hosts take turns, so that a dead one
    is never all there is. Verifications take turns by the client that asked: any number of names may lead to one
    address, and a name costs nothing. What is already being paid to a target for a topic isn't begun a second time,
    and verifications of it are asked in their order: the last has the last word.
    """
    give_back(connection, and_(owed.c.state == "claimed", owed.c.expires <= to_us(now)))
    said: dict[str, Any] = {
        "now": to_us(now),
        "per_host": per_host,
        "most": limit,
        "by": claimer,
        "until": to_us(now + lease),
    }
    said["kinds"] = list(kinds)
    claimed = connection.execute(_claim(), said)
    return tuple(sorted(map(_owed, claimed), key=lambda debt: (debt.attempts > 0, debt.due, debt.id)))


@lru_cache  # it takes some milliseconds to put together
def _claim() -> ReturningUpdate[Any]:
    other = owed.alias()
    same = [other.c[name] == owed.c[name] for name in ("kind", "target", "topic")]
    # Variables would hide the partial indexes.
    busy = exists().where(other.c.state == literal_column("'claimed'"), *same)
    earlier = exists().where(
        other.c.state != literal_column("'claimed'"), other.c.state == "waiting", other.c.id < owed.c.id, *same
    )
    due = and_(
        owed.c.state == "waiting",
        owed.c.due <= bindparam("now"),
        owed.c.kind.in_(bindparam("kinds", expanding=True)),
        ~busy,
        or_(owed.c.kind != Kind.VERIFY, ~earlier),  # of nothing else two may wait
    )
    tried = case((owed.c.attempts > 0, 1), else_=0)
    turns = (
        select(
            *(owed.c[name] for name in ("id", "state", "due")),
            tried.label("tried"),
            func.row_number()
            .over(
                partition_by=[owed.c.kind, func.coalesce(owed.c.client, owed.c.host)],
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


def renew(connection: Connection, claimer: str, until: datetime) -> None:
    """Claim on what a claimer has under way."""
    mine = and_(owed.c.state == "claimed", owed.c.claimer == claimer)
    connection.execute(update(owed).where(mine).values(expires=to_us(until)))


def release(connection: Connection, claimer: str) -> int:
    """Give back at once what a claimer that died had claimed; how many."""
    return give_back(connection, and_(owed.c.state == "claimed", owed.c.claimer == claimer))


def give_back(connection: Connection, which: ColumnElement[bool]) -> int:
    """Make claimed debts wait again. Where the same is owed anew meanwhile, that debt stands for both."""
    back = connection.execute(delete(owed).where(which).returning(owed)).all()
    sent = [{"of": row.topic, "to": row.target} for row in back if row.kind == Kind.DELIVER]
    if sent:
        # What was under way may have arrived.
        whose = and_(subscriptions.c.topic == bindparam("of"), subscriptions.c.callback == bindparam("to"))
        connection.execute(update(subscriptions).where(whose).values(delivered=None), sent)
    _wait_again(connection, [{**row._mapping, **_WAITING} for row in back])
    return len(back)


def settle(connection: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write down what became of claimed debts: paid ones are gone, the others wait again or are given up."""
    paid = [settlement.owed.id for settlement in settlements if settlement.paid]
    if paid:
        # Rows, not one long list: SQLite takes 32,766 variables, and PostgreSQL plans a list anew each time.
        done = delete(owed).where(owed.c.id == bindparam("row"), owed.c.state == "claimed")
        connection.execute(done, [{"row": row} for row in paid])
    unpaid = {settlement.owed.id: settlement for settlement in settlements if not settlement.paid}
    if unpaid:
        claimed = delete(owed).where(owed.c.id.in_(unpaid), owed.c.state == "claimed").returning(owed)
        _wait_again(
            connection,
            [{**row._mapping, **_WAITING, **_outcome(unpaid[row.id])} for row in connection.execute(claimed)],
        )
    tally(connection, settlements, now)


_WAITING = {"state": "waiting", "claimer": None, "expires": None}


def _outcome(settlement: Settlement) -> dict[str, Any]:
    debt = settlement.owed
    return {
        "state": "gave up" if settlement.again is None else "waiting",
        "attempts": debt.attempts + settlement.tried,
        "due": to_us(settlement.again or debt.due),
        "not_before": to_us(settlement.not_before) if settlement.not_before else 0,
        "error": settlement.error,
    }


def _wait_again(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(_waits(connection.dialect), rows)


@lru_cache
def _waits(dialect: Dialect) -> Any:
    """Put a debt back. Where it is owed anew, that stands, owed since the older time and left alone as was asked.

    In one statement: on PostgreSQL a run may be about to owe it.
    """
    statement = insert(dialect, owed)
    old = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["kind", "target", "topic", "variant"],
        index_where=text("state <> 'claimed'"),
        set_={
            "since": case((old.since < owed.c.since, old.since), else_=owed.c.since),
            "due": case((old.not_before > owed.c.due, old.not_before), else_=owed.c.due),
            "not_before": case((old.not_before > owed.c.not_before, old.not_before), else_=owed.c.not_before),
        },
    )


def _owed(row: Row[Any]) -> Owed:
    return Owed(
        id=row.id,
        kind=Kind(row.kind),
        target=row.target,
        topic=row.topic,
        attempts=row.attempts,
        since=from_us(row.since),
        due=from_us(row.due),
        host=row.host,
        detail=json.loads(row.detail),
    )
