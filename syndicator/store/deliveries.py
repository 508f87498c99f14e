"""What subscribers are owed: the newest of what they follow, or a word that it ended.

Every function works inside its caller's transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)

from syndicator.model.outbox import JobKind
from syndicator.store import kv
from syndicator.store.outbox import on_conflict
from syndicator.store.schema import jobs, subscriptions, to_us
from syndicator.store.sql import among, insert, those
from syndicator.store.subscriptions import UNSENT

#: Microseconds that a callback's next delivery waits for each one in a row that failed, so that those that
#: answer go first; and how many failures count.
BEHIND_US, BEHIND_MOST = 500_000, 10

_NOW = bindparam("now", type_=BigInteger)

#: Whether a callback is being verified, or waits to be, for one of `those` topics.
_VERIFIED_NOW = select(
    exists().where(jobs.c.kind == JobKind.VERIFY, jobs.c.state != "gave up", among(jobs.c.topic))
)


def enqueue_deliveries(connection: Connection, topics: Sequence[str], now: datetime) -> int:
    """Owe each live subscriber of the topics their newest bytes; how many there are.

    One who is owed them already is owed them once, and is tried again from the beginning.
    """
    if not topics:
        return 0
    return _inserted(
        connection, _deliveries(connection.dialect), {"now": to_us(now), **those(topics)}
    )


@lru_cache
def _deliveries(dialect: Dialect) -> Any:
    behind = case(
        (subscriptions.c.failures > BEHIND_MOST, BEHIND_MOST), else_=subscriptions.c.failures
    )
    columns = _debt(JobKind.DELIVER) | {"due": _NOW + behind * BEHIND_US}
    return on_conflict(insert(dialect, jobs).from_select(list(columns), _live(columns)))


def enqueue_missing(connection: Connection, topic: str, digest: str, now: datetime) -> int:
    """Owe a topic to those who don't have the bytes with this digest, unless they wait for them; how many.

    A new subscriber waits for what changed while it was verified, which may be nothing: it is owed the whole topic.
    One that is still being verified will be owed it too, see `was_published`.
    """
    if connection.scalar(_VERIFIED_NOW, those([topic])):
        kv.put(connection, f"published {topic}", str(to_us(now)))
    columns = _debt(JobKind.DELIVER)
    live = _live(columns).where(func.coalesce(subscriptions.c.delivered, "") != digest)
    unsent = or_(jobs.c.state == "gave up", jobs.c.detail != columns["detail"])
    statement = on_conflict(
        insert(connection.dialect, jobs).from_select(list(columns), live), only=unsent
    )
    return _inserted(connection, statement, {"now": to_us(now), **those([topic])})


def was_published(connection: Connection, topic: str, since: datetime) -> bool:
    """Whether someone said that a topic changed since then, when callbacks were being verified for it."""
    return int(kv.get(connection, f"published {topic}") or 0) >= to_us(since)


def enqueue_denials(connection: Connection, topics: Sequence[str], now: datetime) -> int:
    """End every subscription of topics that are no longer made, and owe each a word of it; how many.

    Who waits to be asked whether it meant to subscribe, or is being asked, will be told instead.
    """
    if not topics:
        return 0
    said = {"now": to_us(now), **those(topics)}
    # Before anything else: on PostgreSQL a subscription may begin just now, and is then among those that end.
    connection.execute(_asked_again(connection.dialect), said)
    columns = _debt(JobKind.DENY)
    statement = insert(connection.dialect, jobs).from_select(list(columns), _live(columns))
    number = _inserted(connection, on_conflict(statement), said)
    connection.execute(delete(subscriptions).where(subscriptions.c.topic.in_(topics)))
    connection.execute(delete(jobs).where(UNSENT, jobs.c.topic.in_(topics)))
    return number


@lru_cache
def _asked_again(dialect: Dialect) -> Any:
    """Owe a second time what callbacks are being asked."""
    columns = {
        name: jobs.c[name]
        for name in ("kind", "target", "topic", "variant", "host", "detail", "client")
    }
    columns |= {name: value for name, value in _debt(JobKind.VERIFY).items() if name not in columns}
    under_way = select(*columns.values()).where(
        jobs.c.kind == JobKind.VERIFY,
        jobs.c.variant == "subscribe",
        jobs.c.state == "claimed",
        among(jobs.c.topic),
    )
    return insert(dialect, jobs).from_select(list(columns), under_way).on_conflict_do_nothing()


def _debt(kind: JobKind) -> dict[str, Any]:
    """The columns of a debt to a subscriber that nobody tried to pay yet, as expressions of an INSERT … SELECT."""
    return {
        "kind": literal(kind.value),
        "target": subscriptions.c.callback,
        "topic": subscriptions.c.topic,
        "variant": literal(""),
        "host": func.coalesce(subscriptions.c.network, subscriptions.c.host),
        "detail": literal("{}"),
        "state": literal("waiting"),
        "attempts": literal(0),
        "since": _NOW,
        "due": _NOW,
        "not_before": literal(0, BigInteger),
    }


def _inserted(connection: Connection, statement: Any, said: Mapping[str, Any]) -> int:
    return int(
        connection.execute(statement, said, execution_options={"preserve_rowcount": True}).rowcount
    )


def _live(columns: Mapping[str, Any]) -> Select[Any]:
    """Of the live subscriptions to `those` topics."""
    return select(*columns.values()).where(
        among(subscriptions.c.topic), subscriptions.c.expires > _NOW
    )
