"""When a hub was last pinged about a topic is kept alike on each database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from syndicator.model.outbox import (
    Denial,
    Done,
    GaveUp,
    Job,
    JobKind,
    JobOutcome,
    Ping,
    Released,
    Retry,
)
from syndicator.push.record import record
from syndicator.store import claims, feeds, outbox, pings, retention
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.due_jobs import PROMOTED
from syndicator.store.feeds import FileRow
from syndicator.store.outbox import JobRow
from syndicator.store.push_schema import jobs as table
from syndicator.websub.tasks import TaskOutcome

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=9)
HUB, OTHER = "https://hub.example/", "https://other.example/"


def attempted(database: Database, *pairs: tuple[str, str]) -> dict[tuple[str, str], datetime]:
    with database.read() as connection:
        return dict(pings.attempted(connection, pairs))


def test_the_last_attempt_of_each_pair_is_kept(database: Database) -> None:
    with database.begin() as connection:
        pings.record(connection, [("t", HUB), ("u", OTHER), ("t", HUB)], NOW)
        pings.record(connection, [("t", HUB)], LATER)
        pings.record(connection, [], LATER)
    wanted = [("t", HUB), ("t", OTHER), ("u", OTHER), ("u", HUB)]
    assert attempted(database, *wanted) == {("t", HUB): LATER, ("u", OTHER): NOW}
    assert attempted(database) == {}


def test_attempts_count_whether_they_succeed_or_not(database: Database) -> None:
    """But not if nothing was sent."""
    outcomes: dict[str, JobOutcome] = {
        "done": Done(),
        "retry": Retry(at=LATER, error="it answered 500"),
        "given up": GaveUp(error="it answered 404"),
        "released": Released(),
    }
    with database.begin() as connection:
        outbox.enqueue_pings(connection, [(topic, [HUB]) for topic in outcomes], NOW)
        limits = ClaimLimits(jobs=9, per_host=9)
        lease = timedelta(minutes=2)
        jobs: tuple[Job, ...] = claims.claim(
            connection, NOW, claimer="me", lease=lease, limits=limits
        )
        assert {job.detail for job in jobs} == {Ping()}
        results = [TaskOutcome(job=job, outcome=outcomes[job.topic]) for job in jobs]
        record(connection, results, NOW, claimer="me")
    assert attempted(database, *((topic, HUB) for topic in outcomes)) == {
        (topic, HUB): NOW for topic in ("done", "retry", "given up")
    }


def test_times_of_removed_hubs_and_topics_are_deleted(database: Database) -> None:
    """Those of a configured hub and a published feed stay."""
    row = FileRow(
        path="all.rss",
        feed="all",
        url="t",
        media_type="application/rss+xml",
        digest="d",
        hubs=(HUB,),
        updated=NOW,
        disk={},
        gone=False,
    )
    with database.begin() as connection:
        feeds.put_files(connection, [row])
        pings.record(connection, [("t", HUB), ("t", OTHER), ("ended", HUB)], NOW)
        retention.delete_expired(connection, [HUB], NOW)
    wanted = [("t", HUB), ("t", OTHER), ("ended", HUB)]
    assert attempted(database, *wanted) == {("t", HUB): NOW}


def test_pings_are_claimed_before_all_else_that_is_due(database: Database) -> None:
    """A topic that ended has a denial for each of its subscribers. A retry goes first, too."""
    hosts = [f"https://h{number}.example/" for number in range(30)]
    limits, lease = ClaimLimits(jobs=5, per_host=5), timedelta(minutes=2)

    def claim(now: datetime) -> list[Job]:
        jobs = claims.claim(connection, now, claimer="me", lease=lease, limits=limits)
        return [job for job in jobs if job.kind is JobKind.PING]

    with database.begin(push=True) as connection:
        denials = [JobRow(detail=Denial(), target=host, topic="ended") for host in hosts]
        outbox.enqueue(connection, denials, NOW)
        outbox.enqueue_pings(connection, [("t", [HUB])], LATER)
        (ping,) = claim(LATER)
        again = LATER + timedelta(seconds=1)
        claims.record(
            connection, [(ping, Retry(at=again, error="it answered 500"))], LATER, claimer="me"
        )
        (retried,) = claim(again)
    assert retried.attempts == 1


def test_a_ping_that_was_put_off_does_not_wait_for_others_that_became_due(
    database: Database,
) -> None:
    """A claim finds all pings that became due since they were queued, and some other jobs."""
    denials = [
        JobRow(detail=Denial(), target=f"https://h.example/{number}", topic="ended")
        for number in range(PROMOTED)
    ]
    with database.begin(push=True) as connection:
        outbox.enqueue(connection, denials, NOW)
        outbox.enqueue_pings(connection, [("t", [HUB])], LATER)
        connection.execute(update(table).values(ready=0))
        claimed = claims.claim(
            connection,
            LATER,
            claimer="me",
            lease=timedelta(minutes=2),
            limits=ClaimLimits(jobs=5, per_host=5),
        )
    assert JobKind.PING in {job.kind for job in claimed}
