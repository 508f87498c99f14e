"""What is forgotten, so that the state doesn't grow for ever; and what a clock that was wrong left behind.

Never forgotten: the ledger, and a feed that once was (its address answers 410).
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    or_,
    select,
    update,
)

from syndicator.model.outbox import JobKind
from syndicator.store import subscriptions as subscribers
from syndicator.store.schema import feeds, files, hubs, jobs, posts, problems, subscriptions, to_us

#: How long what was given up, and nobody can owe again, stays in sight.
IN_SIGHT = timedelta(days=7)


def delete_expired(connection: Connection, told: Collection[str], now: datetime) -> None:
    """Forget what nothing depends on any more. `told`: the hubs that are told of changes."""
    subscribers.delete_expired(connection, now)
    connection.execute(delete(hubs).where(hubs.c.url.not_in(told)))
    connection.execute(
        delete(jobs).where(
            jobs.c.kind == JobKind.PING, jobs.c.target.not_in(told), jobs.c.state != "claimed"
        )
    )
    subscribed = exists().where(
        subscriptions.c.topic == jobs.c.topic, subscriptions.c.callback == jobs.c.target
    )
    made = exists().where(files.c.url == jobs.c.topic, ~files.c.gone)
    over = or_(
        jobs.c.kind.in_([JobKind.VERIFY, JobKind.DENY]),
        and_(jobs.c.kind == JobKind.PING, ~made),
        and_(jobs.c.kind == JobKind.DELIVER, ~subscribed),
    )
    connection.execute(
        delete(jobs).where(jobs.c.state == "gave up", over, jobs.c.due <= to_us(now - IN_SIGHT))
    )
    connection.execute(
        delete(problems).where(
            problems.c.stage.in_(["read", "id", "render"]),
            problems.c.subject.not_in(select(posts.c.path)),
        )
    )
    post_paths = select(feeds.c.name).where(feeds.c.content_key.is_not(None))
    connection.execute(
        delete(problems).where(problems.c.stage == "feed", problems.c.subject.not_in(post_paths))
    )


_CLAIMED = jobs.c.state == "claimed"
_SET_RIGHT = (
    update(jobs)
    .where(
        or_(
            and_(
                jobs.c.state == "waiting",
                or_(jobs.c.due > bindparam("last"), jobs.c.not_before > bindparam("last")),
            ),
            and_(_CLAIMED, jobs.c.expires > bindparam("last")),
        )
    )
    .values(
        due=bindparam("now"),
        not_before=0,
        expires=case((_CLAIMED, bindparam("now", type_=BigInteger)), else_=jobs.c.expires),
    )
)


def repair_times(connection: Connection, now: datetime, longest: timedelta) -> int:
    """Make due what a clock that ran ahead put off for longer than any wait may be; how many debts.

    Claims that it made last too long end too.
    """
    return connection.execute(
        _SET_RIGHT, {"now": to_us(now), "last": to_us(now + longest)}
    ).rowcount


def shift_back(connection: Connection, now: datetime, by: timedelta) -> None:
    """Have what waits wait no longer because the clock was set back by so much."""
    then, less = to_us(now), by // timedelta(microseconds=1)
    asked = case((jobs.c.not_before > then, jobs.c.not_before - less), else_=0)
    later = and_(jobs.c.state == "waiting", jobs.c.due > then)
    connection.execute(update(jobs).where(later).values(due=jobs.c.due - less, not_before=asked))
