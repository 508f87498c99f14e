"""Claims and records pages of sweeps: some subscribers of a shard at a time. See `model.sweeps`.

A page that is claimed belongs to its holder until it is recorded, or the lease ends: no job about
its subscribers is claimed meanwhile. A delivery that succeeds writes nothing; what else becomes of
a subscriber is a job of the outbox.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)

from syndicator.model.outbox import JobKind
from syndicator.model.sweeps import Sweep, advanced, interrupted, prepared
from syndicator.store import waves
from syndicator.store.claimed_pages import Lease, Page, PageEnd
from syndicator.store.process_schema import is_dead
from syndicator.store.push_schema import IS_CLAIMED, NOT_CLAIMED, jobs, shards, subscriptions
from syndicator.store.push_schema import waves as waves_table
from syndicator.store.schema_types import constant
from syndicator.store.sql import among, among_values
from syndicator.store.times import from_us, to_us

#: Pages that are claimed together. Each has a few subscribers only: those of small topics.
TOGETHER = 32

_IS_DEAD = is_dead(shards.c.holder)


def claim(
    connection: Connection, now: datetime, lease: Lease, size: int, *, paced: bool = True
) -> list[Page]:
    """Claim the next pages that are due, with `size` subscribers at most. Shards take turns.

    It is one page, or up to `TOGETHER` small ones. A page whose holder died is claimed again.
    `paced`: False: a new sweep does not wait for the pace of the one before.
    """
    claimed, left = list[Page](), size
    # Most often the first page is a full one.
    for number in (1, TOGETHER - 1):
        found = {"now": to_us(now), "number": number}
        for row in connection.execute(_due_shards(paced), found).all() if left else ():
            sweep = waves.sweep_of(row) if row.page is None else _interrupted(connection, row)
            next_sweep = prepared(sweep, row.newest, row.changed)
            if next_sweep is None or not left:
                continue
            page = _read(connection, row, next_sweep, lease.holder, now, left)
            connection.execute(_PUT, _values(page, page.sweep, page.times, page.end, lease))
            claimed.append(page)
            left -= len(page.rows)
    if not claimed:
        waves.close(connection)
    return claimed


@lru_cache
def _due_shards(paced: bool) -> Select[Any]:
    now = bindparam("now", type_=BigInteger)
    is_due = shards.c.due <= now
    is_free = and_(
        shards.c.page.is_(None), is_due if paced else or_(is_due, shards.c.stop.is_(None))
    )
    return (
        select(
            shards, waves_table.c.wave.label("newest"), waves_table.c.changed, waves_table.c.since
        )
        .where(waves.HAS_OPEN, or_(is_free, and_(shards.c.expires <= now, _IS_DEAD)))
        .order_by(shards.c.due, shards.c.topic, shards.c.shard)
        .limit(bindparam("number", type_=Integer))
    )


_TO_IT = and_(
    jobs.c.kind == constant(JobKind.DELIVER),
    jobs.c.target == subscriptions.c.callback,
    jobs.c.topic == subscriptions.c.topic,
)
#: Whether a delivery to a subscription is a job. There is an index of jobs for each part.
_IS_QUEUED = or_(exists().where(NOT_CLAIMED, _TO_IT), exists().where(IS_CLAIMED, _TO_IT))

_PAGE_ROWS = (
    select(subscriptions, _IS_QUEUED.label("queued"))
    .where(
        subscriptions.c.topic == bindparam("of"),
        subscriptions.c.place > bindparam("after"),
        subscriptions.c.place <= bindparam("last"),
    )
    .order_by(subscriptions.c.place)
    .limit(bindparam("number", type_=Integer))
)


def _read(
    connection: Connection, row: Row[Any], sweep: Sweep, holder: str, now: datetime, size: int
) -> Page:
    """The next page of a sweep. `row`: of its shard. `size`: subscribers at most."""
    part = {"of": row.topic, "after": sweep.cursor, "last": sweep.limit, "number": size}
    rows = connection.execute(_PAGE_ROWS, part).all()
    return Page(
        topic=row.topic,
        shard=row.shard,
        sweep=sweep,
        end=rows[-1].place if len(rows) == size else sweep.limit,
        rows=rows,
        times={"due": row.due},
        holder=holder,
        claimed=now,
        since=from_us(row.since),
        is_change=row.changed > sweep.old_wave,
    )


_CHANGED = (*Sweep.__struct_fields__, "due", "page", "holder", "expires")
_PUT: Update = (
    update(shards)
    .where(shards.c.topic == bindparam("of"), shards.c.shard == bindparam("number"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)


_HELD = select(shards.c.topic, shards.c.shard, shards.c.cursor, shards.c.page).where(
    shards.c.holder == bindparam("by"), among(shards.c.topic)
)


def _values(
    of: Page | Row[Any],
    sweep: Sweep,
    times: Mapping[str, int | None],
    page: int | None = None,
    lease: Lease | None = None,
) -> dict[str, Any]:
    """The parameters that store a shard. `page`, `lease`: of the page that is sent now."""
    values = asdict(sweep) | dict(times)
    values |= {"page": page, "holder": lease and lease.holder}
    values |= {"expires": lease and to_us(lease.expires)}
    row = {f"new_{name}": value for name, value in values.items()}
    return {"of": of.topic, "number": of.shard, **row}


def _held(connection: Connection, of: Sequence[Page]) -> Sequence[Page]:
    """Those of some pages of one holder that it still has."""
    if not of:
        return []
    held = {"by": of[0].holder, **among_values({page.topic for page in of})}
    rows = {(row.topic, row.shard): row for row in connection.execute(_HELD, held)}
    return [
        page
        for page in of
        if (row := rows.get(page.key)) and (row.cursor, row.page) == (page.sweep.cursor, page.end)
    ]


def put_back(connection: Connection, due: Mapping[Page, datetime]) -> None:
    """End pages of which nothing was sent, unless another process has them. They are due again."""
    values = [
        _values(page, page.sweep, {**page.times, "due": to_us(due[page])})
        for page in _held(connection, list(due))
    ]
    if values:
        connection.execute(_PUT, values)


def record(
    connection: Connection, ends: Mapping[Page, PageEnd], now: datetime, pace: timedelta
) -> Collection[Page]:
    """Record pages that are done: their subscribers have the bytes of a digest, or have a job.

    `pace`: until the next sweep begins. Returns the pages that were recorded: of the others, the
    lease ended, and another process has them.
    """
    recorded = _held(connection, list(ends))
    values, over = [], set[str]()
    for page in recorded:
        end = ends[page]
        sweep = advanced(page.sweep, page.end, end.digest)
        due = now if sweep.stop is not None or not end.sent else now + pace
        times = {**page.times, "due": to_us(due)} | ({"sent": to_us(now)} if end.sent else {})
        values.append(_values(page, sweep, times))
        if sweep.stop is None:
            over.add(page.topic)
    if values:
        connection.execute(_PUT, values)
    if over:
        waves.close(connection, over)
    return recorded


def renew(connection: Connection, holder: str, until: datetime) -> None:
    """Extend the lease on every page of a holder."""
    connection.execute(update(shards).where(shards.c.holder == holder).values(expires=to_us(until)))


def release(connection: Connection, condition: ColumnElement[bool]) -> None:
    """End the leases on some pages. They are sent again."""
    held = and_(shards.c.page.is_not(None), shards.c.topic == waves_table.c.topic, condition)
    for row in connection.execute(select(shards, waves_table.c.changed).where(held)).all():
        sweep = _interrupted(connection, row)
        connection.execute(_PUT, _values(row, sweep, {"due": row.due}))


_FORGET = (
    update(subscriptions)
    .where(
        subscriptions.c.topic == bindparam("of"),
        subscriptions.c.place > bindparam("after"),
        subscriptions.c.place <= bindparam("last"),
        subscriptions.c.wave < bindparam("sent"),
    )
    .values(delivered=None)
)


def _interrupted(connection: Connection, row: Row[Any]) -> Sweep:
    """The sweep of a shard whose page was lost. What its subscribers have becomes unknown.

    Also where their own rows said so: the page may have arrived, and nobody recorded it.
    """
    sweep = waves.sweep_of(row)
    part = {"of": row.topic, "after": sweep.cursor, "last": row.page, "sent": sweep.wave}
    connection.execute(_FORGET, part)
    return interrupted(sweep, row.changed)
