"""The entries of versions that subscribers were sent are kept alike on each database."""

from datetime import UTC, datetime, timedelta

from syndicator.model.outbox import Subscription
from syndicator.store import retention, subscriptions, versions
from syndicator.store.database import Database

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_the_newest_versions_of_each_topic_are_kept(database: Database) -> None:
    """A version that is sent again counts as new."""
    with database.begin() as connection:
        versions.record(connection, "other", "0", ["x"], NOW)
        for number in range(versions.KEPT + 1):
            at = NOW + timedelta(seconds=number)
            versions.record(connection, "t", str(number), ["a", str(number)], at)
            versions.record(connection, "t", "0", ["a", "0"], at)
        kept = [number for number in range(30) if versions.entries(connection, "t", str(number))]
        assert kept == [0, *range(2, versions.KEPT + 1)]
        assert versions.entries(connection, "t", "2") == {"a", "2"}
        assert versions.entries(connection, "other", "0") == {"x"}
        assert versions.entries(connection, "other", "1") is None


def test_those_of_topics_without_subscribers_are_deleted(database: Database) -> None:
    subscription = Subscription(
        topic="t", callback="https://a.example/", secret=None, since=NOW, expires=NOW
    )
    with database.begin() as connection:
        subscriptions.upsert(connection, subscription)
        for topic in ("t", "ended"):
            versions.record(connection, topic, "1", ["a"], NOW)
        retention.delete_expired(connection, [], NOW - timedelta(seconds=1))
        assert versions.entries(connection, "t", "1") == {"a"}
        assert versions.entries(connection, "ended", "1") is None
