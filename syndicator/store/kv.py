"""Values about the state as a whole, by name."""

from sqlalchemy import Connection, bindparam, select

from syndicator.store.schema import kv
from syndicator.store.sql import upsert

_GET = select(kv.c.value).where(kv.c.name == bindparam("wanted"))


def get(connection: Connection, name: str) -> str | None:
    value: str | None = connection.scalar(_GET, {"wanted": name})
    return value


def put(connection: Connection, name: str, value: str) -> None:
    upsert(connection, kv, [{"name": name, "value": value}])
