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

from syndicator.model.outbox import Job, JobKind, JobOutcome
from syndicator.store.outbox import record_pings
from syndicator.store.schema import from_us, jobs, subscriptions, to_us
from syndicator.store.sql import insert


def claim(
    connection: Connection,
    now: datetime,
    *,
    claimer: str,
    limit: int,
    per_host: int,
    lease: timedelta,
    kinds: Collection[JobKind] = tuple(JobKind),
) -> tuple[Job, ...]:
    """Claim due debts of some kinds for one lease, after releasing expired claims.

    No more than `per_host` debts of one host are claimed at a time, and hosts take turns, so that a dead one
    is never all there is. Verifications take turns by the client that asked: any number of names may lead to one
    address, and a name costs nothing. What is already being paid to a target for a topic isn't begun a second time,
    and verifications of it are asked in their order: the last has the last word.
    """
    requeue(connection, and_(jobs.c.state == "claimed", jobs.c.expires <= to_us(now)))
    said: dict[str, Any] = {
        "now": to_us(now),
        "per_host": per_host,
        "most": limit,
        "by": claimer,
        "until": to_us(now + lease),
    }
    said["kinds"] = list(kinds)
    claimed = connection.execute(_claim(), said)
    return tuple(sorted(map(_owed, claimed), key=lambda job: (job.attempts > 0, job.due, job.id)))


@lru_cache  # it takes some milliseconds to put together
def _claim() -> ReturningUpdate[Any]:
    other = jobs.alias()
    same = [other.c[name] == jobs.c[name] for name in ("kind", "target", "topic")]
    # Variables would hide the partial indexes.
    busy = exists().where(other.c.state == literal_column("'claimed'"), *same)
    earlier = exists().where(
        other.c.state != literal_column("'claimed'"),
        other.c.state == "waiting",
        other.c.id < jobs.c.id,
        *same,
    )
    due = and_(
        jobs.c.state == "waiting",
        jobs.c.due <= bindparam("now"),
        jobs.c.kind.in_(bindparam("kinds", expanding=True)),
        ~busy,
        or_(jobs.c.kind != JobKind.VERIFY, ~earlier),  # of nothing else two may wait
    )
    tried = case((jobs.c.attempts > 0, 1), else_=0)
    turns = (
        select(
            *(jobs.c[name] for name in ("id", "state", "due")),
            tried.label("tried"),
            func.row_number()
            .over(
                partition_by=[jobs.c.kind, func.coalesce(jobs.c.client, jobs.c.host)],
                order_by=[
                    case((jobs.c.state == "claimed", 0), else_=1),
                    tried,
                    jobs.c.due,
                    jobs.c.id,
                ],
            )
            .label("turn"),
        )
        .where(or_(due, jobs.c.state == "claimed"))
        .subquery()
    )
    chosen = (
        select(turns.c.id)
        .where(turns.c.state == "waiting", turns.c.turn <= bindparam("per_host"))
        .order_by(turns.c.tried, turns.c.turn, turns.c.due, turns.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(chosen), jobs.c.state == "waiting")
        .values(state="claimed", claimer=bindparam("by"), expires=bindparam("until"))
        .returning(jobs)
    )


def renew(connection: Connection, claimer: str, until: datetime) -> None:
    """Claim on what a claimer has under way."""
    mine = and_(jobs.c.state == "claimed", jobs.c.claimer == claimer)
    connection.execute(update(jobs).where(mine).values(expires=to_us(until)))


def release(connection: Connection, claimer: str) -> int:
    """Give back at once what a claimer that died had claimed; how many."""
    return requeue(connection, and_(jobs.c.state == "claimed", jobs.c.claimer == claimer))


def requeue(connection: Connection, which: ColumnElement[bool]) -> int:
    """Make claimed debts wait again. Where the same is owed anew meanwhile, that debt stands for both."""
    back = connection.execute(delete(jobs).where(which).returning(jobs)).all()
    sent = [{"of": row.topic, "to": row.target} for row in back if row.kind == JobKind.DELIVER]
    if sent:
        # What was under way may have arrived.
        whose = and_(
            subscriptions.c.topic == bindparam("of"), subscriptions.c.callback == bindparam("to")
        )
        connection.execute(update(subscriptions).where(whose).values(delivered=None), sent)
    _wait_again(connection, [{**row._mapping, **_WAITING} for row in back])
    return len(back)


def record(connection: Connection, settlements: Sequence[JobOutcome], now: datetime) -> None:
    """Write down what became of claimed debts: paid ones are gone, the others wait again or are given up."""
    paid = [settlement.job.id for settlement in settlements if settlement.done]
    if paid:
        # Rows, not one long list: SQLite takes 32,766 variables, and PostgreSQL plans a list anew each time.
        done = delete(jobs).where(jobs.c.id == bindparam("row"), jobs.c.state == "claimed")
        connection.execute(done, [{"row": row} for row in paid])
    queued_by_kind = {
        settlement.job.id: settlement for settlement in settlements if not settlement.done
    }
    if queued_by_kind:
        claimed = (
            delete(jobs)
            .where(jobs.c.id.in_(queued_by_kind), jobs.c.state == "claimed")
            .returning(jobs)
        )
        _wait_again(
            connection,
            [
                {**row._mapping, **_WAITING, **_outcome(queued_by_kind[row.id])}
                for row in connection.execute(claimed)
            ],
        )
    record_pings(connection, settlements, now)


_WAITING = {"state": "waiting", "claimer": None, "expires": None}


def _outcome(settlement: JobOutcome) -> dict[str, Any]:
    job = settlement.job
    return {
        "state": "gave up" if settlement.retry_at is None else "waiting",
        "attempts": job.attempts + settlement.attempted,
        "due": to_us(settlement.retry_at or job.due),
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
    statement = insert(dialect, jobs)
    old = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["kind", "target", "topic", "variant"],
        index_where=text("state <> 'claimed'"),
        set_={
            "since": case((old.since < jobs.c.since, old.since), else_=jobs.c.since),
            "due": case((old.not_before > jobs.c.due, old.not_before), else_=jobs.c.due),
            "not_before": case(
                (old.not_before > jobs.c.not_before, old.not_before), else_=jobs.c.not_before
            ),
        },
    )


def _owed(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        target=row.target,
        topic=row.topic,
        attempts=row.attempts,
        since=from_us(row.since),
        due=from_us(row.due),
        host=row.host,
        detail=json.loads(row.detail),
    )
