"""Moves a state to another database: from SQLite to PostgreSQL, back, or to another of its kind."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from syndicator.errors import StateError
from syndicator.model.outbox import JobState
from syndicator.store import file_modes, locks, process_schema
from syndicator.store.database import Database
from syndicator.store.leases import locked_error
from syndicator.store.process_schema import DAEMON
from syndicator.store.push_schema import jobs, shards
from syndicator.store.schema import metadata
from syndicator.store.sql import row_batches
from syndicator.store.state_errors import readable_errors
from syndicator.store.times import to_us

#: The tables that are copied. Processes and their leases belong to one database.
_TABLES = [
    table
    for table in metadata.sorted_tables
    if table not in (process_schema.leases, process_schema.processes)
]


def move(
    source: Database,
    url: str,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    folder_mode: int = file_modes.FOLDER,
) -> Mapping[str, int]:
    """Copy every row of a state to an empty one, in one transaction. Returns the rows by table.

    The source stays as it is. The target at `url` is created if it is missing, see Database.
    `progress` gets the number of rows copied so far, and of all.

    Raises LockedError: a daemon or a run is at work on one of them. Raises StateError: the target
    isn't empty or can't be opened, or another process sends jobs of the source.
    """
    with (
        locks.acquire(source, "daemon"),
        locks.acquire(source, "run"),
        source.read(repeatable=True) as old,
    ):
        # Of those that share a PostgreSQL state. One that starts later is refused: the builder's
        # lease is held here.
        if not source.sqlite and (daemon := locks.find_daemon(source)):
            raise locked_error(source, daemon)
        _refuse_senders(source.name, old, now)
        with closing(Database(url, folder_mode=folder_mode)) as target:
            with target.read() as connection:
                _refuse_rows(target.name, connection)
            with (
                locks.acquire(target, "daemon"),
                locks.acquire(target, "run"),
                target.begin() as new,
            ):
                _refuse_rows(target.name, new)  # of a build that was faster
                return _copy(source.name, old, new, progress)


def _copy(
    name: str, old: Connection, new: Connection, progress: Callable[[int, int], None]
) -> Mapping[str, int]:
    """Copy all rows. `name`: of the state that is copied."""
    counts = _count(name, old)
    done = 0
    for table in _TABLES:
        for rows in _read(name, old, table):
            new.execute(insert(table), rows)
            done += len(rows)
            progress(done, counts.total())
    _set_sequence(new)
    return counts


def _refuse_senders(name: str, connection: Connection, now: datetime) -> None:
    """Refuse while `syndicator push` sends jobs: the copy would send them again.

    The claims of a daemon don't count: it is dead, since its lock is held here.
    """
    claimed = select(jobs.c.claimer).where(
        jobs.c.state == JobState.CLAIMED,
        jobs.c.expires > to_us(now),
        ~jobs.c.claimer.startswith(DAEMON),
    )
    held = select(shards.c.holder).where(
        shards.c.expires > to_us(now), ~shards.c.holder.startswith(DAEMON)
    )
    if sender := connection.scalar(claimed.limit(1)) or connection.scalar(held.limit(1)):
        hint = "wait until it has ended; if it was killed, its jobs are free within minutes"
        raise StateError(f"{sender} is sending notifications of {name}", hint=hint)


def _refuse_rows(name: str, connection: Connection) -> None:
    for table in _TABLES:
        if connection.execute(select(table).limit(1)).first():
            hint = "name a file that does not exist, or a database without tables"
            raise StateError(f"{name} is not empty: it has a state already", hint=hint)


def _count(name: str, connection: Connection) -> Counter[str]:
    """The number of rows of each table."""
    with readable_errors(name):
        return Counter(
            {
                table.name: connection.scalar(select(func.count()).select_from(table)) or 0
                for table in _TABLES
            }
        )


def _read(name: str, connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    with readable_errors(name):  # the error of a target is another's
        yield from row_batches(connection, table)


def _set_sequence(connection: Connection) -> None:
    """Have PostgreSQL number new jobs after the copied ones: it did not number these."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                "SELECT setval(pg_get_serial_sequence('jobs', 'id'), max(id)) "
                "FROM jobs HAVING max(id) IS NOT NULL"
            )
        )
