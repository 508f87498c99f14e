"""What an operator does about subscribers of our own hub, and about outside hubs."""

from datetime import datetime

from syndicator.build import publish
from syndicator.store import audiences, feeds, subscriptions
from syndicator.store.audiences import Subscriber
from syndicator.store.database import Database


def list_subscribers(database: Database, now: datetime) -> tuple[Subscriber, ...]:
    """The live subscriptions at our hub."""
    with database.read() as connection:
        return audiences.subscribers(connection, now)


def unsubscribe(database: Database, callback: str, now: datetime) -> int:
    """End the subscriptions of a callback, given by URL or by its label.

    Returns their number.
    """
    with database.begin(push=True) as connection:
        return subscriptions.remove(connection, callback, now)


def enqueue_all_pings(database: Database, own_hub: str | None, now: datetime) -> int:
    """Queue a ping to every outside hub for every feed. Returns their number.

    `own_hub`: the URL of our hub, which is not pinged; None: there is none.
    """
    with database.begin(push=True) as connection:
        rows = [row for row in feeds.all_files(connection) if not row.gone]
        return publish.enqueue_pings(connection, rows, own_hub, now)
