"""What is owed to hubs and subscribers: rows, each one request that is still to be made. `claims` pays them.

Every function works inside its caller's transaction.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
)

from syndicator.model.outbox import JobKind, JobOutcome, host_name
from syndicator.store.schema import from_us, hubs, jobs, to_us
from syndicator.store.sql import insert


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """What comes to be owed. Until it is claimed, the same debt owed again is one debt."""

    kind: JobKind
    target: str
    topic: str
    variant: str = ""  #: debts that differ in it are different debts
    network: str | None = None  #: of a callback, if known
    client: str | None = None  #: the address that asked for a verification
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
    """Host and port of a URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def enqueue(connection: Connection, new_jobs: Iterable[JobRow], now: datetime) -> int:
    """Owe each debt from now on; how many there are.

    A debt that waits, or that was given up, starts its retries anew, but keeps the time since when it is owed
    and the time its target asked for.
    """
    rows = [
        {
            "kind": job.kind,
            "target": job.target,
            "topic": job.topic,
            "variant": job.variant,
            "host": _turn(job),
            "client": job.client,
            "detail": json.dumps(dict(job.detail)),
            "state": "waiting",
            "attempts": 0,
            "since": to_us(now),
            "due": to_us(now),
            "not_before": 0,
        }
        for job in new_jobs
    ]
    if rows:
        connection.execute(_owe(connection.dialect), rows)
    return len(rows)


def _turn(job: JobRow) -> str:
    """Hubs are the operator's word: each port is another. Callbacks are a stranger's: a port makes no other host."""
    return host_of(job.target) if job.kind is JobKind.PING else job.network or host_name(job.target)


@lru_cache
def _owe(dialect: Dialect) -> Any:
    return on_conflict(insert(dialect, jobs))


def enqueue_last(connection: Connection, job: JobRow, now: datetime) -> None:
    """Owe a debt after all that is owed: the same that waited gives its place up."""
    same = [jobs.c[name] == getattr(job, name) for name in ("kind", "target", "topic", "variant")]
    connection.execute(delete(jobs).where(jobs.c.state != "claimed", *same))
    enqueue(connection, [job], now)


def enqueue_pings(
    connection: Connection, topics: Sequence[tuple[str, Sequence[str]]], now: datetime
) -> int:
    """Owe a ping to each hub of each topic; how many."""
    return enqueue(
        connection,
        [
            JobRow(kind=JobKind.PING, target=hub, topic=topic)
            for topic, hubs_ in topics
            for hub in hubs_
        ],
        now,
    )


def on_conflict(statement: Any, *, only: ColumnElement[bool] | None = None) -> Any:
    """What an INSERT of debts does with those that are owed already: with all of them, or `only` some."""
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["kind", "target", "topic", "variant"],
        index_where=text("state <> 'claimed'"),
        set_={
            "state": "waiting",
            "attempts": 0,
            "due": case((jobs.c.not_before > new.due, jobs.c.not_before), else_=new.due),
            "detail": new.detail,
        },
        where=only,
    )


def record_pings(connection: Connection, settlements: Sequence[JobOutcome], now: datetime) -> None:
    """Keep what became of the pings to each hub."""
    last = {
        (settlement.job.target, settlement.done): settlement
        for settlement in settlements
        if settlement.job.kind is JobKind.PING and settlement.attempted
    }
    for (target, paid), settlement in last.items():
        values = (
            {"last_success": to_us(now)}
            if paid
            else {"last_failure": to_us(now), "error": settlement.error}
        )
        _put_hub(connection, target, values)


def record_fetch(connection: Connection, urls: Iterable[str], now: datetime) -> None:
    """These hubs came for a feed that they are told of."""
    for url in sorted(urls):  # in one order: two writers never wait for each other
        _put_hub(connection, url, {"fetched": to_us(now)})


def _put_hub(connection: Connection, url: str, values: Mapping[str, Any]) -> None:
    connection.execute(
        insert(connection.dialect, hubs)
        .values(url=url, **values)
        .on_conflict_do_update(index_elements=["url"], set_=values)
    )


_NEXT_DUE = select(
    func.min(case((jobs.c.state == "claimed", jobs.c.expires), else_=jobs.c.due))
).where(jobs.c.state != "gave up")


def next_due(connection: Connection) -> datetime | None:
    """When the next debt is to be tried, or a claim given back; None: nothing is owed."""
    first: int | None = connection.scalar(_NEXT_DUE)
    return from_us(first)


def paused_hubs(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The hubs that asked to be left alone for a while, each with the end of it."""
    until = func.max(jobs.c.not_before)
    rows = connection.execute(
        select(jobs.c.target, until)
        .where(
            jobs.c.kind == JobKind.PING,
            literal_column("state <> 'claimed'"),
            jobs.c.not_before > to_us(now),
        )
        .group_by(jobs.c.target)
    )
    return {target: from_us(end) for target, end in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingJobs:
    """Verifications that are still to be made."""

    total: int
    host: int  #: of the callback's network or host
    client: int  #: asked for by the same client


_PENDING = select(
    func.count(),
    func.coalesce(func.sum(case((jobs.c.host == bindparam("host"), 1), else_=0)), 0),
    func.coalesce(func.sum(case((jobs.c.client == bindparam("client"), 1), else_=0)), 0),
).where(literal_column("kind = 'verify'"), jobs.c.state.in_(["waiting", "claimed"]))


def pending(connection: Connection, host: str, client: str) -> PendingJobs:
    """How many verifications are still to be made: in all, of a host, and for a client."""
    total, of_host, of_client = connection.execute(_PENDING, {"host": host, "client": client}).one()
    return PendingJobs(total=total, host=int(of_host), client=int(of_client))


def oldest_since(connection: Connection) -> datetime | None:
    """Since when the oldest debt is owed, of those not given up; None: nothing is."""
    first: int | None = connection.scalar(
        select(func.min(jobs.c.since)).where(jobs.c.state != "gave up")
    )
    return from_us(first)


_OUTSTANDING = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)


def counts(connection: Connection) -> Mapping[tuple[JobKind, str], int]:
    """How many debts there are of each kind in each state ("waiting", "claimed", "gave up")."""
    return {
        (JobKind(kind), state): number for kind, state, number in connection.execute(_OUTSTANDING)
    }


def hub_states(connection: Connection) -> tuple[HubState, ...]:
    """Every hub that was ever told or is to be told, by its URL."""
    counts_by_url = {
        row.target: row
        for row in connection.execute(
            select(
                jobs.c.target,
                func.sum(case((jobs.c.state == "gave up", 0), else_=1)).label("waiting"),
                func.sum(case((jobs.c.state == "gave up", 1), else_=0)).label("gave_up"),
                func.min(case((jobs.c.state == "waiting", jobs.c.due))).label("next_try"),
            )
            .where(jobs.c.kind == JobKind.PING)
            .group_by(jobs.c.target)
        )
    }
    tallies = {row.url: row for row in connection.execute(select(hubs))}
    return tuple(
        HubState(
            url=url,
            waiting=int(counts_by_url[url].waiting) if url in counts_by_url else 0,
            gave_up=int(counts_by_url[url].gave_up) if url in counts_by_url else 0,
            next_try=from_us(counts_by_url[url].next_try) if url in counts_by_url else None,
            last_success=from_us(tallies[url].last_success) if url in tallies else None,
            fetched=from_us(tallies[url].fetched) if url in tallies else None,
            last_failure=from_us(tallies[url].last_failure) if url in tallies else None,
            error=tallies[url].error if url in tallies else None,
        )
        for url in sorted({*counts_by_url, *tallies})
    )
