"""Which entries the versions of a topic had that subscribers were sent lately."""

import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, select

from syndicator.store.push_schema import subscriptions, versions
from syndicator.store.sql import upsert
from syndicator.store.times import to_us

#: Versions of a topic. A subscriber that has an older one is sent the whole topic.
KEPT = 20

_OF_VERSION = select(versions.c.entries).where(
    versions.c.topic == bindparam("of"), versions.c.digest == bindparam("version")
)
_NEWEST = (
    select(versions.c.digest)
    .where(versions.c.topic == bindparam("of"))
    .order_by(versions.c.sent.desc(), versions.c.digest)
    .limit(KEPT)
)
_DELETE_OLD = delete(versions).where(
    versions.c.topic == bindparam("of"), versions.c.digest.not_in(_NEWEST)
)


def entries(connection: Connection, topic: str, digest: str) -> frozenset[str] | None:
    """The digests of the entries of a version; None: it is not known."""
    found = connection.scalar(_OF_VERSION, {"of": topic, "version": digest})
    return None if found is None else frozenset(json.loads(found))


def record(
    connection: Connection, topic: str, digest: str, entries: Collection[str], now: datetime
) -> None:
    """Record the entries of a version that is sent now, and delete the oldest versions."""
    row = {"topic": topic, "digest": digest, "entries": json.dumps(list(entries))}
    upsert(connection, versions, [{**row, "sent": to_us(now)}])
    connection.execute(_DELETE_OLD, {"of": topic})


def delete_unwanted(connection: Connection) -> None:
    """Delete the versions of topics that have no subscribers."""
    subscribed = exists().where(subscriptions.c.topic == versions.c.topic)
    connection.execute(delete(versions).where(~subscribed))
