"""Notifications of PostgreSQL: a process learns at once that another one changed the state.

They only shorten a wait. What changed is read from the state, and looked at without them too: a
notification is lost while the connection is, and does not pass a pooler in transaction mode.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError

from syndicator.store.database import Database
from syndicator.store.engines import shares_sessions
from syndicator.store.leases import CHANNEL


class Notifications:
    """Waits for notifications, on a connection of its own. One thread uses it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Any = None
        self._is_pooled = False  #: whether a pooler keeps notifications back

    def wait(self, seconds: float) -> bool:
        """Wait for a notification. False: none came, or none can come; it may return early then."""
        import psycopg

        if self._is_pooled:  # finding out takes three transactions
            return False
        try:
            if self._connection is None and not self._open():
                return False
            return bool(list(self._connection.notifies(timeout=seconds, stop_after=1)))
        except (psycopg.Error, DBAPIError):
            self.close()
            return False

    def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None

    def _open(self) -> bool:
        """Begin to listen. False: a pooler keeps notifications back."""
        self._is_pooled = shares_sessions(self._database.engine)
        if self._is_pooled:
            return False
        pooled = self._database.engine.raw_connection()
        self._connection = pooled.driver_connection
        pooled.detach()  # the pool would reset it, or give it to others
        self._connection.autocommit = True
        self._connection.execute(f"LISTEN {CHANNEL}")
        return True
