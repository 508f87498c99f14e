"""Values about the state as a whole, by name."""

from sqlalchemy import Connection, bindparam, select

from syndicator.store.schema import kv
from syndicator.store.sql import insert, upsert

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


def put_once(connection: Connection, name: str, value: str) -> str:
    """Set a value that is never replaced. The first of several processes does; all return it."""
    connection.execute(
        insert(connection.dialect, kv).values(name=name, value=value).on_conflict_do_nothing()
    )
    set_by_first: str = connection.execute(_GET, {"wanted": name}).scalar_one()
    return set_by_first
