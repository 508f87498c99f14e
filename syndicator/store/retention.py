"""Deletes rows that nothing needs any more, and repairs times that a wrong clock wrote.

Never deleted: the ids of posts, and feeds that once existed (their addresses answer 410).
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, case, delete, exists, or_, select, update

from syndicator.model.outbox import JobKind, JobState
from syndicator.store import activity, versions, waves
from syndicator.store import subscriptions as subscribers
from syndicator.store.push_schema import (
    FIRST_READY,
    IS_CLAIMED,
    RETRY_READY,
    hubs,
    jobs,
    pings,
    shards,
    subscriptions,
)
from syndicator.store.schema import feeds, posts, problems
from syndicator.store.schema_types import constant
from syndicator.store.times import to_us

#: How long a job that was given up, and can't be queued again, stays visible to operators.
GIVEN_UP_KEPT = timedelta(days=7)


def delete_expired(connection: Connection, pinged_hubs: Collection[str], now: datetime) -> None:
    """Delete rows that nothing needs any more. `pinged_hubs`: the hubs that get pings."""
    subscribers.delete_expired(connection, now)
    waves.delete_ended(connection)
    activity.delete_old(connection, now)
    versions.delete_unwanted(connection)
    connection.execute(delete(hubs).where(hubs.c.url.not_in(pinged_hubs)))
    unpublished = pings.c.topic.not_in(waves.PUBLISHED)
    connection.execute(delete(pings).where(or_(pings.c.hub.not_in(pinged_hubs), unpublished)))
    removed_hub = and_(jobs.c.kind == JobKind.PING, jobs.c.target.not_in(pinged_hubs))
    connection.execute(delete(jobs).where(removed_hub, jobs.c.state != JobState.CLAIMED))
    subscribed = exists().where(
        subscriptions.c.topic == jobs.c.topic, subscriptions.c.callback == jobs.c.target
    )
    over = or_(
        jobs.c.kind.in_([JobKind.VERIFY, JobKind.DENY]),
        and_(jobs.c.kind == JobKind.PING, jobs.c.topic.not_in(waves.PUBLISHED)),
        and_(jobs.c.kind == JobKind.DELIVER, ~subscribed),
    )
    old = jobs.c.due <= to_us(now - GIVEN_UP_KEPT)
    connection.execute(delete(jobs).where(jobs.c.state == JobState.GAVE_UP, over, old))
    connection.execute(
        delete(problems).where(
            problems.c.stage.in_(["read", "id", "render"]),
            problems.c.subject.not_in(select(posts.c.path)),
        )
    )
    written = select(feeds.c.name).where(feeds.c.content_key.is_not(None))
    connection.execute(
        delete(problems).where(problems.c.stage == "feed", problems.c.subject.not_in(written))
    )


_REPAIRS = (
    # A job is due no earlier than its `not_before`. For each value of `ready` an index leads there.
    update(jobs)
    .where(
        jobs.c.state == constant(JobState.WAITING),
        jobs.c.ready.in_([0, FIRST_READY, RETRY_READY]),
        jobs.c.due > bindparam("last"),
    )
    .values(due=bindparam("now"), not_before=0, ready=0),
    update(jobs)
    .where(IS_CLAIMED, jobs.c.expires > bindparam("last"))
    .values(expires=bindparam("now")),
    update(shards).where(shards.c.due > bindparam("last")).values(due=bindparam("now")),
    update(shards).where(shards.c.expires > bindparam("last")).values(expires=bindparam("now")),
)


def repair_times(connection: Connection, now: datetime, longest: timedelta) -> None:
    """Make jobs and pages due that a clock running ahead put off beyond the `longest` wait.

    Claims that it made too long expire too.
    """
    for statement in _REPAIRS:
        connection.execute(statement, {"now": to_us(now), "last": to_us(now + longest)})


def shift_back(connection: Connection, now: datetime, by: timedelta) -> None:
    """Make queued jobs due earlier by as much as the clock was set back. `now` is the new time."""
    now_us = to_us(now)
    by_us = by // timedelta(microseconds=1)
    not_before = case((jobs.c.not_before > now_us, jobs.c.not_before - by_us), else_=0)
    later = and_(jobs.c.state == JobState.WAITING, jobs.c.due > now_us)
    values = {"due": jobs.c.due - by_us, "not_before": not_before}
    connection.execute(update(jobs).where(later).values(values))
    connection.execute(update(shards).where(shards.c.due > now_us).values(due=shards.c.due - by_us))
