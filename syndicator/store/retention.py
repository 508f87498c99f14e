"""What is forgotten, so that the state doesn't grow for ever; and what a clock that was wrong left behind.

Never forgotten: the ledger, and a feed that once was (its address answers 410).
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, delete, exists, or_, select, update

from syndicator.model.outbox import Kind
from syndicator.store import subscriptions as subscribers
from syndicator.store.schema import feeds, files, hubs, owed, posts, problems, subscriptions, to_us

#: How long what was given up, and nobody can owe again, stays in sight.
IN_SIGHT = timedelta(days=7)


def forget(connection: Connection, told: Collection[str], now: datetime) -> None:
    """Forget what nothing depends on any more. `told`: the hubs that are told of changes."""
    subscribers.sweep(connection, now)
    connection.execute(delete(hubs).where(hubs.c.url.not_in(told)))
    connection.execute(
        delete(owed).where(owed.c.kind == Kind.PING, owed.c.target.not_in(told), owed.c.state != "claimed")
    )
    subscribed = exists().where(subscriptions.c.topic == owed.c.topic, subscriptions.c.callback == owed.c.target)
    made = exists().where(files.c.url == owed.c.topic, ~files.c.gone)
    over = or_(
        owed.c.kind.in_([Kind.VERIFY, Kind.DENY]),
        and_(owed.c.kind == Kind.PING, ~made),
        and_(owed.c.kind == Kind.DELIVER, ~subscribed),
    )
    connection.execute(delete(owed).where(owed.c.state == "gave up", over, owed.c.due <= to_us(now - IN_SIGHT)))
    connection.execute(
        delete(problems).where(
            problems.c.stage.in_(["read", "id", "render"]), problems.c.subject.not_in(select(posts.c.path))
        )
    )
    standing = select(feeds.c.name).where(feeds.c.made_of.is_not(None))
    connection.execute(delete(problems).where(problems.c.stage == "feed", problems.c.subject.not_in(standing)))


_CLAIMED = owed.c.state == "claimed"
_SET_RIGHT = (
    update(owed)
    .where(
        or_(
            and_(owed.c.state == "waiting", or_(owed.c.due > bindparam("last"), owed.c.not_before > bindparam("last"))),
            and_(_CLAIMED, owed.c.expires > bindparam("last")),
        )
    )
    .values(
        due=bindparam("now"),
        not_before=0,
        expires=case((_CLAIMED, bindparam("now", type_=BigInteger)), else_=owed.c.expires),
    )
)


def set_right(connection: Connection, now: datetime, longest: timedelta) -> int:
    """Make due what a clock that ran ahead put off for longer than any wait may be; how many debts.

    Claims that it made last too long end too.
    """
    return connection.execute(_SET_RIGHT, {"now": to_us(now), "last": to_us(now + longest)}).rowcount


def turn_back(connection: Connection, now: datetime, by: timedelta) -> None:
    """Have what waits wait no longer because the clock was set back by so much."""
    then, less = to_us(now), by // timedelta(microseconds=1)
    asked = case((owed.c.not_before > then, owed.c.not_before - less), else_=0)
    later = and_(owed.c.state == "waiting", owed.c.due > then)
    connection.execute(update(owed).where(later).values(due=owed.c.due - less, not_before=asked))
