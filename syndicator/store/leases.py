"""Leases on a PostgreSQL state: a right that ends by the database's clock unless it is renewed.

A lease is a row with a holder, an end and an epoch, which grows with each new holder. It does not
stop its former holder, who may have been suspended and go on later. The database can: `Lease.fence`
refuses a transaction whose epoch is over. See docs/architecture.md (Several processes), and
https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, text

from syndicator.errors import LockedError, LostLeaseError, StateError
from syndicator.store.database import Database

#: Seconds that a lease lasts. It is renewed after each third of that.
LEASE = 9.0
RENEWAL = LEASE / 3

#: The channel on which processes tell each other that something changed.
#: https://www.postgresql.org/docs/current/sql-notify.html
CHANNEL = "syndicator"

#: Seconds between attempts at a lease that another process holds.
_INTERVAL = 0.1

#: The time by the database's clock. Not `now()`, which is when the transaction began.
#: https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT
NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
IN_A_LEASE = f"{NOW} + {int(LEASE * 1_000_000)}"

#: Whether a row's lease is valid. One that would last longer than any lease is from before the
#: database's clock was set back, or before another machine became the database, and is over.
IS_VALID = f"(expires > {NOW} AND expires < {NOW} + {int(2 * LEASE * 1_000_000)})"

_HOLDER = text(f"SELECT holder FROM leases WHERE name = :name AND {IS_VALID}")

_TAKE = text(
    "INSERT INTO leases (name, holder, epoch, expires, counter) "
    f"VALUES (:name, :holder, 1, {IN_A_LEASE}, 0) "
    "ON CONFLICT (name) DO UPDATE "
    "SET holder = excluded.holder, epoch = leases.epoch + 1, expires = excluded.expires "
    f"WHERE NOT {IS_VALID.replace('expires', 'leases.expires')} OR leases.holder = excluded.holder "
    "RETURNING epoch"
)

_OURS = "WHERE name = :name AND holder = :holder AND epoch = :epoch"
# One that was given up meanwhile, by another thread, is not taken back.
_RENEW = text(f"UPDATE leases SET expires = {IN_A_LEASE} {_OURS} AND expires > 0")
_GIVE_UP = text(
    f"WITH ours AS (UPDATE leases SET expires = 0 {_OURS} RETURNING 1) "
    f"SELECT pg_notify('{CHANNEL}', '') FROM ours"
)
_FENCE = text(
    f"WITH ours AS (UPDATE leases SET counter = counter + 1 {_OURS} RETURNING 1) "
    f"SELECT pg_notify('{CHANNEL}', '') FROM ours"
)


def clock() -> float:
    """Seconds by a clock that is never set, and goes on while this process or machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def process_name(kind: str = "") -> str:
    """A new name for this process, as `pid 17 on alpha, 6f1c03d2`. No other process ever has it.

    `kind`: what it begins with, such as "daemon".
    """
    return f"{kind} {this_process()}, {secrets.token_hex(4)}".lstrip()


def this_process() -> str:
    return f"pid {os.getpid()} on {socket.gethostname()}"


class Lease:
    """A lease that this process took. Several threads may use it."""

    def __init__(self, name: str, holder: str, epoch: int, asked: float) -> None:
        """`asked`: when the database was asked for it, by `clock`."""
        self.name = name
        self.holder = holder
        self.epoch = epoch
        self.lapses = 0  #: how often it was renewed after its end, which nobody had noticed
        self._asked = asked
        self._until = asked + LEASE
        self._lost = False

    @property
    def is_valid(self) -> bool:
        """Whether no other process can have it, by this machine's clock."""
        return not self._lost and clock() < self._until

    def check(self) -> None:
        """Raise LostLeaseError unless it is valid."""
        if not self.is_valid:
            raise self._lost_error()

    def fence(self, connection: Connection) -> None:
        """Raise LostLeaseError if another process has taken it; else none can until the commit.

        Called just before the commit: the lock on the row is short, and nobody waits for it.
        Processes that listen learn of the commit.
        """
        if connection.execute(_FENCE, self._parameters).first() is None:
            raise self._lost_error()

    def renew(self, connection: Connection) -> bool:
        """Renew it, if the transaction is committed and `renewed` called. False: it is lost."""
        self._asked = clock()
        if not connection.execute(_RENEW, self._parameters).rowcount:
            self._lost = True
        return not self._lost

    def renewed(self) -> None:
        """Called after the commit of a renewal: one that is cut off before has renewed nothing."""
        self.lapses += clock() >= self._until
        self._until = self._asked + LEASE

    def give_up(self, connection: Connection) -> None:
        """Let another process take it at once."""
        self._lost = True
        connection.execute(_GIVE_UP, self._parameters)

    @property
    def _parameters(self) -> dict[str, object]:
        return {"name": self.name, "holder": self.holder, "epoch": self.epoch}

    def _lost_error(self) -> LostLeaseError:
        self._lost = True
        hint = "no action is needed: the process that has it now does the work"
        message = f"this process was away for too long, and lost its turn ({self.name})"
        return LostLeaseError(message, hint=hint)


def take(connection: Connection, name: str, holder: str) -> Lease | None:
    """Take a lease that nobody has, or that this holder has. None: another process has it."""
    asked = clock()
    # Reading waits for nobody, and writes nothing.
    if find_holder(connection, name) not in (None, holder):
        return None
    epoch = connection.scalar(_TAKE, {"name": name, "holder": holder})
    return None if epoch is None else Lease(name, holder, epoch, asked)


def find_holder(connection: Connection, name: str) -> str | None:
    """The process that holds a lease; None: nobody does."""
    holder: str | None = connection.scalar(_HOLDER, {"name": name})
    return holder


@contextmanager
def held(
    database: Database, name: str, holder: str, waiting: Callable[[], None] | None
) -> Iterator[Lease]:
    """Hold a lease until the block ends. This thread's transactions are refused if it is lost.

    `waiting`: see `locks.acquire`.
    """
    while (lease := _try_take(database, name, holder)) is None:
        if waiting is None:
            with database.read() as connection:
                other = find_holder(connection, name)
            raise locked_error(database, other or "")
        waiting()
        time.sleep(_INTERVAL)
    over = threading.Event()
    renewing = threading.Thread(
        target=_keep, args=(database, lease, over), name=f"{name} lease", daemon=True
    )
    renewing.start()
    try:
        with database.fenced(lease.fence):
            yield lease
    finally:
        over.set()
        with suppress(StateError), database.begin(durable=False) as connection:
            lease.give_up(connection)


def locked_error(database: Database, holder: str) -> LockedError:
    return LockedError(
        f"another syndicator works on {database.name}: {holder or 'unknown'}",
        hint="stop that one first, or name a separate state in [state] url",
    )


def _try_take(database: Database, name: str, holder: str) -> Lease | None:
    # PostgreSQL's crash may undo it. It ends all transactions of the holder, too.
    with database.begin(durable=False) as connection:
        return take(connection, name, holder)


def _keep(database: Database, lease: Lease, over: threading.Event) -> None:
    """Renew a lease until it is over, or lost. An error is left to the next attempt."""
    while not over.wait(RENEWAL):
        with suppress(StateError):
            with database.begin(durable=False) as connection:
                if not lease.renew(connection):
                    return
            lease.renewed()
