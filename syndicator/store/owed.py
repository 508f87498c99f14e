"""What is owed to hubs and subscribers: rows that are claimed, and settled when their request was made.

Every function works inside its caller's transaction.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
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
from sqlalchemy.dialects import postgresql, sqlite

from syndicator.model import Kind, Owed, Settlement
from syndicator.store.schema import from_us, hubs, owed, to_us


@dataclass(frozen=True, kw_only=True, slots=True)
class Debt:
    """What comes to be owed. Until it is claimed, the same debt owed again is one debt."""

    kind: Kind
    target: str
    topic: str
    variant: str = ""  #: debts that differ in it are different debts
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HubState:
    """A hub as its operator wants to see it."""

    url: str
    waiting: int
    gave_up: int
    next_try: datetime | None
    last_success: datetime | None
    fetched: datetime | None  #: when it was last seen to come for a feed that changed; None: never
    last_failure: datetime | None
    error: str | None  #: of the last failure


def host_of(url: str) -> str:
    """Host and port: those whose requests take turns."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that can say ON CONFLICT, which SQLAlchemy has for each database apart."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def owe(connection: Connection, debts: Iterable[Debt], now: datetime) -> int:
    """Owe each debt from now on; how many there are.

    A debt that waits, or that was given up, starts its retries anew, but keeps the time since when it is owed
    and the time its target asked for.
    """
    rows = [
        {
            "kind": debt.kind,
            "target": debt.target,
            "topic": debt.topic,
            "variant": debt.variant,
            "host": host_of(debt.target),
            "detail": json.dumps(dict(debt.detail)),
            **fresh(now),
        }
        for debt in debts
    ]
    if rows:
        connection.execute(again(insert(connection, owed)), rows)
    return len(rows)


def owe_pings(connection: Connection, topics: Sequence[tuple[str, Sequence[str]]], now: datetime) -> int:
    """Owe a ping to each hub of each topic; how many."""
    return owe(
        connection,
        [Debt(kind=Kind.PING, target=hub, topic=topic) for topic, hubs_ in topics for hub in hubs_],
        now,
    )


def fresh(now: datetime) -> dict[str, Any]:
    """The columns of a debt nobody tried to pay yet."""
    return {"state": "waiting", "attempts": 0, "since": to_us(now), "due": to_us(now), "not_before": 0}


def again(statement: Any) -> Any:
    """What an INSERT of debts does with those that are owed already."""
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["kind", "target", "topic", "variant"],
        index_where=text("state <> 'claimed'"),
        set_={
            "state": "waiting",
            "attempts": 0,
            "due": case((owed.c.not_before > new.due, owed.c.not_before), else_=new.due),
            "detail": new.detail,
        },
    )


def claim(
    connection: Connection,
    now: datetime,
    *,
    claimer: str,
    limit: int,
    per_host: int,
    lease: timedelta,
    kinds: Sequence[Kind] = tuple(Kind),
) -> tuple[Owed, ...]:
    """Take what is due, for as long as the lease; the claims of the dead are given back first.

    No more than `per_host` debts of one host are claimed at a time, and hosts take turns, so that a dead one
    is never all there is. What is already being paid to a target for a topic isn't begun a second time.
    """
    give_back(connection, and_(owed.c.state == "claimed", owed.c.expires <= to_us(now)))
    under_way = owed.alias()
    busy = exists().where(
        under_way.c.state == literal_column("'claimed'"),  # a variable would hide the partial index
        *(under_way.c[name] == owed.c[name] for name in ("kind", "target", "topic", "variant")),
    )
    due = and_(owed.c.state == "waiting", owed.c.due <= to_us(now), owed.c.kind.in_(kinds), ~busy)
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
        .where(turns.c.state == "waiting", turns.c.turn <= per_host)
        .order_by(turns.c.tried, turns.c.turn, turns.c.due, turns.c.id)
        .limit(limit)
    )
    claimed = connection.execute(
        update(owed)
        .where(owed.c.id.in_(chosen), owed.c.state == "waiting")
        .values(state="claimed", claimer=claimer, expires=to_us(now + lease))
        .returning(owed)
    )
    return tuple(sorted(map(_owed, claimed), key=lambda debt: (debt.attempts > 0, debt.due, debt.id)))


def release(connection: Connection, claimer: str) -> int:
    """Give back at once what a claimer that died had claimed; how many."""
    return give_back(connection, and_(owed.c.state == "claimed", owed.c.claimer == claimer))


def give_back(connection: Connection, which: ColumnElement[bool]) -> int:
    """Make claimed debts wait again. Where the same is owed anew meanwhile, that debt stands for both."""
    if connection.scalar(select(func.count()).where(which)) == 0:
        return 0
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
    _tally(connection, settlements, now)


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


def _tally(connection: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    last = {
        (settlement.owed.target, settlement.paid): settlement
        for settlement in settlements
        if settlement.owed.kind is Kind.PING and settlement.tried
    }
    for (target, paid), settlement in last.items():
        values = {"last_success": to_us(now)} if paid else {"last_failure": to_us(now), "error": settlement.error}
        _put_hub(connection, target, values)


def fetched(connection: Connection, urls: Iterable[str], now: datetime) -> None:
    """These hubs came for a feed that they are told of."""
    for url in sorted(urls):  # in one order: two writers never wait for each other
        _put_hub(connection, url, {"fetched": to_us(now)})


def _put_hub(connection: Connection, url: str, values: Mapping[str, Any]) -> None:
    connection.execute(
        insert(connection, hubs).values(url=url, **values).on_conflict_do_update(index_elements=["url"], set_=values)
    )


def next_due(connection: Connection) -> datetime | None:
    """When the next debt is to be tried, or a claim given back; None: nothing is owed."""
    due = case((owed.c.state == "claimed", owed.c.expires), else_=owed.c.due)
    first = connection.scalar(select(func.min(due)).where(owed.c.state != "gave up"))
    return None if first is None else from_us(first)


def pending(connection: Connection, kind: Kind) -> int:
    """How many debts of a kind are still to be paid."""
    return connection.scalar(select(func.count()).where(owed.c.kind == kind, owed.c.state != "gave up")) or 0


def oldest(connection: Connection) -> datetime | None:
    """Since when the oldest debt is owed, of those not given up; None: nothing is."""
    first = connection.scalar(select(func.min(owed.c.since)).where(owed.c.state != "gave up"))
    return None if first is None else from_us(first)


def outstanding(connection: Connection) -> Mapping[tuple[Kind, str], int]:
    """How many debts there are of each kind in each state ("waiting", "claimed", "gave up")."""
    rows = connection.execute(select(owed.c.kind, owed.c.state, func.count()).group_by(owed.c.kind, owed.c.state))
    return {(Kind(kind), state): number for kind, state, number in rows}


def hub_states(connection: Connection) -> tuple[HubState, ...]:
    """Every hub that was ever told or is to be told, by its URL."""
    debts = {
        row.target: row
        for row in connection.execute(
            select(
                owed.c.target,
                func.sum(case((owed.c.state == "gave up", 0), else_=1)).label("waiting"),
                func.sum(case((owed.c.state == "gave up", 1), else_=0)).label("gave_up"),
                func.min(case((owed.c.state == "waiting", owed.c.due))).label("next_try"),
            )
            .where(owed.c.kind == Kind.PING)
            .group_by(owed.c.target)
        )
    }
    tallies = {row.url: row for row in connection.execute(select(hubs))}
    return tuple(
        HubState(
            url=url,
            waiting=int(debts[url].waiting) if url in debts else 0,
            gave_up=int(debts[url].gave_up) if url in debts else 0,
            next_try=_moment(debts[url].next_try) if url in debts else None,
            last_success=_moment(tallies[url].last_success) if url in tallies else None,
            fetched=_moment(tallies[url].fetched) if url in tallies else None,
            last_failure=_moment(tallies[url].last_failure) if url in tallies else None,
            error=tallies[url].error if url in tallies else None,
        )
        for url in sorted({*debts, *tallies})
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_us(microseconds)


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
