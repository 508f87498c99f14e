"""The waves of each topic: a change raises a number, and sweeps bring it to the subscribers.

See `model.sweeps` and, for what is sent, `pages`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from syndicator.model.outbox import Delivery, JobKind, JobState
from syndicator.model.sweeps import SHARD_SIZE, Sweep, place_of, resting, shard_of
from syndicator.store.job_details import to_json
from syndicator.store.push_schema import NOT_CLAIMED, jobs, shards, subscriptions, waves
from syndicator.store.schema import files
from syndicator.store.schema_types import constant
from syndicator.store.sql import among, among_values, insert
from syndicator.store.times import to_us


def sweep_of(row: Row[Any]) -> Sweep:
    return Sweep(**{name: getattr(row, name) for name in Sweep.__struct_fields__})


_RAISE = (
    update(waves)
    .where(among(waves.c.topic))
    .values(
        wave=waves.c.wave + 1,
        since=case(
            (waves.c.done < waves.c.wave, waves.c.since),
            else_=bindparam("now", type_=BigInteger),
        ),
    )
)
_CHANGE = _RAISE.values(changed=waves.c.wave + 1)


def raise_waves(
    connection: Connection, topics: Sequence[str], now: datetime, *, changed: bool = True
) -> None:
    """Begin a wave of each topic that has had a subscriber: the live ones get its newest bytes.

    It costs one row for each topic.

    `changed`: False: the topic is the same, but some subscribers may lack it.
    """
    if not topics:
        return
    statement = _CHANGE if changed else _RAISE
    connection.execute(statement, {"now": to_us(now), **among_values(topics)})


def add_subscriber(connection: Connection, topic: str, callback: str, now: datetime) -> int:
    """Make sure that a topic has the shard of a callback. Returns the topic's newest wave."""
    statement = insert(connection.dialect, waves).values(
        topic=topic, wave=0, changed=0, done=0, since=to_us(now)
    )
    connection.execute(statement.on_conflict_do_nothing())
    wave = connection.scalar(select(newest(topic))) or 0
    shard = shard_of(place_of(callback))
    statement = insert(connection.dialect, shards).values(
        topic=topic, shard=shard, due=to_us(now), **asdict(resting(shard, wave))
    )
    connection.execute(statement.on_conflict_do_nothing())
    return wave


_CHANGED = select(waves.c.topic, waves.c.changed).where(among(waves.c.topic))


def changed(connection: Connection, topics: Collection[str]) -> Mapping[str, int]:
    """The last wave of each of some topics that was a change."""
    rows = connection.execute(_CHANGED, among_values(topics))
    return {row.topic: row.changed for row in rows}


def newest(topic: str) -> ScalarSelect[int]:
    """The newest wave of a topic, as part of a statement; NULL: it never had a subscriber."""
    return select(waves.c.wave).where(waves.c.topic == topic).scalar_subquery()


def of_topics(
    connection: Connection, topics: Sequence[str] | None = None
) -> Mapping[tuple[str, int], Sweep]:
    """The sweeps of some topics, or of all, by topic and number of the shard."""
    statement = select(shards)
    if topics is not None:
        statement = statement.where(shards.c.topic.in_(topics))
    return {(row.topic, row.shard): sweep_of(row) for row in connection.execute(statement)}


def last_sent(connection: Connection) -> Mapping[str, int]:
    """When subscribers of each topic were sent something last by a sweep."""
    rows = connection.execute(
        select(shards.c.topic, func.max(shards.c.sent)).group_by(shards.c.topic)
    )
    return {topic: sent for topic, sent in rows if sent is not None}


#: Whether a shard has subscribers to reach, or a page of it is being sent.
IS_OPEN = or_(
    shards.c.wave < waves.c.wave,
    shards.c.stop.is_not(None),
    shards.c.again.is_not(None),
    shards.c.page.is_not(None),
)
#: By a bare column, without a function, SQLite would go through all shards for those of the open
#: waves.
HAS_OPEN = and_(
    waves.c.done < waves.c.wave, shards.c.topic == func.coalesce(waves.c.topic, ""), IS_OPEN
)

_NEXT_DUE = (
    select(
        func.min(
            case(
                (shards.c.topic.is_(None), waves.c.since),
                (shards.c.holder.is_not(None), shards.c.expires),
                else_=shards.c.due,
            )
        )
    )
    .select_from(waves.outerjoin(shards, and_(shards.c.topic == waves.c.topic, IS_OPEN)))
    .where(waves.c.done < waves.c.wave)
)


def next_due(connection: Connection) -> int | None:
    """When the next page is due, or the next lease on a shard ends; None: nothing is to be sent.

    A wave that has reached all, but is not marked as done yet, is due since it began.
    """
    first: int | None = connection.scalar(_NEXT_DUE)
    return first


def since(connection: Connection) -> int | None:
    """When the oldest wave began that has not reached all; None: every wave has."""
    first: int | None = connection.scalar(
        select(func.min(waves.c.since)).where(waves.c.done < waves.c.wave)
    )
    return first


def _unreached() -> Select[Any]:
    """How many subscriptions are in parts of shards that the waves have not reached.

    Such a part is from where a sweep is to where it ends. If that comes first, the part has two
    halves, as the circle closes at the shard's end.
    """
    start = cast(shards.c.shard, BigInteger) * literal(SHARD_SIZE, BigInteger)
    end = func.coalesce(shards.c.again, shards.c.stop)
    is_all = or_(end.is_(None), shards.c.wave < waves.c.wave)
    halves = (
        select(
            shards.c.topic,
            case((is_all, start), else_=shards.c.cursor).label("after"),
            case((or_(is_all, end <= shards.c.cursor), start + SHARD_SIZE), else_=end).label(
                "last"
            ),
        ).where(HAS_OPEN),
        select(shards.c.topic, start, end).where(HAS_OPEN, ~is_all, end <= shards.c.cursor),
    )
    part = union_all(*halves).subquery()
    return (
        select(func.count())
        .select_from(part)
        .join(
            subscriptions,
            and_(
                subscriptions.c.topic == part.c.topic,
                subscriptions.c.place > part.c.after,
                subscriptions.c.place <= part.c.last,
            ),
        )
    )


_IS_OPEN = exists().where(waves.c.done < waves.c.wave)
#: PostgreSQL may plan to read all subscriptions, also if there is no wave that is not done.
_UNREACHED = select(case((_IS_OPEN, _unreached().scalar_subquery()), else_=0))


def unreached(connection: Connection) -> int:
    """How many subscribers the waves have not reached, those that had the newest bytes included."""
    return connection.scalar(_UNREACHED) or 0


#: Subscriptions that `is_missing` reads at most. It is called for strangers.
READ_AT_MOST = 1000


def is_missing(connection: Connection, topic: str, digest: str, now: datetime) -> bool:
    """Whether subscribers without the bytes of this digest wait for no delivery of them.

    By a shard's last sweep, or by their own row. The subscribers that a sweep has still to reach
    wait for it. True also if more than `READ_AT_MOST` own rows would have to be read.
    """
    sweeps = of_topics(connection, [topic]).values()
    wave = connection.scalar(select(newest(topic)))
    if any(each.rests and each.wave == wave and each.digest != digest for each in sweeps):
        return True
    oldest = min((each.wave for each in sweeps), default=0)
    own = (
        select(subscriptions)
        .where(subscriptions.c.topic == topic, subscriptions.c.wave >= oldest)
        .limit(READ_AT_MOST)
        .subquery()
    )
    queued = exists().where(
        jobs.c.kind == constant(JobKind.DELIVER),
        jobs.c.target == own.c.callback,
        jobs.c.topic == topic,
        NOT_CLAIMED,
        jobs.c.state == JobState.WAITING,
        jobs.c.detail == to_json(Delivery()),
    )
    lacks = and_(own.c.expires > to_us(now), func.coalesce(own.c.delivered, "") != digest, ~queued)
    read, lacking = connection.execute(
        select(func.count(), func.count(case((lacks, 1)))).select_from(own)
    ).one()
    return bool(lacking) or read == READ_AT_MOST


def _close(condition: ColumnElement[bool]) -> Any:
    still = exists().where(shards.c.topic == waves.c.topic, IS_OPEN)
    over = and_(waves.c.done < waves.c.wave, condition, ~still)
    return update(waves).where(over).values(done=waves.c.wave)


_CLOSE = _close(among(waves.c.topic))
_CLOSE_ALL = _close(true())


def close(connection: Connection, topics: Collection[str] | None = None) -> None:
    """Mark the newest wave of each of some topics as done, if it has reached every subscriber.

    None: of every topic.
    """
    if topics is None:
        connection.execute(_CLOSE_ALL)
    else:
        connection.execute(_CLOSE, among_values(topics))


#: The addresses of published files. A statement looks through them once, not once for each row.
PUBLISHED = select(files.c.url).where(~files.c.gone)


def delete_ended(connection: Connection) -> None:
    """Delete the waves of topics that are not published and have no subscribers."""
    for table in (shards, waves):
        subscribed = exists().where(subscriptions.c.topic == table.c.topic)
        ended = [~subscribed, table.c.topic.not_in(PUBLISHED)]
        if table is shards:
            ended.append(shards.c.page.is_(None))
        else:
            ended.append(~exists().where(shards.c.topic == waves.c.topic))
        connection.execute(delete(table).where(*ended))
