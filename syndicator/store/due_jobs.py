"""Finds the due jobs whose turn it is, in steps along an index: as fast whatever waits."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any

from msgspec import Struct, field
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from syndicator.model.outbox import JobKind, JobState
from syndicator.store.push_schema import FIRST_READY, RETRY_READY, jobs, shards, subscriptions
from syndicator.store.schema_types import Text, constant
from syndicator.store.sql import among, among_values
from syndicator.store.times import to_us

#: Jobs that one claim finds to have become due since they were queued.
PROMOTED = 2000


class ClaimLimits(Struct, frozen=True, kw_only=True):
    """How many jobs a process may claim, and which pings."""

    jobs: int  #: by one claim
    per_host: int  #: of one host at a time, with those of earlier claims
    pinged_topics: Collection[str] | None = None  #: only pings of these; None: of every topic
    #: By kind, and whether it is a retry: the turn at which the last claim ended, if it saw as many
    #: turns as `jobs`. The next claim goes on there, and changes it.
    turns: dict[tuple[JobKind, int], str] = field(default_factory=dict)


def due_jobs(
    connection: Connection, now: datetime, limits: ClaimLimits, kinds: Collection[JobKind]
) -> list[int]:
    """The ids of the due jobs to claim: the first of each turn, then the second, and so on.

    Jobs that failed wait behind those that may succeed. Pings go before all others: strangers may
    have any number of verifications queued, and a topic that ends has a denial for each subscriber.
    """
    if JobKind.PING in kinds:  # all of them, whatever else became due before
        connection.execute(_PROMOTE_PINGS, {"now": to_us(now)})
    connection.execute(_PROMOTE, {"now": to_us(now)})
    any_ready = {(kind, ready) for kind, ready in connection.execute(_ANY_READY)}
    if not any_ready:
        return []
    claimed = Counter[tuple[str, str]]()
    for kind, turn, number in connection.execute(_CLAIMED):
        claimed[kind, turn] = number
    found = list[tuple[bool, int, int, int, int]]()
    for kind, ready in product(kinds, (FIRST_READY, RETRY_READY)):
        if (kind, ready) in any_ready:
            of = {"kind": kind, "ready": ready, "now": to_us(now)}
            jobs_of_kind = _of_kind(connection, kind, limits, claimed, of)
            found += [(kind is not JobKind.PING, ready, *job) for job in jobs_of_kind]
    return [job for *_, job in sorted(found)[: limits.jobs]]


def _of_kind(
    connection: Connection,
    kind: JobKind,
    limits: ClaimLimits,
    claimed: Counter[tuple[str, str]],
    of: Mapping[str, Any],
) -> list[tuple[int, int, int]]:
    """Due jobs of the next turns: of each its position within its turn, when it is due, its id."""
    place = kind, of["ready"]
    of = {**of, "first": limits.turns.get(place, ""), "number": limits.jobs}
    turns = list(connection.scalars(_TURNS, of))
    if not turns:
        return []
    limits.turns[place] = turns[-1] if len(turns) == limits.jobs else ""
    each = min(limits.per_host, limits.jobs // len(turns) + 1)
    topics = limits.pinged_topics if kind is JobKind.PING else None
    values = {**of, "each": each, "all": topics is None, **among_values(topics or ())}
    return [
        (row.position + claimed[kind, row.turn], row.due, row.id)
        for row in connection.execute(_first_jobs(), values)
        if row.position + claimed[kind, row.turn] < limits.per_host
    ]


_IS_WAITING = jobs.c.state == constant(JobState.WAITING)

_NOT_READY = and_(_IS_WAITING, jobs.c.ready == 0)
_READY = case((jobs.c.attempts > 0, RETRY_READY), else_=FIRST_READY)

_PROMOTE = (
    update(jobs)
    .where(
        jobs.c.id.in_(
            select(jobs.c.id)
            .where(_NOT_READY, jobs.c.due <= bindparam("now"))
            .order_by(jobs.c.due)
            .limit(PROMOTED)
        )
    )
    .values(ready=_READY)
)

#: By a bare column, without a function, SQLite would go through all that is due.
_PROMOTE_PINGS = (
    update(jobs)
    .where(_NOT_READY, jobs.c.kind == constant(JobKind.PING))
    .where(func.coalesce(jobs.c.due, 0) <= bindparam("now"))
    .values(ready=_READY)
)

#: The kinds that have ready jobs, each with `ready`.
_ANY_READY = union_all(
    *(
        select(literal(kind.value), literal(ready)).where(
            exists().where(_IS_WAITING, jobs.c.kind == constant(kind), jobs.c.ready == ready)
        )
        for kind in JobKind
        for ready in (FIRST_READY, RETRY_READY)
    )
)

_CLAIMED = (
    select(jobs.c.kind, jobs.c.turn, func.count())
    .where(jobs.c.state == constant(JobState.CLAIMED))
    .group_by(jobs.c.kind, jobs.c.turn)
)


#: The kind that is looked for. A subquery, so that PostgreSQL can't tell that it is, say, a
#: verification: before it has counted the rows of a table, it would take the index of these
#: instead of `jobs_turn`, and read all that wait for each that it returns.
_KIND = select(bindparam("kind", type_=Text)).scalar_subquery()


def _is_ready(table: Any) -> ColumnElement[bool]:
    return and_(
        table.c.state == constant(JobState.WAITING),
        table.c.kind == _KIND,
        table.c.ready == bindparam("ready", type_=Integer),
    )


def _turn_after(turn: Any) -> ColumnElement[str]:
    """The next turn with ready jobs, by one step in the index; after the last the first one."""
    first = select(func.min(jobs.c.turn)).where(_is_ready(jobs))
    following = first.where(jobs.c.turn > turn)
    return func.coalesce(following.scalar_subquery(), first.scalar_subquery())


def _turns() -> Select[Any]:
    """The next turns with ready jobs, once around at most: then a turn comes that was there."""
    start = select(_turn_after(bindparam("first", type_=Text)).label("turn"))
    steps = start.cte("steps", recursive=True)
    steps = steps.union(select(_turn_after(steps.c.turn)).select_from(steps))
    number = bindparam("number", type_=Integer)
    return select(steps.c.turn).where(steps.c.turn.is_not(None)).limit(number)


_TURNS = _turns()


def _is_free(job: Any) -> ColumnElement[bool]:
    """Whether nothing that is under way, or that comes first, is about the same target."""
    other = jobs.alias()
    same = [other.c[name] == job.c[name] for name in ("kind", "target", "topic")]
    busy = exists().where(other.c.state == constant(JobState.CLAIMED), *same)
    earlier = exists().where(
        other.c.state != constant(JobState.CLAIMED),  # as the index that leads there has it
        other.c.state == JobState.WAITING,
        other.c.id < job.c.id,
        *same,
    )
    in_page = exists().where(
        subscriptions.c.topic == job.c.topic,
        subscriptions.c.callback == job.c.target,
        shards.c.topic == job.c.topic,
        shards.c.cursor < subscriptions.c.place,
        shards.c.page >= subscriptions.c.place,
    )
    return and_(
        ~busy,
        # Other kinds have no variants, so only one of them can be queued.
        or_(job.c.kind != JobKind.VERIFY, ~earlier),
        or_(job.c.kind != JobKind.DELIVER, ~in_page),
    )


def _first(turn: ColumnElement[str], after: Any = None) -> ScalarSelect[Any]:
    """The id of the first due job of a turn, or of the next one `after` another job."""
    job = jobs.alias()
    is_due = and_(_is_ready(job), job.c.turn == turn, job.c.due <= bindparam("now"))
    allowed = or_(bindparam("all", type_=Boolean), among(job.c.topic))
    found = select(job.c.id).where(is_due, allowed, _is_free(job))
    if after is not None:
        found = found.where(tuple_(job.c.due, job.c.id) > tuple_(after.c.due, after.c.id))
    return found.order_by(job.c.due, job.c.id).limit(1).scalar_subquery()


@lru_cache  # building it takes some milliseconds
def _first_jobs() -> Select[Any]:
    """The first due jobs of the next turns, one after the other along the index."""
    turns = _TURNS.subquery()
    chain = select(
        turns.c.turn, literal(0).label("position"), _first(turns.c.turn).label("id")
    ).cte("chain", recursive=True)
    last = jobs.alias()
    chain = chain.union_all(
        select(chain.c.turn, chain.c.position + 1, _first(chain.c.turn, after=last))
        .join_from(chain, last, last.c.id == chain.c.id)
        .where(chain.c.position + 1 < bindparam("each", type_=Integer))
    )
    return select(chain.c.turn, chain.c.position, jobs.c.id, jobs.c.due).join_from(
        chain, jobs, jobs.c.id == chain.c.id
    )
