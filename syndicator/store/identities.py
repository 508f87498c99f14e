"""The id that each path was first given, kept permanently, and when its text last changed."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from syndicator.model.content import Identity
from syndicator.store.schema import identities
from syndicator.store.sql import among, execute_among, rows_among, to_row, upsert
from syndicator.store.times import from_us, to_us

_ALL = select(*(identities.c[name] for name in Identity._fields))
_GET = _ALL.where(among(identities.c.path))
_FIND_REMOVED = _ALL.where(among(identities.c.text_digest), identities.c.gone >= bindparam("since"))
_MARK_REMOVED = update(identities).where(among(identities.c.path)).values(gone=bindparam("now"))
_MARK_SHOWN = update(identities).where(among(identities.c.path)).values(shown=True)
_REMOVE = delete(identities).where(among(identities.c.path))


def get(connection: Connection, paths: Iterable[str]) -> dict[str, Identity]:
    return {row.path: _identity(row) for row in rows_among(connection, _GET, paths)}


def ids(connection: Connection) -> set[str]:
    """The ids of all paths, also of removed posts."""
    return set(connection.scalars(select(identities.c.id)))


def find_removed(
    connection: Connection, text_digests: Collection[str], since: datetime
) -> list[Identity]:
    """The identities of removed posts that had one of these texts, and were removed since then."""
    rows = rows_among(connection, _FIND_REMOVED, text_digests, since=to_us(since))
    return [_identity(row) for row in rows]


def put(connection: Connection, new: Sequence[Identity]) -> None:
    upsert(connection, identities, [to_row(identity._asdict()) for identity in new])


def mark_removed(connection: Connection, paths: Collection[str], now: datetime) -> None:
    """Mark these paths as gone. Their ids are kept permanently."""
    execute_among(connection, _MARK_REMOVED, paths, now=to_us(now))


def mark_shown(connection: Connection, paths: Iterable[str]) -> None:
    """Mark the posts of these paths as shown by feeds."""
    execute_among(connection, _MARK_SHOWN, paths)


def remove(connection: Connection, paths: Iterable[str]) -> None:
    execute_among(connection, _REMOVE, paths)


def _identity(row: Iterable[Any]) -> Identity:
    path, id, text_digest, updated, gone, shown = row
    return Identity(path, id, text_digest, from_us(updated), from_us(gone), shown)
