"""The daemons that share a PostgreSQL state: who lives, what each does, what each serves.

Every function works inside its caller's transaction; all but `from_lock` on PostgreSQL only.
"""

import os
import socket
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from sqlalchemy import Connection, text

from syndicator.store.leases import (
    CHANNEL,
    IN_A_LEASE,
    IS_VALID,
    NOW,
    Lease,
    clock,
    process_name,
)
from syndicator.store.times import from_us

#: Seconds between two looks at `Member.life` after which a process was suspended. A pass looks
#: several times a second, and its claims last for longer.
SUSPENDED = 60.0


class Role(StrEnum):
    """What a daemon does besides serving and delivering."""

    BUILDER = "builder"  #: it polls and builds
    STANDBY = "standby"  #: it builds when the builder's lease ends


class Member:
    """This process among those that work on one state. This one works alone."""

    def __init__(self, name: str | None = None) -> None:
        """`name`: under which it claims jobs. None: a new one, of a command."""
        self.name = name or process_name()
        self._lives = 0
        self._looked = clock()  # at `life`

    @property
    def is_builder(self) -> bool:
        """Whether it is the one that polls and builds."""
        return True

    @property
    def life(self) -> int | None:
        """How often others did its work so far, or may have, since they believed it to be dead.

        None: they may do so now. A command has no lease: the claims of one that was suspended may
        have ended.
        """
        now = clock()
        if now > self._looked + SUSPENDED:
            self._lives += 1
        self._looked = now
        return self._lives

    def wait_until_shown(self) -> None:
        """Wait until the other processes serve what is published now, as far as they live."""

    def request_run(self) -> None:
        """Ask the builder to look at everything soon."""


class Process(Struct, frozen=True, kw_only=True):
    """A daemon, as `status` shows it."""

    name: str  #: process and machine
    host: str
    pid: int | None  #: None: unknown
    role: Role
    since: datetime | None  #: when it got this role; None: unknown
    started: datetime | None  #: None: unknown


class Glance(Struct, frozen=True, kw_only=True):
    """What a process looks at once a second."""

    builder_is_alive: bool  #: whether some process has the builder's lease
    requests: int  #: to the builder, so far
    published: int  #: transactions of runs, so far
    runner: str  #: the process that had the last run, and may have one now; "": none had one yet
    any_dead: bool  #: whether `delete_dead` would delete a process


_GLANCE = text(
    f"SELECT name, holder, {IS_VALID} AS valid, counter, "
    f"EXISTS (SELECT 1 FROM processes WHERE NOT {IS_VALID}) AS any_dead FROM leases"
)

_BEAT = text(
    "INSERT INTO processes (name, host, pid, role, since, started, expires, shown) "
    f"VALUES (:name, :host, :pid, :role, {NOW}, :started, {IN_A_LEASE}, :shown) "
    "ON CONFLICT (name) DO UPDATE "
    "SET expires = excluded.expires, role = excluded.role, shown = excluded.shown, "
    "since = CASE WHEN processes.role = excluded.role THEN processes.since ELSE excluded.since END "
    # A row that no transaction replaced: it was inserted.
    "RETURNING xmax = 0"
)
_NOW = text(f"SELECT {NOW}")
# Rows that another process locks are its own, or it deletes them.
_DELETE_DEAD = text(
    "DELETE FROM processes WHERE name IN "
    f"(SELECT name FROM processes WHERE NOT {IS_VALID} FOR UPDATE SKIP LOCKED)"
)
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(session.pid) FROM pg_stat_activity AS session "
    "JOIN processes ON session.application_name = 'syndicator ' || right(processes.name, 8) "
    f"WHERE NOT {IS_VALID} AND session.datname = current_database() "
    "AND session.usename = current_user"
)
_LEAVE = text("UPDATE processes SET expires = 0 WHERE name = :name")
_LIVING = text(f"SELECT * FROM processes WHERE {IS_VALID} ORDER BY role, since, name")
_BEHIND = text(
    f"SELECT name, shown FROM processes WHERE {IS_VALID} AND shown < :published AND name <> :runner"
)
_REQUEST = text(
    "WITH builder AS (UPDATE leases SET counter = counter + 1 WHERE name = 'daemon' RETURNING 1) "
    f"SELECT pg_notify('{CHANNEL}', '') FROM builder"
)


def now(connection: Connection) -> int:
    """Microseconds since 1970, by the database's clock."""
    microseconds: int = connection.execute(_NOW).scalar_one()
    return microseconds


def glance(connection: Connection) -> Glance:
    rows = {row.name: row for row in connection.execute(_GLANCE)}
    builder, run = rows.get("daemon"), rows.get("run")
    return Glance(
        builder_is_alive=bool(builder and builder.valid),
        requests=builder.counter if builder else 0,
        published=run.counter if run else 0,
        runner=run.holder if run else "",
        any_dead=any(row.any_dead for row in rows.values()),
    )


def beat(connection: Connection, name: str, role: Role, started: int, shown: int) -> bool:
    """Record for one lease that this process lives. `shown`: see `behind`.

    Returns whether it did not live so far: this is its first lease, or others took it for dead.
    """
    values = {"name": name, "role": role, "started": started, "shown": shown}
    own = {"host": socket.gethostname(), "pid": os.getpid()}
    return bool(connection.execute(_BEAT, values | own).scalar_one())


def end_sessions(connection: Connection) -> None:
    """End the transactions of processes whose lease has ended, which may hold locks.

    PostgreSQL does so for a transaction that is idle. It waits without a limit for the rest of a
    pipeline, if its client was suspended or its machine vanished meanwhile.
    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
    """
    connection.execute(_END_SESSIONS)


def delete_dead(connection: Connection) -> None:
    """Delete the processes whose lease has ended."""
    connection.execute(_DELETE_DEAD)


def leave(connection: Connection, name: str, builder: Lease | None) -> None:
    """Record that a process ends. `builder`: the lease that another one may take at once."""
    connection.execute(_LEAVE, {"name": name})
    if builder:
        builder.give_up(connection)


def living(connection: Connection) -> tuple[Process, ...]:
    """The daemons whose lease is valid, the builder first."""
    return tuple(
        Process(
            name=f"pid {row.pid} on {row.host}",
            host=row.host,
            pid=row.pid,
            role=Role(row.role),
            since=from_us(row.since),
            started=from_us(row.started),
        )
        for row in connection.execute(_LIVING)
    )


def from_lock(name: str, since: datetime | None) -> Process:
    """The daemon of an SQLite state. `name`: as its lock has it, `pid 17 on alpha`."""
    pid, _, host = name.removeprefix("pid ").partition(" on ")
    return Process(
        name=name,
        host=host,
        pid=int(pid) if pid.isdecimal() else None,
        role=Role.BUILDER,
        since=since,
        started=since,
    )


def behind(connection: Connection, published: int, runner: str) -> frozenset[tuple[str, int]]:
    """The living processes that don't serve yet what `published` transactions of runs published.

    Each with the number of those whose files it serves. `runner` is not among them: a run shows a
    file before it commits it.
    """
    rows = connection.execute(_BEHIND, {"published": published, "runner": runner})
    return frozenset((row.name, row.shown) for row in rows)


def request_run(connection: Connection) -> None:
    """Ask the builder to look at everything soon."""
    connection.execute(_REQUEST)
