"""The subscriptions to topics as operators see them. They are in the table of `subscriptions`."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, case, func, select

from syndicator.model.outbox import JobKind, JobState
from syndicator.store import waves
from syndicator.store.push_schema import jobs, subscriptions
from syndicator.store.schema_types import constant
from syndicator.store.subscriptions import callback_label, known, latest
from syndicator.store.times import from_us, to_us


class Subscriber(Struct, frozen=True, kw_only=True):
    """A subscription as operators see it."""

    topic: str
    callback: str  #: its label, see `callback_label`
    since: datetime
    expires: datetime
    failures: int  #: deliveries in a row that failed
    last_success: datetime | None  #: None: never
    last_failure: datetime | None  #: None: never
    error: str | None  #: of the last failure; None: there was none
    given_up: bool  #: whether it gets no delivery until the next change


class Audience(Struct, frozen=True, kw_only=True):
    """The subscribers of one topic, summed up."""

    subscribers: int
    failing: int  #: those whose last delivery failed
    last_success: datetime | None  #: of any of them; None: never
    last_failure: datetime | None  #: of any of them; None: never


def by_topic(connection: Connection, now: datetime) -> Mapping[str, Audience]:
    """The audience of each topic that has subscribers."""
    rows = connection.execute(
        select(
            subscriptions.c.topic,
            func.count().label("subscribers"),
            func.sum(case((subscriptions.c.failures > 0, 1), else_=0)).label("failing"),
            func.max(subscriptions.c.last_success).label("last_success"),
            func.max(subscriptions.c.last_failure).label("last_failure"),
        )
        .where(subscriptions.c.expires > to_us(now))
        .group_by(subscriptions.c.topic)
        .order_by(subscriptions.c.topic)
    ).all()
    sent = waves.last_sent(connection)
    return {
        row.topic: Audience(
            subscribers=row.subscribers,
            failing=int(row.failing),
            last_success=from_us(latest(row.last_success, sent.get(row.topic))),
            last_failure=from_us(row.last_failure),
        )
        for row in rows
    }


_GIVEN_UP = select(jobs.c.topic, jobs.c.target).where(
    jobs.c.kind == JobKind.DELIVER, jobs.c.state == constant(JobState.GAVE_UP)
)


def subscribers(connection: Connection, now: datetime) -> tuple[Subscriber, ...]:
    """Every live subscription, sorted by topic and callback."""
    rows = connection.execute(
        select(subscriptions)
        .where(subscriptions.c.expires > to_us(now))
        .order_by(subscriptions.c.topic, subscriptions.c.callback)
    )
    sweeps = waves.of_topics(connection)
    given_up = {(row.topic, row.target) for row in connection.execute(_GIVEN_UP)}
    return tuple(
        Subscriber(
            topic=row.topic,
            callback=callback_label(row.callback),
            since=from_us(row.since),
            expires=from_us(row.expires),
            failures=row.failures,
            last_success=from_us(known(row, sweeps)[1]),
            last_failure=from_us(row.last_failure),
            error=row.error,
            given_up=(row.topic, row.callback) in given_up,
        )
        for row in rows
    )
