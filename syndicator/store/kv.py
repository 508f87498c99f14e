"""Facts about the store as a whole, by name."""

from sqlalchemy import Connection, bindparam, select

from syndicator.store.schema import facts
from syndicator.store.sql import upsert

_GET = select(facts.c.value).where(facts.c.name == bindparam("wanted"))


def get(connection: Connection, name: str) -> str | None:
    value: str | None = connection.scalar(_GET, {"wanted": name})
    return value


def put(connection: Connection, name: str, value: str) -> None:
    upsert(connection, facts, [{"name": name, "value": value}])
