"""The state does not grow without limit, and recovers from a wrong clock; on each database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, update

from syndicator.model.content import Problem
from syndicator.model.outbox import (
    Delivery,
    Denial,
    GaveUp,
    Mode,
    Ping,
    Retry,
    Subscription,
    Verification,
)
from syndicator.store import claims, outbox, problems, retention, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.store.push_schema import hubs
from syndicator.store.push_schema import jobs as table
from syndicator.store.schema import identities
from syndicator.store.times import to_us

LIMITS = ClaimLimits(jobs=99, per_host=99)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "https://old.example/", "https://new.example/"
TOPIC = "https://example.com/all.atom"
READER = "https://reader.example/cb"


def give_up(database: Database, *jobs: JobRow) -> None:
    with database.begin() as connection:
        outbox.enqueue(connection, jobs, NOW)
        claimed = claims.claim(connection, NOW, claimer="me", lease=DAY, limits=LIMITS)
        claims.record(connection, [(job, GaveUp(error="no")) for job in claimed], NOW, claimer="me")


def left(database: Database) -> set[tuple[str, str]]:
    with database.read() as connection:
        return {
            (row.kind, row.target)
            for row in connection.execute(select(table.c.kind, table.c.target))
        }


def test_a_removed_hub_is_deleted(database: Database) -> None:
    """Its jobs and its results go; those of a configured hub stay."""
    give_up(database, *(JobRow(detail=Ping(), target=hub, topic=TOPIC) for hub in (OLD, NEW)))
    with database.begin() as connection:
        outbox.enqueue(
            connection,
            [JobRow(detail=Ping(), target=OLD, topic="https://example.com/all.rss")],
            NOW,
        )
        retention.delete_expired(connection, [NEW], NOW)
        assert connection.scalars(select(hubs.c.url)).all() == [NEW]
    assert left(database) == {("ping", NEW)}


def test_given_up_jobs_without_a_successor_go_after_a_week(database: Database) -> None:
    """Verifications, denials, and deliveries without a subscription; others stay."""
    subscription = Subscription(
        topic=TOPIC, callback=READER, secret=None, since=NOW, expires=NOW + 30 * DAY
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, subscription)
    stay = JobRow(detail=Delivery(), target=READER, topic=TOPIC)
    go = [
        JobRow(detail=detail, target=f"{READER}/2", topic=TOPIC)
        for detail in (Verification(mode=Mode.SUBSCRIBE, topic=TOPIC), Denial(), Delivery())
    ]
    give_up(database, stay, *go)
    with database.begin() as connection:
        retention.delete_expired(connection, [], NOW + 6 * DAY)
    assert len(left(database)) == 4
    with database.begin() as connection:
        retention.delete_expired(connection, [], NOW + 8 * DAY)
    assert left(database) == {("deliver", READER)}


def test_expired_subscriptions_and_problems_of_removed_posts_go(database: Database) -> None:
    """The ids of posts stay permanently."""
    with database.begin() as connection:
        subscriptions.upsert(
            connection,
            Subscription(topic=TOPIC, callback=READER, secret=None, since=NOW, expires=NOW + DAY),
        )
        removed = {"_posts/gone.md": [Problem(path="_posts/gone.md", message="bad")]}
        for stage in ("read", "render", "feed"):
            problems.replace(connection, stage, removed)
        problems.replace(connection, "site", {"": [Problem(path="_config.yml", message="odd")]})
        connection.execute(
            insert(identities).values(path="_posts/gone.md", id="x", text_digest="y")
        )
        retention.delete_expired(connection, [], NOW + 2 * DAY)
        assert subscriptions.total(connection, NOW) == 0
        assert [problem.path for problem in problems.all_problems(connection)] == ["_config.yml"]
        assert connection.scalar(select(func.count()).select_from(identities)) == 1


def test_a_clock_that_ran_ahead(database: Database) -> None:
    """A job that it put off for years is due now; one that waits for a day still waits."""
    late, right = (JobRow(detail=Ping(), target=hub, topic=TOPIC) for hub in (OLD, NEW))
    with database.begin() as connection:
        outbox.enqueue(connection, [late], NOW + 900 * DAY)
        outbox.enqueue(connection, [right], NOW + DAY)
        retention.repair_times(connection, NOW, 2 * DAY)
        claimed = claims.claim(connection, NOW, claimer="me", lease=DAY, limits=LIMITS)
        assert [job.target for job in claimed] == [OLD]


def test_a_clock_that_was_set_back(database: Database) -> None:
    """Queued jobs and Retry-After times move with it; due jobs stay due."""
    jobs = [JobRow(detail=Ping(), target=hub, topic=TOPIC) for hub in (OLD, NEW)]
    with database.begin() as connection:
        outbox.enqueue(connection, jobs, NOW)
        for job in claims.claim(connection, NOW, claimer="me", lease=DAY, limits=LIMITS):
            wait = NOW + 2 * DAY if job.target == NEW else None
            outcome = (job, Retry(at=NOW + 2 * DAY, not_before=wait, error="busy"))
            claims.record(connection, [outcome], NOW, claimer="me")
        outbox.enqueue(connection, [JobRow(detail=Ping(), target=OLD, topic="other")], NOW)
        retention.shift_back(connection, NOW, DAY)
        rows = connection.execute(
            select(table.c.due, table.c.not_before).order_by(table.c.due, table.c.not_before)
        )
        day, now = DAY // timedelta(microseconds=1), to_us(NOW)
        assert [tuple(row) for row in rows] == [(now, 0), (now + day, 0), (now + day, now + day)]


def test_a_claim_of_a_clock_that_ran_ahead(database: Database) -> None:
    """It expires, and the job is claimed again."""
    with database.begin() as connection:
        outbox.enqueue(connection, [JobRow(detail=Ping(), target=OLD, topic=TOPIC)], NOW)
        claims.claim(connection, NOW, claimer="dead", lease=DAY, limits=LIMITS)
        connection.execute(update(table).values(expires=table.c.expires * 2))
        retention.repair_times(connection, NOW, 2 * DAY)
        assert len(claims.claim(connection, NOW, claimer="me", lease=DAY, limits=LIMITS)) == 1
