"""The outside hubs: what came of their pings, and what still waits for each.

Every function works inside its caller's transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

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
    waiting: int = 0  #: pings queued or claimed
    given_up: int = 0  #: pings given up
    next_try: datetime | None  #: None: no ping is queued
    last_success: datetime | None  #: None: never
    fetched: datetime | None  #: when it last fetched a changed feed; None: never
    last_failure: datetime | None  #: None: never
    error: str | None = None  #: of the last failure; None: there was none


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


_PAUSED = (
    select(jobs.c.target, func.max(jobs.c.not_before))
    .where(jobs.c.kind == JobKind.PING, NOT_CLAIMED, jobs.c.not_before > bindparam("now"))
    .group_by(jobs.c.target)
)


def paused(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The hubs whose `Retry-After` has not passed yet, each with its end."""
    rows = connection.execute(_PAUSED, {"now": to_us(now)})
    return {target: from_us(end) for target, end in rows}


def states(connection: Connection) -> tuple[HubState, ...]:
    """Every hub that was ever pinged or has a ping queued, by its URL."""
    statement = (
        select(
            jobs.c.target.label("url"),
            func.count().filter(jobs.c.state != JobState.GAVE_UP).label("waiting"),
            func.count().filter(jobs.c.state == JobState.GAVE_UP).label("given_up"),
            func.min(jobs.c.due).filter(jobs.c.state == JobState.WAITING).label("next_try"),
        )
        .where(jobs.c.kind == JobKind.PING)
        .group_by(jobs.c.target)
    )
    found = defaultdict[str, dict[str, Any]](dict)
    for each in (statement, select(hubs)):
        for row in connection.execute(each).mappings():
            found[row["url"]].update(row)
    times = ("next_try", "last_success", "fetched", "last_failure")
    return tuple(
        HubState(**values | {name: from_us(values.get(name)) for name in times})
        for _, values in sorted(found.items())
    )
