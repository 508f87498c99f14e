"""Who is who, for ever: the id each path was first given, and when its text last changed."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select

from syndicator.model import Identity
from syndicator.store.rows import among, batches, upsert
from syndicator.store.schema import from_us, ledger, to_us


def get(connection: Connection, paths: Iterable[str]) -> dict[str, Identity]:
    found = {}
    for batch in batches(paths):
        for row in connection.execute(select(ledger).where(among(connection, ledger.c.path, batch))):
            found[row.path] = Identity(
                path=row.path,
                id=row.id,
                text_digest=row.text_digest,
                updated=None if row.updated is None else from_us(row.updated),
            )
    return found


def put(connection: Connection, identities: Sequence[Identity]) -> None:
    upsert(
        connection,
        ledger,
        [
            {
                "path": identity.path,
                "id": identity.id,
                "text_digest": identity.text_digest,
                "updated": None if identity.updated is None else to_us(identity.updated),
            }
            for identity in identities
        ],
    )


def remove(connection: Connection, paths: Iterable[str]) -> None:
    for batch in batches(paths):
        connection.execute(delete(ledger).where(among(connection, ledger.c.path, batch)))
