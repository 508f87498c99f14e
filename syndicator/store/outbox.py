"""The outbox: a row for each request to a hub or subscriber that is still to be sent.

Jobs are queued and counted here; `claims` hands them to the process that sends them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    union_all,
)

from syndicator.model.client_keys import host_and_port, host_name
from syndicator.model.outbox import JobDetail, JobKind, JobState, Ping, Verification
from syndicator.store import waves
from syndicator.store.job_details import to_json
from syndicator.store.push_schema import (
    FIRST_READY,
    IDENTITY,
    IS_CLAIMED,
    IS_VERIFICATION,
    NOT_CLAIMED,
    RETRY_READY,
    jobs,
)
from syndicator.store.schema_types import constant
from syndicator.store.sql import insert
from syndicator.store.times import from_us, to_us


class JobRow(Struct, frozen=True, kw_only=True):
    """A job to queue. An identical job that is not claimed yet is the same job."""

    detail: JobDetail
    target: str
    topic: str
    network: str | None = None  #: of a callback; None: unknown
    client: str | None = None  #: the address that requested a verification
    since: datetime | None = None  #: of the oldest change that it announces; None: now
    delay: timedelta = timedelta()  #: until it is due

    @property
    def kind(self) -> JobKind:
        return self.detail.kind

    @property
    def variant(self) -> str:
        """Jobs that differ in it are not identical: modes of a verification do not coalesce."""
        return self.detail.mode if isinstance(self.detail, Verification) else ""


def enqueue(
    connection: Connection, new_jobs: Iterable[JobRow], now: datetime, *, restart: bool = True
) -> int:
    """Queue jobs; how many.

    An identical job that is queued or given up starts its retries anew, but keeps its `since` and
    its `not_before`. `restart`: False: one that is queued is left alone, unless its detail differs.
    """
    rows = [columns(job, now) for job in new_jobs]
    if rows:
        connection.execute(_enqueue_statement(connection.dialect, restart), rows)
    return len(rows)


def columns(job: JobRow, now: datetime) -> dict[str, Any]:
    """The columns of a new job, but for those that have a default."""
    host = _host_key(job)
    return {
        "kind": job.kind,
        "target": job.target,
        "topic": job.topic,
        "variant": job.variant,
        "host": host,
        "client": job.client,
        "turn": job.client or host,
        "ready": 0 if job.delay else FIRST_READY,
        "detail": to_json(job.detail),
        "since": to_us(job.since or now),
        "due": to_us(now + job.delay),
    }


def _host_key(job: JobRow) -> str:
    """The `host` column: jobs with the same value take turns with others.

    The operator chooses hubs, so each port is a host of its own. Strangers choose callbacks: all
    ports of a network or host share one turn.
    """
    if job.kind is JobKind.PING:
        return host_and_port(job.target)
    return job.network or host_name(job.target)


@lru_cache
def _enqueue_statement(dialect: Dialect, restart: bool) -> Any:
    return on_conflict(insert(dialect, jobs), restart=restart)


def enqueue_last(connection: Connection, job: JobRow, now: datetime) -> None:
    """Queue a job behind all others, in place of an identical job that is queued."""
    same = [column == getattr(job, column.name) for column in IDENTITY]
    connection.execute(delete(jobs).where(jobs.c.state != JobState.CLAIMED, *same))
    enqueue(connection, [job], now)


def enqueue_pings(
    connection: Connection, topics: Sequence[tuple[str, Sequence[str]]], now: datetime
) -> int:
    """Queue a ping for each hub of each topic; how many."""
    return enqueue(
        connection,
        [
            JobRow(detail=Ping(), target=hub, topic=topic)
            for topic, hubs_ in topics
            for hub in hubs_
        ],
        now,
    )


def on_conflict(statement: Any, *, restart: bool = True) -> Any:
    """Make an INSERT of jobs restart identical jobs that exist. `restart`: see `enqueue`."""
    new = statement.excluded
    lost = or_(jobs.c.state == JobState.GAVE_UP, jobs.c.detail != new.detail)
    return statement.on_conflict_do_update(
        index_elements=IDENTITY,
        index_where=NOT_CLAIMED,
        set_={
            "state": JobState.WAITING,
            "attempts": 0,
            "due": case((jobs.c.not_before > new.due, jobs.c.not_before), else_=new.due),
            "ready": case((jobs.c.not_before > new.due, 0), else_=new.ready),
            "detail": new.detail,
        },
        where=None if restart else lost,
    )


_WAITING = jobs.c.state == constant(JobState.WAITING)
_NOW = bindparam("now", type_=BigInteger)

#: One step in an index for each.
_NEXT_DUE = union_all(
    *(
        select(func.min(jobs.c.due)).where(_WAITING, jobs.c.ready == ready)
        for ready in (0, FIRST_READY, RETRY_READY)
    ),
    select(func.min(jobs.c.expires)).where(IS_CLAIMED),
)

#: The same, but for jobs that became due since they were queued: these may be of another kind.
_ANY_DUE = select(
    or_(
        exists().where(_WAITING, jobs.c.ready == 0, jobs.c.due <= _NOW),
        exists().where(IS_CLAIMED, jobs.c.expires <= _NOW),
        exists().where(
            _WAITING,
            jobs.c.kind.in_(bindparam("kinds", expanding=True)),
            jobs.c.ready.in_([FIRST_READY, RETRY_READY]),
            jobs.c.due <= _NOW,
        ),
    )
)


def any_due(connection: Connection, kinds: Collection[JobKind], now: datetime) -> bool:
    """Whether a job of some kinds may be due, or a claim has expired."""
    return bool(connection.scalar(_ANY_DUE, {"kinds": list(kinds), "now": to_us(now)}))


def next_due(connection: Connection) -> datetime | None:
    """When the next job or page is due, or the next claim expires; None: nothing is queued."""
    return from_us(earliest(*connection.scalars(_NEXT_DUE), waves.next_due(connection)))


def earliest(*times: int | None) -> int | None:
    """The earliest of some times; None if all are."""
    return min((time for time in times if time is not None), default=None)


def queued_ping_topics(connection: Connection) -> list[str]:
    """The topics of queued pings, sorted."""
    queued = select(jobs.c.topic).where(
        jobs.c.kind == JobKind.PING, jobs.c.state == JobState.WAITING
    )
    return list(connection.scalars(queued.distinct().order_by(jobs.c.topic)))


class PendingJobs(Struct, frozen=True, kw_only=True):
    """Verifications queued or claimed."""

    total: int
    host: int  #: of the callback's network or host
    client: int  #: requested by the same client


_PENDING = select(
    func.count(),
    func.coalesce(func.sum(case((jobs.c.host == bindparam("host"), 1), else_=0)), 0),
    func.coalesce(func.sum(case((jobs.c.client == bindparam("client"), 1), else_=0)), 0),
).where(IS_VERIFICATION, jobs.c.state.in_([JobState.WAITING, JobState.CLAIMED]))


def pending(connection: Connection, host: str, client: str) -> PendingJobs:
    """How many verifications are queued or claimed: in all, of a host, and for a client."""
    total, of_host, of_client = connection.execute(_PENDING, {"host": host, "client": client}).one()
    return PendingJobs(total=total, host=int(of_host), client=int(of_client))


def oldest_since(connection: Connection) -> datetime | None:
    """When the oldest change was made that a job or a wave announces; None: all were."""
    queued = select(func.min(jobs.c.since)).where(jobs.c.state != JobState.GAVE_UP)
    return from_us(earliest(connection.scalar(queued), waves.since(connection)))


_COUNTS = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)


def counts(connection: Connection) -> Mapping[tuple[JobKind, JobState], int]:
    """How many jobs there are of each kind in each state.

    A subscriber that a wave has not reached is a delivery that waits.
    """
    rows = connection.execute(_COUNTS)
    numbers = {(JobKind(kind), JobState(state)): number for kind, state, number in rows}
    if unreached := waves.unreached(connection):
        queued = JobKind.DELIVER, JobState.WAITING
        numbers[queued] = numbers.get(queued, 0) + unreached
    return numbers
