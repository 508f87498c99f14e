"""Who is who, for ever: the id each path was first given, and when its text last changed."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from syndicator.model.content import Identity
from syndicator.store.schema import from_us, identities, to_us
from syndicator.store.sql import among, batches, those, upsert

_GET = select(identities).where(among(identities.c.path))
_WENT = select(identities).where(
    among(identities.c.text_digest), identities.c.gone >= bindparam("since")
)
_DEPART = update(identities).where(among(identities.c.path)).values(gone=bindparam("now"))
_REMOVE = delete(identities).where(among(identities.c.path))


def get(connection: Connection, paths: Iterable[str]) -> dict[str, Identity]:
    found = {}
    for batch in batches(paths):
        for row in connection.execute(_GET, those(batch)):
            found[row.path] = _identity(row)
    return found


def find_removed(
    connection: Connection, text_digests: Collection[str], since: datetime
) -> list[Identity]:
    """Who went `since` then and had one of these texts."""
    if not text_digests:
        return []
    went = connection.execute(_WENT, {"since": to_us(since), **those(text_digests)})
    return [_identity(row) for row in went]


def put(connection: Connection, new: Sequence[Identity]) -> None:
    upsert(
        connection,
        identities,
        [
            {
                "path": identity.path,
                "id": identity.id,
                "text_digest": identity.text_digest,
                "updated": to_us(identity.updated),
                "gone": to_us(identity.gone),
            }
            for identity in new
        ],
    )


def mark_removed(connection: Connection, paths: Collection[str], now: datetime) -> None:
    """Note that these paths are gone. Who they were is kept, for ever."""
    connection.execute(_DEPART, {"now": to_us(now), **those(paths)})


def remove(connection: Connection, paths: Iterable[str]) -> None:
    for batch in batches(paths):
        connection.execute(_REMOVE, those(batch))


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        path=row.path,
        id=row.id,
        text_digest=row.text_digest,
        updated=from_us(row.updated),
        gone=from_us(row.gone),
    )
