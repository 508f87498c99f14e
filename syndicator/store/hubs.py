"""The outside hubs: what came of their pings, and what still waits for each.

Every function works inside its caller's transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, case, func, select

from syndicator.model.outbox import (
    Done,
    GaveUp,
    Job,
    JobKind,
    JobOutcome,
    JobState,
    Released,
    Retry,
)
from syndicator.store.push_schema import NOT_CLAIMED, hubs, jobs
from syndicator.store.sql import insert
from syndicator.store.times import from_us, to_us


class HubState(Struct, frozen=True, kw_only=True):
    """A hub and its pings, as an operator sees them."""

    url: str
    waiting: int  #: pings queued or claimed
    given_up: int  #: pings given up
    next_try: datetime | None  #: None: no ping is queued
    last_success: datetime | None  #: None: never
    fetched: datetime | None  #: when it last fetched a changed feed; None: never
    last_failure: datetime | None  #: None: never
    error: str | None  #: of the last failure; None: there was none


def record_pings(
    connection: Connection, outcomes: Iterable[tuple[Job, JobOutcome]], now: datetime
) -> None:
    """Record the last success and the last failure of the pings to each hub."""
    results = dict[str, dict[str, Any]]()
    for job, outcome in outcomes:
        if job.kind is not JobKind.PING:
            continue
        match outcome:
            case Done():
                results.setdefault(job.target, {})["last_success"] = to_us(now)
            case Retry(error=error) | GaveUp(error=error):
                results.setdefault(job.target, {}).update(last_failure=to_us(now), error=error)
            case Released():
                pass
    for hub, values in results.items():
        _put_hub(connection, hub, values)


def record_fetch(connection: Connection, urls: Iterable[str], now: datetime) -> None:
    """Record that these hubs fetched a feed that they get pings for."""
    for url in sorted(urls):  # in one order, so that two writers never deadlock
        _put_hub(connection, url, {"fetched": to_us(now)})


def _put_hub(connection: Connection, url: str, values: Mapping[str, Any]) -> None:
    connection.execute(
        insert(connection.dialect, hubs)
        .values(url=url, **values)
        .on_conflict_do_update(index_elements=["url"], set_=values)
    )


def paused(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The hubs whose `Retry-After` has not passed yet, each with its end."""
    until = func.max(jobs.c.not_before)
    rows = connection.execute(
        select(jobs.c.target, until)
        .where(
            jobs.c.kind == JobKind.PING,
            NOT_CLAIMED,
            jobs.c.not_before > to_us(now),
        )
        .group_by(jobs.c.target)
    )
    return {target: from_us(end) for target, end in rows}


def states(connection: Connection) -> tuple[HubState, ...]:
    """Every hub that was ever pinged or has a ping queued, by its URL."""
    statement = (
        select(
            jobs.c.target,
            func.sum(case((jobs.c.state == JobState.GAVE_UP, 0), else_=1)).label("waiting"),
            func.sum(case((jobs.c.state == JobState.GAVE_UP, 1), else_=0)).label("given_up"),
            func.min(case((jobs.c.state == JobState.WAITING, jobs.c.due))).label("next_try"),
        )
        .where(jobs.c.kind == JobKind.PING)
        .group_by(jobs.c.target)
    )
    pings = {row.target: row for row in connection.execute(statement)}
    results = {row.url: row for row in connection.execute(select(hubs))}
    return tuple(
        HubState(
            url=url,
            waiting=int(pings[url].waiting) if url in pings else 0,
            given_up=int(pings[url].given_up) if url in pings else 0,
            next_try=from_us(pings[url].next_try) if url in pings else None,
            last_success=from_us(results[url].last_success) if url in results else None,
            fetched=from_us(results[url].fetched) if url in results else None,
            last_failure=from_us(results[url].last_failure) if url in results else None,
            error=results[url].error if url in results else None,
        )
        for url in sorted({*pings, *results})
    )
