"""Subscriptions, and what is owed to them; the same on each database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import text

from syndicator.errors import StateError
from syndicator.model.outbox import Job, JobKind, JobOutcome, Subscription
from syndicator.push.record import record
from syndicator.store import claims, deliveries, outbox, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.store.subscriptions import Audience
from syndicator.websub.tasks import TaskOutcome

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def a_subscription(
    topic: str = "t",
    callback: str = "https://a.example/cb?k=1",
    secret: bytes | None = None,
    expires: datetime = NOW + DAY,
    since: datetime = NOW,
) -> Subscription:
    return Subscription(topic=topic, callback=callback, secret=secret, expires=expires, since=since)


def keep(database: Database, *kept: Subscription) -> None:
    with database.begin() as connection:
        for subscription in kept:
            subscriptions.upsert(connection, subscription)


def find(database: Database, topic: str, callback: str, now: datetime = NOW) -> object:
    with database.read() as connection:
        return subscriptions.find(connection, [(topic, callback)], now).get((topic, callback))


def claim(database: Database, now: datetime = NOW) -> tuple[Job, ...]:
    with database.begin() as connection:
        lease = timedelta(minutes=2)
        return claims.claim(connection, now, claimer="me", limit=99, per_host=99, lease=lease)


def owe(database: Database, *topics: str, now: datetime = NOW) -> int:
    with database.begin() as connection:
        return deliveries.enqueue_deliveries(connection, topics, now)


def test_a_subscription_as_it_is_kept_and_found(database: Database) -> None:
    """With its secret, octet for octet, and nothing delivered yet; a lease that ended isn't found."""
    kept = a_subscription(secret=bytes(range(1, 199)))
    keep(database, kept, a_subscription("u"))
    assert find(database, "t", kept.callback) == (kept, None)
    assert find(database, "t", "https://a.example/other") is None
    assert find(database, "t", kept.callback, now=NOW + DAY) is None


def test_a_renewal_replaces_the_terms(database: Database) -> None:
    """Secret and lease; what it has, and since when, stays."""
    keep(database, a_subscription(secret=b"old"))
    with database.begin() as connection:
        subscriptions.delivered(connection, [("t", "https://a.example/cb?k=1", "digest")], NOW)
    renewed = a_subscription(expires=NOW + 9 * DAY, since=NOW + DAY)
    keep(database, renewed)
    assert find(database, "t", renewed.callback) == (
        a_subscription(expires=NOW + 9 * DAY),
        "digest",
    )


def test_what_a_new_subscriber_has_is_what_was_there_when_it_asked(database: Database) -> None:
    """It is owed what came since, if anything did; a renewal is owed nothing: who is subscribed was owed it then."""
    callbacks = ["https://new.example/", "https://lapsed.example/", "https://goes-on.example/"]
    keep(database, *(a_subscription(callback=callback) for callback in callbacks[1:]))
    keep(database, a_subscription(callback=callbacks[1], expires=NOW))
    with database.begin() as connection:
        for callback in callbacks:
            subscriptions.upsert(connection, a_subscription(callback=callback), had="digest")
    assert sorted((job.target, job.detail) for job in claim(database)) == [
        (callbacks[1], {"had": "digest"}),
        (callbacks[0], {"had": "digest"}),
    ]


def test_each_live_subscriber_of_a_changed_topic_is_owed_it(database: Database) -> None:
    """Once, however often it changes before they are sent it."""
    keep(
        database,
        a_subscription(),
        a_subscription(callback="https://b.example/cb"),
        a_subscription(callback="https://c.example/cb", expires=NOW),
        a_subscription("other"),
    )
    assert owe(database, "t") == 2
    assert owe(database, "t", now=NOW + timedelta(seconds=1)) == 2
    assert owe(database) == 0
    jobs = claim(database, now=NOW + timedelta(seconds=1))
    assert sorted((job.kind, job.target, job.since) for job in jobs) == [
        (JobKind.DELIVER, "https://a.example/cb?k=1", NOW),
        (JobKind.DELIVER, "https://b.example/cb", NOW),
    ]


def test_who_failed_last_time_waits_behind_the_others(database: Database) -> None:
    """Half a second for each failure in a row, five seconds at most, until one arrives."""
    good, bad = a_subscription(), a_subscription(callback="https://b.example/cb")
    keep(database, good, bad)
    with database.begin() as connection:
        for _ in range(12):
            subscriptions.failed(connection, [("t", bad.callback, "it answered 500")], NOW)
    owe(database, "t")
    assert [job.target for job in claim(database)] == [good.callback]
    (late,) = claim(database, now=NOW + timedelta(seconds=5))
    with database.begin() as connection:
        claims.record(connection, [JobOutcome(job=late, done=True)], NOW)
        subscriptions.delivered(connection, [("t", bad.callback, "digest")], NOW)
    owe(database, "t")
    assert bad.callback in {job.target for job in claim(database)}


def test_publish_owes_only_what_is_not_there(database: Database) -> None:
    """Not to those who have these bytes, nor anew to those who wait for them; but to those who were given up."""
    names = ("has", "waits", "lost", "new")
    has, waits, lost, new = (
        a_subscription(callback=f"https://{name}.example/cb") for name in names
    )
    keep(database, has, waits, lost, new)
    with database.begin() as connection:
        subscriptions.delivered(connection, [("t", has.callback, "now")], NOW)
        subscriptions.delivered(connection, [("t", waits.callback, "before")], NOW)
        jobs = [
            JobRow(kind=JobKind.DELIVER, target=one.callback, topic="t") for one in (waits, lost)
        ]
        outbox.enqueue(connection, jobs, NOW)
    waiting, given_up = sorted(claim(database), key=lambda job: job.target, reverse=True)
    with database.begin() as connection:
        later = JobOutcome(job=waiting, retry_at=NOW + DAY, error="x")
        claims.record(connection, [later, JobOutcome(job=given_up, error="x")], NOW)
        assert deliveries.enqueue_missing(connection, "t", "now", NOW) == 2
    assert sorted((job.target, job.attempts) for job in claim(database)) == [
        (lost.callback, 0),
        (new.callback, 0),
    ]


def test_publish_reaches_a_subscriber_that_has_just_begun(database: Database) -> None:
    """The hub knows which version was out when it was asked to subscribe, not which one the subscriber fetched."""
    with database.begin() as connection:
        subscriptions.upsert(connection, reader := a_subscription(), had="now")
        assert deliveries.enqueue_missing(connection, "t", "now", NOW) == 1
        assert deliveries.enqueue_missing(connection, "t", "now", NOW) == 0
    assert [(job.target, job.detail) for job in claim(database)] == [(reader.callback, {})]


def test_ending_takes_what_was_owed_along(database: Database) -> None:
    """A callback that is gone is sent nothing more; what is on its way to it ends before something new begins."""
    keep(database, a_subscription())
    owe(database, "t")
    (under_way,) = claim(database)
    owe(database, "t")
    with database.begin() as connection:
        subscriptions.end(connection, "t", "https://a.example/cb?k=1")
    assert find(database, "t", "https://a.example/cb?k=1") is None
    keep(database, a_subscription())
    assert owe(database, "t") == 1
    assert claim(database) == ()
    with database.begin() as connection:
        claims.record(connection, [JobOutcome(job=under_way, done=True)], NOW)
    assert [job.target for job in claim(database)] == [under_way.target]


@pytest.mark.parametrize("how", ["failed", "died"])
def test_what_may_have_arrived_is_not_known_to_have_not(database: Database, how: str) -> None:
    """A subscriber of A who may have taken B is sent A again, when the topic is A again."""
    keep(database, reader := a_subscription())
    with database.begin() as connection:
        subscriptions.delivered(connection, [("t", reader.callback, "A")], NOW)
        deliveries.enqueue_deliveries(connection, ["t"], NOW)
    (job,) = claim(database)
    with database.begin() as connection:
        if how == "failed":
            claims.record(
                connection, [JobOutcome(job=job, retry_at=NOW, error="it answered 500")], NOW
            )
            subscriptions.failed(connection, [("t", reader.callback, "it answered 500")], NOW)
        else:
            claims.release(connection, "me")
    assert find(database, "t", reader.callback) == (reader, None)


def test_who_begins_again_is_not_told_of_the_end_before(database: Database) -> None:
    """A word of denial that still waits would end, with the subscriber, what has begun since."""
    keep(database, reader := a_subscription())
    with database.begin() as connection:
        deliveries.enqueue_denials(connection, ["t"], NOW)
    keep(database, reader)
    assert claim(database) == ()


def test_an_error_names_no_callback(database: Database) -> None:
    """PostgreSQL would say which values a row had."""
    keep(database, a_subscription(callback="https://a.example/?token=secret"))
    with pytest.raises(StateError) as told, database.begin() as connection:
        connection.execute(text("INSERT INTO subscriptions SELECT * FROM subscriptions"))
    assert "secret" not in str(told.value)


def test_a_topic_that_ends_is_denied(database: Database) -> None:
    """To each live subscriber; deliveries of it are off, and it can be made again later.

    Who wants to subscribe is owed a word too, after that which is under way.
    """
    gone = a_subscription()
    keep(
        database,
        gone,
        a_subscription(callback="https://b.example/", expires=NOW),
        a_subscription("other"),
    )
    asked, waits = (
        JobRow(
            kind=JobKind.VERIFY,
            target=f"https://{name}.example/",
            topic="t",
            variant="subscribe",
            detail={"lease": 9},
        )
        for name in ("asked", "waits")
    )
    with database.begin() as connection:
        outbox.enqueue(connection, [asked], NOW)
    (under_way,) = claim(database)
    owe(database, "t", "other")
    with database.begin() as connection:
        outbox.enqueue(connection, [waits], NOW)
        assert deliveries.enqueue_denials(connection, ["t"], NOW) == 1
        assert deliveries.enqueue_denials(connection, [], NOW) == 0
    jobs = {(job.kind, job.topic, job.target) for job in claim(database)}
    assert jobs == {
        (JobKind.DENY, "t", gone.callback),
        (JobKind.DELIVER, "other", gone.callback),
        (JobKind.VERIFY, "t", waits.target),
    }
    with database.begin() as connection:
        claims.record(connection, [JobOutcome(job=under_way, done=True)], NOW)
    (again,) = claim(database)
    assert (again.kind, again.target, again.detail) == (JobKind.VERIFY, asked.target, asked.detail)
    with database.read() as connection:
        assert subscriptions.by_topic(connection, NOW) == {
            "other": Audience(subscribers=1, failing=0, last_success=None, last_failure=None)
        }


def test_leases_that_ended_are_swept(database: Database) -> None:
    """Nothing grows for ever."""
    keep(database, a_subscription(), a_subscription("u", expires=NOW + 2 * DAY))
    with database.begin() as connection:
        assert subscriptions.delete_expired(connection, NOW + DAY) == 1
        assert subscriptions.total(connection, NOW) == 1


def test_people_see_no_callback(database: Database) -> None:
    """A host and a digest; an operator can remove by either."""
    kept = a_subscription(callback="https://a.example:8443/cb?token=hush", secret=b"hush")
    keep(database, kept, a_subscription("u", kept.callback), a_subscription("v"))
    with database.begin() as connection:
        seen = subscriptions.subscribers(connection, NOW)
        assert "hush" not in repr(seen)
        (alias,) = {one.callback for one in seen if one.topic in ("t", "u")}
        assert alias.startswith("a.example:8443#")
        assert subscriptions.remove(connection, alias, NOW) == 2
        assert subscriptions.remove(connection, "https://a.example/cb?k=1", NOW) == 1
        assert subscriptions.remove(connection, "https://a.example/cb?k=1", NOW) == 0
    told = [(job.kind, job.target, job.topic) for job in claim(database)]
    assert sorted(told) == [
        (JobKind.DENY, "https://a.example/cb?k=1", "v"),
        (JobKind.DENY, kept.callback, "t"),
        (JobKind.DENY, kept.callback, "u"),
    ]


def test_the_subscribers_of_a_topic_taken_together(database: Database) -> None:
    """How many there are, how many of them failed last, and when the last of each was."""
    good, bad = a_subscription(), a_subscription(callback="https://b.example/")
    keep(database, good, bad, a_subscription(callback="https://c.example/", expires=NOW))
    with database.begin() as connection:
        subscriptions.delivered(
            connection, [("t", good.callback, "d"), ("t", bad.callback, "d")], NOW - DAY
        )
        subscriptions.failed(connection, [("t", bad.callback, "it answered 500")], NOW)
        assert subscriptions.by_topic(connection, NOW) == {
            "t": Audience(subscribers=2, failing=1, last_success=NOW - DAY, last_failure=NOW)
        }


def verified(
    callback: str, network: str | None, detail: Mapping[str, Any] = MappingProxyType({})
) -> TaskOutcome:
    """A verification that its callback confirmed at a network."""
    job = Job(
        id=1,
        kind=JobKind.VERIFY,
        target=callback,
        topic="t",
        attempts=0,
        since=NOW,
        due=NOW,
        detail=detail,
    )
    kept = replace(a_subscription(callback=callback), network=network)
    return TaskOutcome(settlement=JobOutcome(job=job, done=True), kept=kept)


def test_the_names_of_one_network_share_a_limit(database: Database) -> None:
    """Only a verification knows where a name leads. Beyond the limit the callback is told; a renewal is none."""
    names = [f"https://a{number}.example/" for number in range(4)]
    with database.begin() as connection:
        for name in names:
            record(connection, [verified(name, "192.0.2.1", {"topic": "T"})], NOW, 3)
        record(
            connection,
            [verified(names[0], "192.0.2.1"), verified("https://b.example/", "192.0.2.2")],
            NOW,
            3,
        )
        record(connection, [verified("https://b.example:8443/x", None)], NOW, 1)
        assert subscriptions.total(connection, NOW) == 4
        assert subscriptions.network_at(connection, "a1.example") == "192.0.2.1"
        assert subscriptions.total_at(connection, "new.example", "192.0.2.1", NOW) == 3
        assert subscriptions.total_at(connection, "b.example", None, NOW) == 1
        assert subscriptions.total_at(connection, "b.example", None, NOW + DAY) == 0
    told = {(job.kind, job.target, job.detail["reason"]) for job in claim(database)}
    reason = "this host has as many subscriptions as it may have"
    assert told == {
        (JobKind.DENY, names[3], reason),
        (JobKind.DENY, "https://b.example:8443/x", reason),
    }


def test_deliveries_of_one_network_take_turns(database: Database) -> None:
    """Whatever names lead to it; where a network is not known, its host does."""
    places = {
        "https://a.example/": "192.0.2.1",
        "https://b.example:1/": "192.0.2.1",
        "https://c.example:1/": None,
    }
    keep(
        database,
        *(
            replace(a_subscription(callback=url), network=network)
            for url, network in places.items()
        ),
    )
    with database.begin() as connection:
        subscriptions.set_network(connection, [("t", "https://b.example:1/", "192.0.2.2")])
    owe(database, "t")
    hosts = {job.target: job.host for job in claim(database)}
    assert list(map(hosts.get, places)) == ["192.0.2.1", "192.0.2.2", "c.example"]


def test_a_subscription_that_failed_for_too_long_is_denied(database: Database) -> None:
    """Once. A renewal meanwhile spares it, and one delivery that arrives begins the count anew."""
    lost, renewed = a_subscription(), a_subscription(callback="https://b.example/")
    keep(database, lost, renewed)
    failures = [("t", lost.callback, "x"), ("t", renewed.callback, "x")]
    with database.begin() as connection:
        for day in range(3):
            subscriptions.failed(connection, failures, NOW + day * timedelta(hours=1))
        found = subscriptions.find(connection, [("t", lost.callback)], NOW)["t", lost.callback][0]
        assert (found.failures, found.failing) == (3, NOW)
        subscriptions.delivered(connection, [("t", lost.callback, "d")], NOW)
        found = subscriptions.find(connection, [("t", lost.callback)], NOW)["t", lost.callback][0]
        assert (found.failures, found.failing) == (0, None)
        subscriptions.failed(connection, failures, NOW)
    owe(database, "t")
    keep(database, renewed)
    with database.begin() as connection:
        for job in claims.claim(
            connection, NOW + DAY / 2, claimer="me", limit=9, per_host=9, lease=DAY
        ):
            outcome = TaskOutcome(
                settlement=JobOutcome(job=job, error="x"), ended=True, reason="why"
            )
            record(connection, [outcome, outcome], NOW)
    assert (find(database, "t", lost.callback), find(database, "t", renewed.callback)) == (
        None,
        (renewed, None),
    )
    assert [(job.kind, job.target, job.detail["reason"]) for job in claim(database)] == [
        (JobKind.DENY, lost.callback, "why")
    ]
