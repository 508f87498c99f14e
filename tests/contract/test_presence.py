"""Daemons on PostgreSQL: what each learns of the others, and which of them builds."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from command import AT_ONCE, until
from sqlalchemy import text

from syndicator.daemon.faults import Faults
from syndicator.daemon.presence import Presence
from syndicator.errors import StateError
from syndicator.store import kv, locks, processes
from syndicator.store.database import Database
from syndicator.store.leases import LEASE, clock


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    with closing(Database(postgresql)) as database:
        yield database


def end(presence: Presence) -> None:
    """As if the process was killed."""
    presence._stopping.set()
    presence._is_due.set()
    presence._renewing.join(AT_ONCE)


class Recording:
    """A follower that serves what it is asked to, after `held` is set."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.calls: list[str] = []

    def follow(self) -> bool:
        self.calls.append("follow")
        return self.held.is_set()

    def on_jobs(self) -> None:
        self.calls.append("queued")

    def on_role(self) -> None:
        self.calls.append("role")

    def on_request(self) -> None:
        self.calls.append("request")


def test_processes_learn_of_each_other(database: Database, postgresql: str) -> None:
    """Of a request to the builder, of a role, of what was published; pings wait for the latter."""
    builder, standby = Presence(postgresql), Presence(postgresql)
    followers = Recording(), Recording()
    for presence, follower in zip((builder, standby), followers, strict=True):
        presence.enter()
        presence.start(follower, Faults())
    until(lambda: all("role" in follower.calls for follower in followers))
    standby.request_run()
    until(lambda: "request" in followers[0].calls, seconds=AT_ONCE)
    with locks.acquire(database, "run", process=builder.name), database.begin():
        pass
    until(lambda: "follow" in followers[1].calls, seconds=AT_ONCE)
    waiting = threading.Thread(target=builder.wait_until_shown)
    waiting.start()
    assert waiting.is_alive()
    followers[1].held.set()
    waiting.join(AT_ONCE)
    assert not waiting.is_alive()
    assert "request" not in followers[1].calls
    builder.leave()
    until(lambda: standby.is_builder, seconds=AT_ONCE)
    standby.leave()


def test_a_process_that_reads_for_long_takes_over(database: Database, postgresql: str) -> None:
    """Reading what was published, from a slow bucket, costs it no lease."""
    reading, over = threading.Event(), threading.Event()

    class Slow(Recording):
        def follow(self) -> bool:
            reading.set()
            return over.wait(AT_ONCE * 2)

    builder, standby = Presence(postgresql), Presence(postgresql)
    builder.enter()
    standby.enter()
    standby.start(Slow(), Faults())
    with locks.acquire(database, "run", process=builder.name), database.begin():
        pass
    assert reading.wait(AT_ONCE)
    builder.leave()
    until(lambda: standby.is_builder, seconds=AT_ONCE)
    over.set()
    standby.leave()


def test_the_clock_of_the_database_is_set_back(database: Database, postgresql: str) -> None:
    """As by another machine that becomes the database: no lease lasts for hours then."""
    dead, alive = Presence(postgresql), Presence(postgresql)
    dead.enter()
    end(dead)
    alive.enter()
    assert not alive.is_builder
    with database.begin() as connection:
        for table in ("leases", "processes"):
            connection.execute(text(f"UPDATE {table} SET expires = expires + 3600000000"))
        assert processes.living(connection) == ()
    alive.start(Recording(), Faults())
    until(lambda: alive.is_builder, seconds=AT_ONCE)
    with database.read() as connection:
        assert len(processes.living(connection)) == 1
    alive.leave()


def test_a_process_that_others_take_for_dead(database: Database, postgresql: str) -> None:
    """It learns of it, and sends nothing that it claimed before. Its own clock shows nothing."""
    presence = Presence(postgresql)
    presence.enter()
    life = presence.life
    with database.begin() as connection:
        connection.execute(text("UPDATE processes SET expires = expires + 3600000000"))
        processes.delete_dead(connection)
    until(lambda: presence.life not in (None, life), seconds=AT_ONCE)
    presence.leave()


def test_a_dead_process_holds_no_lock(database: Database, postgresql: str) -> None:
    """Also where PostgreSQL still waits for it, in the midst of a pipeline."""
    dead, alive = Presence(postgresql), Presence(postgresql)
    dead.enter()
    end(dead)

    def suspend() -> None:
        database.process = dead.name
        with database.begin() as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            kv.put(connection, "a", "by the dead one")
            database.process = None
            with database.begin() as other:
                other.execute(text("UPDATE processes SET expires = 0"))
            alive.enter()
            alive.start(Recording(), Faults())
            with database.begin() as other:
                kv.put(other, "a", "by another")

    with pytest.raises(StateError, match="the connection ended: ") as raised:
        suspend()
    assert "another one takes over" in (raised.value.hint or "")
    with database.read() as connection:
        assert kv.get(connection, "a") == "by another"
    alive.leave()


def test_a_process_that_falls_asleep_with_the_lock_of_the_push(
    database: Database, postgresql: str
) -> None:
    """In the midst of a pipeline. Others wait for it while it may still live; then they end it."""
    asleep, alive = Presence(postgresql), Presence(postgresql)
    asleep.enter()
    alive.enter()
    alive.start(Recording(), Faults())

    def fall_asleep() -> None:
        database.process = asleep.name
        with database.begin(push=True) as connection:
            database.process = None
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            end(asleep)
            until(lambda: _waiting(database) == 1, what="a look at what dead processes left")
            began = clock()
            with database.begin(push=True) as other:
                kv.put(other, "a", "by another")
            assert clock() - began < 2 * LEASE

    with pytest.raises(StateError, match="the connection ended: "):
        fall_asleep()
    alive.leave()


def _waiting(database: Database) -> int:
    """The number of sessions that wait for an advisory lock."""
    with database.read() as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return int(connection.scalar(text(waiting)) or 0)


@pytest.mark.parametrize("cause", ["pg_terminate_backend", "idle_in_transaction_session_timeout"])
def test_a_transaction_that_the_database_ended(database: Database, cause: str) -> None:
    """The URL of the state is right. The hint says what happened, and what goes on by itself."""

    def is_open(pid: int) -> bool:
        with database.read() as connection:
            found = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
            return bool(connection.scalar(found, {"pid": pid}))

    def lose() -> None:
        with database.begin() as connection:
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            if cause == "pg_terminate_backend":
                with database.begin() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            else:
                connection.execute(text(f"SET LOCAL {cause} = 1"))
            until(lambda: not is_open(pid), seconds=AT_ONCE)
            kv.put(connection, "a", "b")

    with pytest.raises(StateError, match="the connection ended: ") as raised:
        lose()
    assert "a daemon repeats it by itself" in (raised.value.hint or "")
    with database.read() as connection:
        assert kv.get(connection, "a") is None
