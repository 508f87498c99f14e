"""Values about the state as a whole, by name."""

from sqlalchemy import Connection, bindparam, select

from syndicator.store.schema import kv
from syndicator.store.sql import upsert

_GET = select(kv.c.value).where(kv.c.name == bindparam("wanted"))
_LOCK = _GET.with_for_update()


def get(connection: Connection, name: str) -> str | None:
    value: str | None = connection.scalar(_GET, {"wanted": name})
    return value


def lock(connection: Connection, name: str) -> str | None:
    """Like `get`, and no other transaction replaces the value before this one ends."""
    value: str | None = connection.scalar(_LOCK, {"wanted": name})
    return value


def put(connection: Connection, name: str, value: str) -> None:
    upsert(connection, kv, [{"name": name, "value": value}])
