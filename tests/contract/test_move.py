"""A state moves to another database with all that it has, and nothing is sent anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support import FEEDS, Site

from syndicator.errors import LockedError, StateError
from syndicator.model.outbox import Subscription
from syndicator.store import claims, kv, locks, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.move import move
from syndicator.store.process_schema import leases, processes
from syndicator.store.schema import metadata


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def rows(url: str) -> dict[str, list[Any]]:
    """The rows of each table that a move copies."""
    with opened(url) as database, database.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table not in (leases, processes)
        }


@pytest.fixture
def site(tmp_path: Path, url: str) -> Site:
    """A site with a renamed post, subscribers and queued jobs on each database."""
    site = Site(tmp_path / "x")
    site.state_url = url
    site.configure(f'{FEEDS}[push]\nhubs = ["{site.hub}"]\n')
    site.post("2026-01-01-one", categories=["Nyheter åäö"], title="One")
    site.post("2026-01-02-two", categories=["News"])
    site.build()
    (site.root / "_posts/2026-01-01-one.md").rename(site.root / "_posts/2026-01-01-uno.md")
    site.clock.forward(minutes=1)
    for secret in (None, b"\x00\xff"):
        subscription = Subscription(
            topic="http://127.0.0.1:8080/all.rss",
            callback=f"https://reader.example/{secret!r}",
            secret=secret,
            expires=site.clock() + timedelta(days=9),
            since=site.clock(),
        )
        with opened(url) as database, database.begin() as connection:
            subscriptions.upsert(connection, subscription)
    site.build()
    return site


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> str:
    """An empty database of the other kind."""
    if url.startswith("sqlite"):
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path / 'moved/state.db'}"


def test_a_move_keeps_everything(site: Site, url: str, elsewhere: str) -> None:
    """Each row of each table. A run on the new state finds nothing to do, and jobs go on."""
    before, feeds = rows(url), site.tree()
    seen: list[tuple[int, int]] = []
    with opened(url) as source:
        counts = move(
            source, elsewhere, site.clock(), lambda done, total: seen.append((done, total))
        )
    assert rows(elsewhere) == rows(url) == before
    assert counts == {name: len(found) for name, found in before.items()}
    assert (counts["subscriptions"], counts["identities"]) == (2, 2)
    assert (counts["jobs"], counts["shards"]) == (9, 1)
    assert seen[-1] == (sum(counts.values()), sum(counts.values()))
    site.state_url = elsewhere
    site.configure(f'{FEEDS}[push]\nhubs = ["{site.hub}"]\n')
    site.clock.forward(minutes=1)
    report = site.build()
    assert not report.has_changes
    assert site.tree() == feeds
    assert rows(elsewhere)["jobs"] == before["jobs"]
    site.post("2026-01-03-three", categories=["Fresh"])
    site.build()
    assert {row[0] for row in before["jobs"]} < {row[0] for row in rows(elsewhere)["jobs"]}


def test_what_a_move_refuses(site: Site, url: str, elsewhere: str) -> None:
    """A source or target at work, and a target with a state, itself too. Nothing is copied."""
    now = site.clock()
    with opened(url) as source:
        for name in ("daemon", "run"):
            with (
                opened(url) as other,
                locks.acquire(other, name),
                pytest.raises(LockedError),
            ):
                move(source, elsewhere, now)
        for name in ("daemon", "run"):
            with (
                opened(elsewhere) as target,
                locks.acquire(target, name),
                pytest.raises(LockedError),
            ):
                move(source, elsewhere, now)
        with pytest.raises(StateError, match="is not empty"):
            move(source, url, now)
        with opened(elsewhere) as target, target.begin() as connection:
            kv.put(connection, "a", "b")
        with pytest.raises(StateError, match="is not empty"):
            move(source, elsewhere, now)
        assert {name for name, found in rows(elsewhere).items() if found} == {"kv"}


def test_a_move_waits_for_a_sender(site: Site, url: str, elsewhere: str) -> None:
    """A push of another process may be sending jobs, until its claims end."""
    now, lease = site.clock(), timedelta(minutes=1)
    limits = ClaimLimits(jobs=1, per_host=1)
    with opened(url) as source:
        with source.begin() as connection:
            assert claims.claim(connection, now, claimer="host 17", lease=lease, limits=limits)
        with pytest.raises(StateError, match="host 17 is sending"):
            move(source, elsewhere, now)
        assert move(source, elsewhere, now + lease)["jobs"] == len(rows(url)["jobs"])


def test_a_move_that_fails_copies_nothing(site: Site, url: str, elsewhere: str) -> None:
    """The target stays empty, and can be used once the cause is fixed."""

    def full(done: int, total: int) -> None:
        if done == total:
            raise StateError("the disk is full")

    with opened(url) as source:
        with pytest.raises(StateError, match="full"):
            move(source, elsewhere, site.clock(), full)
        assert not any(rows(elsewhere).values())
        move(source, elsewhere, site.clock())
    assert rows(elsewhere) == rows(url)
