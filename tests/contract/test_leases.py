"""Leases on PostgreSQL: who has one, and what is refused to a process that lost it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support import FEEDS, Site
from values import NOW

from syndicator import config
from syndicator.daemon.presence import Presence
from syndicator.daemon.start import Opened, require_output
from syndicator.errors import LockedError, LostLeaseError, OutputError, StateError
from syndicator.listener import Listener
from syndicator.model.outbox import Delivery, Done, Ping, Subscription
from syndicator.outputs.folder import OutputFolder
from syndicator.push.record import record
from syndicator.store import claims, kv, leases, locks, outbox, processes, schema, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.store.leases import LEASE, Lease, clock
from syndicator.store.outbox import JobRow
from syndicator.store.processes import Role
from syndicator.websub.tasks import Delivered, TaskOutcome


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    with closing(Database(postgresql)) as database:
        yield database


def end_leases(database: Database) -> None:
    """As if all processes had been suspended for the length of a lease."""
    with database.begin() as connection:
        for table in ("leases", "processes"):
            connection.execute(text(f"UPDATE {table} SET expires = expires - {LEASE * 1e6:.0f}"))


def test_a_commit_from_before_a_takeover_is_refused(database: Database, postgresql: str) -> None:
    """Also if the former holder has not noticed. Other transactions of that process go on."""
    with closing(Database(postgresql)) as other, locks.acquire(database, "run", process="one"):
        with database.begin() as connection:
            kv.put(connection, "a", "by one")
        end_leases(database)
        with database.begin() as connection:  # nobody has taken it
            kv.put(connection, "a", "by one again")
        end_leases(database)
        with locks.acquire(other, "run", process="two"):
            with pytest.raises(LostLeaseError), database.begin() as connection:
                kv.put(connection, "a", "older")
            with other.begin() as connection:
                kv.put(connection, "a", "by two")
        with database.read() as connection:
            assert kv.get(connection, "a") == "by two"
    with database.begin() as connection:
        kv.put(connection, "b", "after the run")


def test_a_lease_is_as_long_as_the_database_says(database: Database) -> None:
    """A renewal that was not committed is none, and none comes after the lease was given up."""
    with database.begin() as connection:
        lease = leases.take(connection, "run", "one")
    assert lease
    lease._until = clock()
    with suppress(LostLeaseError), database.begin() as connection:
        assert lease.renew(connection)
        raise LostLeaseError("as if the network was cut")
    assert not lease.is_valid
    with database.begin() as connection:
        assert lease.renew(connection)
    lease.renewed()
    assert (lease.is_valid, lease.lapses) == (True, 1)
    with database.begin() as connection:
        lease.give_up(connection)
    with database.begin() as connection:  # of the thread that renews, at the same time
        assert not lease.renew(connection)
        assert leases.take(connection, "run", "two")


def test_a_file_of_a_suspended_run_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    """Nothing is left beside it, and nothing is removed."""
    lease = Lease("run", "one", epoch=1, asked=clock() - LEASE)
    (tmp_path / "all.atom").write_text("newer")
    files = OutputFolder(tmp_path, [], check_lease=lease.check).files
    with pytest.raises(LostLeaseError):
        files.write("all.atom", b"older", NOW)
    with pytest.raises(LostLeaseError):
        files.remove("all.atom")
    assert [path.name for path in tmp_path.iterdir()] == ["all.atom"]
    assert (tmp_path / "all.atom").read_text() == "newer"


def test_what_a_lost_run_left_is_repaired(tmp_path: Path, postgresql: str) -> None:
    """A file that it wrote just before it was suspended is not what the state has."""
    site = Site(tmp_path / "x")
    site.state_url = postgresql
    site.configure(FEEDS)
    site.post("2026-01-01-one", title="Version 1")

    class Suspended(Listener):
        """The files of a run are out, but not committed, when another process has a run."""

        older: Mapping[str, tuple[bytes, int]] | None = None

        def on_files(self, rows: Sequence[FileRow]) -> None:
            if rows and self.older is None:
                self.older = site.tree()
                end_leases(service.database)
                site.post("2026-01-01-one", title="Version 2")
                site.clock.forward(minutes=1)
                site.build()

    with site.service(listener := Suspended()) as service:
        with pytest.raises(LostLeaseError):
            service.build()
        assert site.titles("all") == ["Version 2"]
        assert listener.older
        for path, (data, _) in listener.older.items():  # as if it had gone on in that instant
            (site.feeds / path).write_bytes(data)
        service.build()
        assert site.titles("all") == ["Version 2"]


def test_only_dead_daemons_lose_their_claims(database: Database) -> None:
    """Whatever another machine's clock shows. A command's claims end with their lease."""
    names = ("daemon alive", "daemon dead", "command")
    limits = ClaimLimits(jobs=1, per_host=9)
    with database.begin() as connection:
        detail = Ping()
        outbox.enqueue(
            connection,
            [JobRow(detail=detail, target=f"https://{at}.example/", topic="t") for at in range(3)],
            NOW,
        )
        for name in names:
            if name != "command":
                processes.beat(connection, name, Role.STANDBY, 0, 0)
            lease = timedelta(minutes=2)
            assert claims.claim(connection, NOW, claimer=name, lease=lease, limits=limits)
        connection.execute(text("UPDATE processes SET expires = 0 WHERE name = 'daemon dead'"))
    with database.begin() as connection:
        processes.delete_dead(connection)
        claims.release_dead(connection)
        claimers = connection.scalars(text("SELECT claimer FROM jobs WHERE state = 'claimed'"))
        assert set(claimers) == {"daemon alive", "command"}
        later = NOW + timedelta(days=1)
        again = ClaimLimits(jobs=9, per_host=9)
        found = claims.claim(connection, later, claimer="b", lease=timedelta(1), limits=again)
        assert len(found) == 2


def test_no_daemon_starts_during_a_move(database: Database, postgresql: str) -> None:
    """It would send what is being copied."""
    with (
        locks.acquire(database, "daemon"),
        pytest.raises(LockedError, match="another syndicator works on"),
    ):
        Presence(postgresql).enter()
    with database.read() as connection:
        assert processes.living(connection) == ()


def test_a_process_with_another_folder_does_not_stand_by(tmp_path: Path, postgresql: str) -> None:
    """It could not serve what the builder writes. It builds if it is alone."""
    site = Site(tmp_path / "x")
    site.state_url = postgresql
    site.configure(FEEDS)
    site.post("2026-01-01-one")
    elsewhere = {"SYNDICATOR_OUTPUT__PATH": str(tmp_path / "elsewhere")}
    opened = Opened(config.load(site.config_path, elsewhere))
    one, two = Presence(postgresql), Presence(postgresql)
    one.enter()
    two.enter()
    opened.service.member = two
    require_output(opened)  # nothing is published yet
    site.build()
    with pytest.raises(OutputError, match="does not have the feeds of this state"):
        require_output(opened)
    one.leave()
    two._beat()
    assert two.is_builder
    require_output(opened)
    two.leave()
    opened.service.close()


def test_how_a_cut_connection_ends(postgresql: str) -> None:
    """Within ten seconds, unless the URL says otherwise."""
    for query, expected in (("", "10000"), ("&tcp_user_timeout=500", "500")):
        with closing(Database(postgresql + query)) as database, database.read() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            parameters = driver.info.get_parameters()
        wanted = {"keepalives_idle": "4", "keepalives_interval": "2", "keepalives_count": "3"}
        assert {**wanted, "tcp_user_timeout": expected}.items() <= parameters.items()


def test_a_suspended_transaction_does_not_stop_others(database: Database) -> None:
    """PostgreSQL ends it: its locks are free when the lease ends. Also after many rows at once."""
    with database.begin() as connection:
        limit = connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert limit == f"{LEASE:.0f}s"
    assert leases.RENEWAL * 3 == LEASE
    rows = [{"name": f"{at}", "value": ""} for at in range(3)]

    def suspend() -> None:
        with database.begin() as suspended:
            suspended.execute(text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
            suspended.execute(schema.kv.insert(), rows)
            with database.begin() as other:
                other.execute(text("SET LOCAL lock_timeout = '20s'"))
                other.execute(schema.kv.insert(), rows)

    with pytest.raises(StateError):
        suspend()


def test_what_another_process_sends_meanwhile(database: Database) -> None:
    """A process that was away does not take its jobs back, and its own delivery is sent again.

    It may have arrived after the newer one.
    """
    job = JobRow(detail=Delivery(), target="https://a.example/", topic="t")
    limits, lease = ClaimLimits(jobs=9, per_host=9), timedelta(minutes=2)
    subscription = Subscription(
        topic="t", callback=job.target, secret=None, since=NOW, expires=NOW + timedelta(days=1)
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, subscription, "newer")
        outbox.enqueue(connection, [job], NOW)
        (claimed,) = claims.claim(connection, NOW, claimer="daemon a", lease=lease, limits=limits)
        claims.release_dead(connection)
        assert claims.claim(connection, NOW, claimer="daemon b", lease=lease, limits=limits)
        sent = TaskOutcome(job=claimed, outcome=Done(), change=Delivered(digest="older"))
        record(connection, [sent], NOW, claimer="daemon a")
        states = connection.execute(text("SELECT state, claimer FROM jobs ORDER BY state")).all()
        assert states == [("claimed", "daemon b"), ("waiting", None)]
        found = subscriptions.find(connection, [("t", job.target)], NOW)
        assert found["t", job.target][1] is None
