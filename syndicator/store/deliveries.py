"""Begins deliveries when a publish request asks, and queues denials when a topic ended."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)

from syndicator.model.outbox import Denial, JobKind, JobState, Mode, Subscription
from syndicator.model.sweeps import place_of
from syndicator.store import kv, waves
from syndicator.store import subscriptions as subscribers
from syndicator.store.job_details import to_json
from syndicator.store.outbox import on_conflict
from syndicator.store.push_schema import IS_CLAIMED, IS_VERIFICATION, jobs, shards, subscriptions
from syndicator.store.sql import among, among_values, insert
from syndicator.store.subscriptions import UNSENT
from syndicator.store.times import to_us

_NOW = bindparam("now", type_=BigInteger)

#: The topics of some verifications that are queued or claimed.
_VERIFYING = (
    select(jobs.c.topic)
    .where(IS_VERIFICATION, jobs.c.state.in_([JobState.WAITING, JobState.CLAIMED]))
    .limit(waves.READ_AT_MOST)
)


def enqueue_missing(connection: Connection, topic: str, digest: str, now: datetime) -> bool:
    """Begin a wave that finds the subscribers without the bytes of this digest.

    A delivery that is queued already is left alone. But one that waits only for a change since the
    subscriber's request (see `subscriptions.upsert`) becomes a delivery of the whole topic.
    A callback that is still being verified gets its delivery later, see `was_published`. A bounded
    number of rows is read, since strangers ask for this.

    False: all subscribers have them, or wait for them.
    """
    verifying = connection.scalars(_VERIFYING).all()
    if topic in verifying or len(verifying) == waves.READ_AT_MOST:
        kv.put(connection, f"published {topic}", str(to_us(now)))
    missing = waves.is_missing(connection, topic, digest, now)
    if missing:
        waves.raise_waves(connection, [topic], now, changed=False)
    return missing


def was_published(connection: Connection, topic: str, since: datetime) -> bool:
    """Whether a publish request named the topic since then, while callbacks were being verified."""
    return int(kv.get(connection, f"published {topic}") or 0) >= to_us(since)


def has_old_secret(connection: Connection, renewed: Subscription, now: datetime) -> bool:
    """Whether a delivery is under way to a subscriber that renews with another secret.

    It is signed with the secret of before, so the subscriber may ignore it (W3C WebSub §7.1).
    """
    topic, callback = renewed.topic, renewed.callback
    known = subscribers.find(connection, [(topic, callback)], now).get((topic, callback))
    if known is None or known[0].secret == renewed.secret:
        return False
    of_job = jobs.c.kind == JobKind.DELIVER, jobs.c.topic == topic, jobs.c.target == callback
    place = place_of(callback)
    on_page = shards.c.topic == topic, shards.c.cursor < place, shards.c.page >= place
    return bool(
        connection.scalar(
            select(or_(exists().where(IS_CLAIMED, *of_job), exists().where(*on_page)))
        )
    )


def enqueue_denials(connection: Connection, topics: Sequence[str], now: datetime) -> None:
    """End every subscription of ended topics, and queue a denial to each callback.

    Callbacks that are being verified, or wait for it, are denied too: their verification is queued
    again, and becomes a denial when it is sent, since the topic no longer exists then.
    """
    if not topics:
        return
    parameters = {"now": to_us(now), **among_values(topics)}
    # Verifications come first: on PostgreSQL another transaction may verify a subscription
    # meanwhile, which the DELETE below then ends.
    for statement in _denial_statements(connection.dialect):
        connection.execute(statement, parameters)
    connection.execute(delete(subscriptions).where(subscriptions.c.topic.in_(topics)))
    connection.execute(delete(jobs).where(UNSENT, jobs.c.topic.in_(topics)))


@lru_cache
def _denial_statements(dialect: Dialect) -> tuple[Any, Any]:
    """Queue a second verification for callbacks that are being verified, and denials for others."""
    times = {"since": _NOW, "due": _NOW}
    copied = ("kind", "target", "topic", "variant", "host", "detail", "client", "turn")
    again = {name: jobs.c[name] for name in copied} | times
    verifying = select(*again.values()).where(
        jobs.c.kind == JobKind.VERIFY,
        jobs.c.variant == Mode.SUBSCRIBE,
        jobs.c.state == JobState.CLAIMED,
        among(jobs.c.topic),
    )
    host = func.coalesce(subscriptions.c.network, subscriptions.c.host)
    denial = {
        "kind": literal(JobKind.DENY.value),
        "target": subscriptions.c.callback,
        "topic": subscriptions.c.topic,
        "host": host,
        "turn": host,
        "detail": literal(to_json(Denial())),
        **times,
    }
    live = select(*denial.values()).where(
        among(subscriptions.c.topic), subscriptions.c.expires > _NOW
    )
    return (
        insert(dialect, jobs).from_select(list(again), verifying).on_conflict_do_nothing(),
        on_conflict(insert(dialect, jobs).from_select(list(denial), live)),
    )
