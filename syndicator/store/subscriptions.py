"""Subscriptions of callbacks to topics.

A callback's address is a secret, since its query often holds a token. It is returned only for
requests to it; operators see a label.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    null,
    select,
    update,
)

from syndicator.model.client_keys import host_and_port, host_name
from syndicator.model.outbox import Delivery, Denial, JobKind, Subscription
from syndicator.model.sweeps import Sweep, place_of, shard_of
from syndicator.store import waves
from syndicator.store.outbox import JobRow, enqueue
from syndicator.store.push_schema import NOT_CLAIMED, jobs, subscriptions
from syndicator.store.schema_types import Text
from syndicator.store.sql import insert
from syndicator.store.times import from_us, to_us

#: Never a digest, so the subscriber gets a delivery in any case.
ANY_DIGEST = "any"

#: Instead of the digest of what a subscriber has: a delivery whose claim was lost came late. It is
#: unknown until the next claim, since what was under way then may have arrived before.
CAME_LATE = ""

#: Deliveries that are not claimed.
UNSENT = and_(jobs.c.kind == JobKind.DELIVER, NOT_CLAIMED)

_Pair = tuple[str, str]  # topic, callback


def callback_label(callback: str) -> str:
    """The name of a callback in messages: its host, and a digest that tells callbacks apart."""
    return f"{host_and_port(callback)}#{sha256(callback.encode()).hexdigest()[:8]}"


def upsert(
    connection: Connection, subscription: Subscription, requested_digest: str | None = None
) -> None:
    """Begin a subscription, or renew it with new terms; a renewal can add or remove the secret.

    `requested_digest` is the topic's digest when the callback requested the subscription. A new
    subscriber gets a delivery if the topic changed since then. A text that is never a digest
    (`ANY_DIGEST`) causes a delivery in any case; None causes none.
    """
    topic, callback = subscription.topic, subscription.callback
    if requested_digest and not find(connection, [(topic, callback)], subscription.since):
        missed = JobRow(
            detail=Delivery(had=requested_digest),
            target=callback,
            topic=topic,
            network=subscription.network,
        )
        enqueue(connection, [missed], subscription.since)
    wave = waves.add_subscriber(connection, topic, callback, subscription.since)
    statement = insert(connection.dialect, subscriptions).values(
        topic=topic,
        callback=callback,
        host=host_name(callback),
        network=subscription.network,
        secret=subscription.secret,
        since=to_us(subscription.since),
        expires=to_us(subscription.expires),
        failures=0,
        place=place_of(callback),
        wave=wave,
    )
    new = statement.excluded
    # Its lease ended: the waves since then have passed it by.
    lapsed = subscriptions.c.expires <= new.since
    changed = {
        "delivered": case((lapsed, null()), else_=subscriptions.c.delivered),
        "wave": case((lapsed, new.wave), else_=subscriptions.c.wave),
        "secret": new.secret,
        "expires": new.expires,
        "failures": 0,
        "failing": None,
        "network": func.coalesce(new.network, subscriptions.c.network),
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=["topic", "callback"], set_=changed)
    )
    # They subscribed again: drop the pending denial of the earlier subscription.
    of_it = jobs.c.topic == topic, jobs.c.target == callback
    connection.execute(delete(jobs).where(jobs.c.kind == JobKind.DENY, NOT_CLAIMED, *of_it))


def end(connection: Connection, topic: str, callback: str, *, only_failing: bool = False) -> bool:
    """End a subscription and delete its queued deliveries. False: there was none to end.

    A claimed delivery runs to its end, and later jobs for the callback wait for it.
    `only_failing` spares a subscription that was renewed meanwhile.
    """
    conditions = [subscriptions.c.topic == topic, subscriptions.c.callback == callback]
    if only_failing:
        conditions.append(subscriptions.c.failing.is_not(None))
    ended = connection.execute(delete(subscriptions).where(*conditions)).rowcount
    if ended or not only_failing:
        connection.execute(
            delete(jobs).where(UNSENT, jobs.c.topic == topic, jobs.c.target == callback)
        )
    return bool(ended)


def remove(connection: Connection, callback: str, now: datetime) -> int:
    """End every subscription of a callback and queue a denial for each; how many.

    `callback`: its address or its label.
    """
    ended = [
        row
        for row in connection.execute(select(subscriptions.c.topic, subscriptions.c.callback))
        if callback in (row.callback, callback_label(row.callback))
    ]
    for row in ended:
        end(connection, row.topic, row.callback)
    denials = [JobRow(detail=Denial(), target=row.callback, topic=row.topic) for row in ended]
    return enqueue(connection, denials, now)


def find(
    connection: Connection, pairs: Iterable[_Pair], now: datetime
) -> Mapping[_Pair, tuple[Subscription, str | None]]:
    """The live subscriptions among pairs of topic and callback, each with its delivered digest.

    The digest is None when it is unknown which bytes the subscriber has.
    """
    wanted = set(pairs)
    if not wanted:
        return {}
    statement = select(subscriptions).where(_among(wanted), subscriptions.c.expires > to_us(now))
    sweeps = waves.of_topics(connection, sorted({topic for topic, _ in wanted}))
    return {
        (row.topic, row.callback): (subscription_of(row, sent), delivered)
        for row in connection.execute(statement)
        if (row.topic, row.callback) in wanted
        for delivered, sent in [known(row, sweeps)]
    }


def _among(pairs: Collection[_Pair]) -> ColumnElement[bool]:
    """Whether the topic and the callback of a subscription are among those of some pairs."""
    return and_(
        subscriptions.c.topic.in_(sorted({topic for topic, _ in pairs})),
        subscriptions.c.callback.in_(sorted({callback for _, callback in pairs})),
    )


def known(row: Row[Any], sweeps: Mapping[tuple[str, int], Sweep]) -> tuple[str | None, int | None]:
    """The digest of what a subscriber has, and when a delivery to it last arrived; None: unknown.

    By its own row, or by a later sweep.
    """
    sweep = sweeps.get((row.topic, shard_of(row.place)))
    if sweep is None or row.wave >= (has := sweep.has(row.place))[0]:
        return row.delivered or None, row.last_success
    return has[1], latest(row.last_success, sweep.last_sent(row.place))


def _update(
    connection: Connection, values: Mapping[str, Any], rows: Sequence[tuple[str, ...]]
) -> None:
    """Change subscriptions. `rows`: topic, callback and, if `values` has it, `new` of each."""
    one = and_(
        subscriptions.c.topic == bindparam("of"), subscriptions.c.callback == bindparam("to")
    )
    if rows:
        parameters = [dict(zip(("of", "to", "new"), row, strict=False)) for row in rows]
        connection.execute(update(subscriptions).where(one).values(values), parameters)


def begin_deliveries(connection: Connection, pairs: Collection[_Pair]) -> None:
    """Record that deliveries to some topics and callbacks begin, and no others are under way."""
    if pairs:
        late = and_(subscriptions.c.delivered == CAME_LATE, _among(pairs))
        connection.execute(update(subscriptions).where(late).values(delivered=None))


def record_delivered(
    connection: Connection, arrived: Sequence[tuple[str, str, str]], now: datetime
) -> None:
    """Record deliveries that arrived: topic, callback and digest of each."""
    is_late = subscriptions.c.delivered == CAME_LATE
    digest = case((is_late, CAME_LATE), else_=bindparam("new", type_=Text))
    values = {"delivered": digest, "failures": 0, "failing": None, "last_success": to_us(now)}
    _update(connection, values, arrived)


def record_unknown(connection: Connection, sent: Sequence[_Pair]) -> None:
    """Record deliveries without an outcome, which may have arrived: of whom it is unknown."""
    _update(connection, {"delivered": None}, sent)


def record_late(connection: Connection, topic: str, callback: str) -> None:
    """Record that a delivery came late: it is unknown what a subscriber has, see `CAME_LATE`."""
    newest = func.coalesce(waves.newest(topic), subscriptions.c.wave)
    _update(connection, {"delivered": CAME_LATE, "wave": newest}, [(topic, callback)])


def record_failed(
    connection: Connection, failures: Sequence[tuple[str, str, str]], now: datetime
) -> None:
    """Record deliveries that failed: topic, callback and error of each.

    A delivery that failed may still have arrived, so the delivered digest becomes unknown.
    """
    values = {
        "delivered": None,
        "failures": subscriptions.c.failures + 1,
        "failing": func.coalesce(subscriptions.c.failing, to_us(now)),
        "last_failure": to_us(now),
        "error": bindparam("new"),
    }
    _update(connection, values, failures)


def set_network(connection: Connection, networks: Sequence[tuple[str, str, str]]) -> None:
    """Store the new networks of callbacks: topic, callback and network of each."""
    _update(connection, {"network": bindparam("new")}, networks)


def network_at(connection: Connection, host: str) -> str | None:
    """The network of a host, from its subscription with the longest lease; None: unknown."""
    return connection.scalar(
        select(subscriptions.c.network)
        .where(subscriptions.c.host == host, subscriptions.c.network.is_not(None))
        .order_by(subscriptions.c.expires.desc())
        .limit(1)
    )


def total_at(connection: Connection, host: str, network: str | None, now: datetime) -> int:
    """How many live subscriptions a host or its network has: the larger number."""
    live = select(func.count()).where(subscriptions.c.expires > to_us(now))
    of_host = connection.scalar(live.where(subscriptions.c.host == host)) or 0
    of_network = connection.scalar(live.where(subscriptions.c.network == network)) if network else 0
    return max(of_host, of_network or 0)


def delete_expired(connection: Connection, now: datetime) -> None:
    """Delete subscriptions whose lease ended."""
    connection.execute(delete(subscriptions).where(subscriptions.c.expires <= to_us(now)))


def total(connection: Connection, now: datetime) -> int:
    """How many live subscriptions there are."""
    return connection.scalar(select(func.count()).where(subscriptions.c.expires > to_us(now))) or 0


def latest(*times: int | None) -> int | None:
    """The latest of some times; None if all are."""
    return max((time for time in times if time is not None), default=None)


def subscription_of(row: Row[Any], sent: int | None = None) -> Subscription:
    """The subscription of a row. `sent`: when a delivery last arrived, see `known`."""
    return Subscription(
        topic=row.topic,
        callback=row.callback,
        secret=row.secret,
        expires=from_us(row.expires),
        since=from_us(row.since),
        network=row.network,
        failures=row.failures,
        failing=from_us(row.failing),
        attempted=from_us(latest(row.last_success, row.last_failure, sent)),
    )
