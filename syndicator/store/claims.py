"""A claim reserves a job for one process until its lease ends; here jobs are claimed and recorded.

A claimed job is sent by its claimer alone. It ends as done, retried or given up, or its lease
expires and it is queued again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Row,
    and_,
    bindparam,
    case,
    delete,
    update,
)

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
from syndicator.store import hubs, pages, subscriptions
from syndicator.store.due_jobs import ClaimLimits as ClaimLimits
from syndicator.store.due_jobs import due_jobs
from syndicator.store.job_details import from_json
from syndicator.store.process_schema import DAEMON, is_dead
from syndicator.store.push_schema import IDENTITY, NOT_CLAIMED, jobs, shards
from syndicator.store.sql import insert
from syndicator.store.times import from_us, to_us

#: Instead of the id of a job: it was sent by this process after another one took it.
LOST = 0

_CLAIMED = jobs.c.state == JobState.CLAIMED

_EXPIRED = (
    delete(jobs)
    .where(_CLAIMED, jobs.c.expires <= bindparam("now"), is_dead(jobs.c.claimer))
    .returning(jobs)
)


def claim(
    connection: Connection,
    now: datetime,
    *,
    claimer: str,
    lease: timedelta,
    limits: ClaimLimits,
    kinds: Collection[JobKind] = tuple(JobKind),
) -> tuple[Job, ...]:
    """Claim due jobs of some kinds for one lease, after releasing expired claims of the dead.

    Hosts take turns, and each has a limit, so that a dead host never fills a claim. Verifications
    take turns by client: any number of free host names may lead to one address. While a job is
    claimed, no other job of its kind, target and topic is, and verifications of one target and
    topic are claimed in their order: the last one decides.

    An index leads from one turn to the next, so a claim takes as long whatever waits.
    """
    _requeue(connection, _EXPIRED, {"now": to_us(now)})
    ids = due_jobs(connection, now, limits, kinds)
    if not ids:
        return ()
    rows = connection.execute(_CLAIM, {"ids": ids, "by": claimer, "until": to_us(now + lease)})
    return tuple(sorted(map(_job, rows), key=lambda job: (job.attempts > 0, job.due, job.id)))


_CLAIM = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    # Parameters of other names than the columns: SQLAlchemy reserves those for itself.
    .values(state=JobState.CLAIMED, claimer=bindparam("by"), expires=bindparam("until"), ready=0)
    .returning(jobs)
)


def renew(connection: Connection, claimer: str, until: datetime) -> None:
    """Extend every claim of a claimer, on jobs and pages."""
    pages.renew(connection, claimer, until)
    claimed = and_(_CLAIMED, jobs.c.claimer == claimer)
    connection.execute(update(jobs).where(claimed).values(expires=to_us(until)))


def release(connection: Connection, claimer: str) -> None:
    """Queue again, before their lease ends, the jobs and pages that a claimer had."""
    _release(connection, lambda holder: holder == claimer)


def release_dead(connection: Connection) -> None:
    """Queue again, before their lease ends, what dead daemons had. A daemon calls it."""
    _release(connection, lambda holder: and_(holder.startswith(DAEMON), is_dead(holder)))


def _release(connection: Connection, had: Callable[[Any], ColumnElement[bool]]) -> None:
    pages.release(connection, had(shards.c.holder))
    _requeue(connection, delete(jobs).where(_CLAIMED, had(jobs.c.claimer)).returning(jobs), {})


def _requeue(connection: Connection, taken: Executable, values: Mapping[str, Any]) -> None:
    """Requeue claimed jobs, merging each with an identical job queued meanwhile.

    They get other ids, so that nothing which their claimers sent counts for the next claim.
    Verifications keep theirs, which have the order of the requests.
    """
    requeued = connection.execute(taken, values).all()
    sent = [(row.topic, row.target) for row in requeued if row.kind == JobKind.DELIVER]
    subscriptions.record_unknown(connection, sent)
    rows = [{**row._mapping, **_WAITING} for row in requeued]
    _put_back(connection, [row for row in rows if row["kind"] == JobKind.VERIFY])
    others = [row for row in rows if row["kind"] != JobKind.VERIFY]
    for row in others:
        del row["id"]
    _put_back(connection, others)


def record(
    connection: Connection,
    outcomes: Sequence[tuple[Job, JobOutcome]],
    now: datetime,
    *,
    claimer: str,
) -> set[int | None]:
    """Record the outcomes of claimed jobs: delete those done, requeue or give up the others.

    The ids of those that were recorded: others take the jobs of a process that was away too long.
    """
    of = {job.id: (job, outcome) for job, outcome in outcomes if job.id}
    ours = and_(jobs.c.id.in_(of), _CLAIMED, jobs.c.claimer == claimer)
    rows = connection.execute(delete(jobs).where(ours).returning(jobs)).all() if of else []
    ends = [(row, *of[row.id]) for row in rows]
    _put_back(
        connection,
        [
            {**row._mapping, **_WAITING, **_changed(job, outcome)}
            for row, job, outcome in ends
            if not isinstance(outcome, Done)
        ],
    )
    hubs.record_pings(connection, [(job, outcome) for _, job, outcome in ends], now)
    return {row.id for row in rows}


_WAITING = {"state": JobState.WAITING, "claimer": None, "expires": None, "ready": 0}


def _changed(job: Job, outcome: Retry | GaveUp | Released) -> dict[str, Any]:
    """The columns of a job that its outcome changes, apart from the claim that ends."""
    not_before = {"not_before": to_us(outcome.not_before) if outcome.not_before else 0}
    attempted = {"attempts": job.attempts + 1}
    match outcome:
        case Retry(at=at, error=error):
            return not_before | attempted | {"due": to_us(at), "error": error}
        case GaveUp(error=error):
            return not_before | attempted | {"state": JobState.GAVE_UP, "error": error}
        case Released(until=until):
            return not_before | {"due": to_us(until or job.due), "error": None}


def _put_back(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(_put_back_statement(connection.dialect), rows)


@lru_cache
def _put_back_statement(dialect: Dialect) -> Any:
    """Put a job back, or merge it with an identical one that was queued meanwhile.

    The newer job stays, with the older `since` and the later `not_before`. One statement, since on
    PostgreSQL a run may be queueing the newer job at the same time.
    """
    statement = insert(dialect, jobs)
    old = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=IDENTITY,
        index_where=NOT_CLAIMED,
        set_={
            "since": case((old.since < jobs.c.since, old.since), else_=jobs.c.since),
            "due": case((old.not_before > jobs.c.due, old.not_before), else_=jobs.c.due),
            "ready": 0,
            "not_before": case(
                (old.not_before > jobs.c.not_before, old.not_before), else_=jobs.c.not_before
            ),
        },
    )


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        detail=from_json(JobKind(row.kind), row.detail),
        target=row.target,
        topic=row.topic,
        attempts=row.attempts,
        since=from_us(row.since),
        due=from_us(row.due),
        host=row.host,
    )
