"""Subscriptions, their deliveries and denials behave alike on each database."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select, text, update

from syndicator.errors import StateError
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    GaveUp,
    Job,
    JobKind,
    JobState,
    Mode,
    Retry,
    Subscription,
    Verification,
)
from syndicator.push.record import record
from syndicator.store import (
    audiences,
    claimed_pages,
    claims,
    deliveries,
    outbox,
    pages,
    subscriptions,
    waves,
)
from syndicator.store.audiences import Audience
from syndicator.store.claimed_pages import Lease, PageEnd
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.outbox import JobRow
from syndicator.store.push_schema import jobs
from syndicator.store.times import to_us
from syndicator.websub.tasks import (
    Confirmed,
    Delivered,
    Ended,
    Lost,
    NotDelivered,
    SubscriptionChange,
    TaskOutcome,
)

LIMITS = ClaimLimits(jobs=99, per_host=99)
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


def store(database: Database, *new: Subscription) -> None:
    with database.begin() as connection:
        for subscription in new:
            subscriptions.upsert(connection, subscription)


def find(database: Database, topic: str, callback: str, now: datetime = NOW) -> object:
    """A subscription without the fields that record deliveries, and the digest that it has."""
    with database.read() as connection:
        found = subscriptions.find(connection, [(topic, callback)], now).get((topic, callback))
    if found is None:
        return None
    subscription, had = found
    return replace(subscription, network=None, failures=0, failing=None, attempted=None), had


def claim(database: Database, now: datetime = NOW) -> tuple[Job, ...]:
    with database.begin() as connection:
        lease = timedelta(minutes=2)
        return claims.claim(connection, now, claimer="me", lease=lease, limits=LIMITS)


def publish(database: Database, *topics: str, now: datetime = NOW) -> None:
    """Change topics. The deliveries of their waves become jobs, as those that fail do."""
    with database.begin() as connection:
        waves.raise_waves(connection, topics, now)
    finish_sweeps(database, now)


def finish_sweeps(database: Database, now: datetime = NOW, digest: str | None = None) -> None:
    """Queue all deliveries of the sweeps that are due. `digest`: of bytes that need no delivery."""
    lease = Lease(holder="me", expires=now + DAY)
    with database.begin() as connection:
        while claimed := pages.claim(connection, now, lease, 512):
            for page in claimed:
                entries = page.entries().items()
                lacking = {to: one for to, one in entries if one.delivered != digest or not digest}
                claimed_pages.own(connection, page, lacking)
                claimed_pages.queue(connection, page, lacking.values(), now)
            end = PageEnd(digest=digest, sent=False)
            ends = dict.fromkeys(claimed, end)
            assert pages.record(connection, ends, now, pace=timedelta()) == claimed


def test_a_subscription_is_found_as_it_was_stored(database: Database) -> None:
    """With every byte of its secret, and nothing delivered; not after its lease ended."""
    kept = a_subscription(secret=bytes(range(1, 199)))
    store(database, kept, a_subscription("u"))
    assert find(database, "t", kept.callback) == (kept, None)
    assert find(database, "t", "https://a.example/other") is None
    assert find(database, "t", kept.callback, now=NOW + DAY) is None


def test_a_renewal_replaces_the_terms(database: Database) -> None:
    """Secret and lease are new; what was delivered, and since when it exists, stay."""
    store(database, a_subscription(secret=b"old"))
    with database.begin() as connection:
        subscriptions.record_delivered(
            connection, [("t", "https://a.example/cb?k=1", "digest")], NOW
        )
    renewed = a_subscription(expires=NOW + 9 * DAY, since=NOW + DAY / 2)
    store(database, renewed)
    assert find(database, "t", renewed.callback) == (
        a_subscription(expires=NOW + 9 * DAY),
        "digest",
    )


def test_a_new_subscriber_has_the_version_of_its_request(database: Database) -> None:
    """It gets a delivery if the topic changed since. A renewal needs none."""
    callbacks = ["https://new.example/", "https://lapsed.example/", "https://renewed.example/"]
    store(database, *(a_subscription(callback=callback) for callback in callbacks[1:]))
    store(database, a_subscription(callback=callbacks[1], expires=NOW))
    with database.begin() as connection:
        for callback in callbacks:
            subscriptions.upsert(connection, a_subscription(callback=callback), "digest")
    assert sorted(((job.target, job.detail) for job in claim(database)), key=str) == [
        (callbacks[1], Delivery(had="digest")),
        (callbacks[0], Delivery(had="digest")),
    ]


def test_each_live_subscriber_of_a_changed_topic_gets_a_delivery(database: Database) -> None:
    """One delivery, however often the topic changes before it is sent."""
    store(
        database,
        a_subscription(),
        a_subscription(callback="https://b.example/cb"),
        a_subscription(callback="https://c.example/cb", expires=NOW),
        a_subscription("other"),
    )
    publish(database, "t")
    publish(database, "t", now=NOW + timedelta(seconds=1))
    publish(database)
    jobs = claim(database, now=NOW + timedelta(seconds=1))
    assert sorted((job.kind, job.target, job.since) for job in jobs) == [
        (JobKind.DELIVER, "https://a.example/cb?k=1", NOW),
        (JobKind.DELIVER, "https://b.example/cb", NOW),
    ]


def test_a_failing_subscriber_waits_behind_the_others(database: Database) -> None:
    """Half a second for each failure in a row, five seconds at most, until a delivery arrives."""
    good, bad = a_subscription(), a_subscription(callback="https://b.example/cb")
    store(database, good, bad)
    with database.begin() as connection:
        for _ in range(12):
            subscriptions.record_failed(connection, [("t", bad.callback, "it answered 500")], NOW)
    publish(database, "t")
    assert [job.target for job in claim(database)] == [good.callback]
    (late,) = claim(database, now=NOW + timedelta(seconds=5))
    with database.begin() as connection:
        claims.record(connection, [(late, Done())], NOW, claimer="me")
        subscriptions.record_delivered(connection, [("t", bad.callback, "digest")], NOW)
    publish(database, "t")
    assert bad.callback in {job.target for job in claim(database)}


def test_publish_queues_only_missing_deliveries(database: Database) -> None:
    """None to subscribers that have these bytes or wait for them; one where it was given up."""
    has = a_subscription(callback="https://has.example/cb")
    waits = a_subscription(callback="https://waits.example/cb")
    lost = a_subscription(callback="https://lost.example/cb")
    new = a_subscription(callback="https://new.example/cb")
    store(database, has, waits, lost, new)
    with database.begin() as connection:
        subscriptions.record_delivered(connection, [("t", has.callback, "now")], NOW)
        subscriptions.record_delivered(connection, [("t", waits.callback, "before")], NOW)
        jobs = [JobRow(detail=Delivery(), target=one.callback, topic="t") for one in (waits, lost)]
        outbox.enqueue(connection, jobs, NOW)
    waiting, given_up = sorted(claim(database), key=lambda job: job.target, reverse=True)
    with database.begin() as connection:
        later = (waiting, Retry(at=NOW + DAY, error="x"))
        claims.record(connection, [later, (given_up, GaveUp(error="x"))], NOW, claimer="me")
        assert deliveries.enqueue_missing(connection, "t", "now", NOW)
    finish_sweeps(database, digest="now")
    with database.begin() as connection:
        assert not deliveries.enqueue_missing(connection, "t", "now", NOW)
    assert sorted((job.target, job.attempts) for job in claim(database)) == [
        (lost.callback, 0),
        (new.callback, 0),
    ]


def test_publish_reaches_a_new_subscriber(database: Database) -> None:
    """The hub knows the version at the request to subscribe, not the one the subscriber fetched."""
    with database.begin() as connection:
        subscriptions.upsert(connection, reader := a_subscription(), "now")
        assert deliveries.enqueue_missing(connection, "t", "now", NOW)
    finish_sweeps(database, digest="now")
    with database.begin() as connection:
        assert not deliveries.enqueue_missing(connection, "t", "now", NOW)
    assert [(job.target, job.detail) for job in claim(database)] == [(reader.callback, Delivery())]


@pytest.mark.parametrize(("published", "had"), [(False, "now"), (True, "any")])
def test_publish_reaches_a_callback_that_is_being_verified(
    database: Database, published: bool, had: str
) -> None:
    """It gets a delivery in any case, not only if the topic changed since its request."""
    subscription = a_subscription()
    verification = Verification(mode=Mode.SUBSCRIBE, topic="t", lease=9, had="now")
    row = JobRow(detail=verification, target=subscription.callback, topic="t")
    with database.begin() as connection:
        outbox.enqueue(connection, [row], NOW)
    (job,) = claim(database)
    confirmed = Confirmed(subscription=subscription, verification=verification)
    with database.begin() as connection:
        if published:
            assert not deliveries.enqueue_missing(connection, "t", "now", NOW)
        outcome = TaskOutcome(job=job, outcome=Done(), change=confirmed)
        record(connection, [outcome], NOW, claimer="me")
    assert [job.detail for job in claim(database)] == [Delivery(had=had)]


def test_a_publish_request_reads_a_bounded_number_of_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond it, a wave finds out who lacks the bytes. Then their own rows need no reading."""
    monkeypatch.setattr(waves, "READ_AT_MOST", 3)
    first, *new = [a_subscription(callback=f"https://a.example/{n}") for n in range(4)]
    store(database, first)
    with database.begin() as connection:
        subscriptions.record_delivered(connection, [("t", first.callback, "now")], NOW)
        waves.raise_waves(connection, ["t"], NOW)
    finish_sweeps(database, digest="now")
    store(database, *new)
    with database.begin() as connection:
        has = [("t", each.callback, "now") for each in new]
        subscriptions.record_delivered(connection, has, NOW)
        assert deliveries.enqueue_missing(connection, "t", "now", NOW)
    finish_sweeps(database, digest="now")
    with database.begin() as connection:
        assert not deliveries.enqueue_missing(connection, "t", "now", NOW)
    assert claim(database) == ()


def test_a_lease_that_ends_while_its_renewal_is_confirmed(database: Database) -> None:
    """The change that passed the subscriber by meanwhile is sent to it."""
    subscription = a_subscription(expires=NOW + timedelta(seconds=1))
    store(database, subscription)
    verification = Verification(mode=Mode.SUBSCRIBE, topic="t", lease=99, had="before")
    row = JobRow(detail=verification, target=subscription.callback, topic="t")
    with database.begin() as connection:
        outbox.enqueue(connection, [row], NOW)
    (job,) = claim(database)
    later = NOW + timedelta(seconds=2)
    with database.begin() as connection:
        waves.raise_waves(connection, ["t"], later)
    finish_sweeps(database, later, digest="after")
    confirmed = Confirmed(
        subscription=replace(subscription, expires=NOW + DAY), verification=verification
    )
    with database.begin() as connection:
        outcome = TaskOutcome(job=job, outcome=Done(), change=confirmed)
        record(connection, [outcome], later, claimer="me")
    assert [job.detail for job in claim(database, later)] == [Delivery(had="before")]
    assert find(database, "t", subscription.callback, later) == (
        replace(subscription, since=NOW, expires=NOW + DAY),
        None,
    )


def test_ending_a_subscription_deletes_its_deliveries(database: Database) -> None:
    """A claimed delivery is recorded before another to the same callback is claimed."""
    store(database, a_subscription())
    publish(database, "t")
    (claimed,) = claim(database)
    publish(database, "t")
    with database.begin() as connection:
        subscriptions.end(connection, "t", "https://a.example/cb?k=1")
    assert find(database, "t", "https://a.example/cb?k=1") is None
    store(database, a_subscription())
    publish(database, "t")
    assert claim(database) == ()
    with database.begin() as connection:
        claims.record(connection, [(claimed, Done())], NOW, claimer="me")
    assert [job.target for job in claim(database)] == [claimed.target]


@pytest.mark.parametrize("how", ["failed", "died"])
def test_a_failed_delivery_may_have_arrived(database: Database, how: str) -> None:
    """A subscriber with A that may have accepted B gets A again when the topic is A again."""
    store(database, reader := a_subscription())
    with database.begin() as connection:
        subscriptions.record_delivered(connection, [("t", reader.callback, "A")], NOW)
    publish(database, "t")
    (job,) = claim(database)
    with database.begin() as connection:
        if how == "failed":
            claims.record(
                connection, [(job, Retry(at=NOW, error="it answered 500"))], NOW, claimer="me"
            )
            subscriptions.record_failed(
                connection, [("t", reader.callback, "it answered 500")], NOW
            )
        else:
            claims.release(connection, "me")
    assert find(database, "t", reader.callback) == (reader, None)


def test_subscribing_again_drops_the_pending_denial(database: Database) -> None:
    """The denial would end the new subscription on the subscriber's side."""
    store(database, reader := a_subscription())
    with database.begin() as connection:
        deliveries.enqueue_denials(connection, ["t"], NOW)
    store(database, reader)
    assert claim(database) == ()


def test_an_error_names_no_callback(database: Database) -> None:
    """PostgreSQL's text holds the values of the row."""
    store(database, a_subscription(callback="https://a.example/?token=secret"))
    with pytest.raises(StateError) as error, database.begin() as connection:
        connection.execute(text("INSERT INTO subscriptions SELECT * FROM subscriptions"))
    assert "secret" not in str(error.value)


def test_a_topic_that_ends_is_denied(database: Database) -> None:
    """Each live subscriber gets a denial, and deliveries of the topic are deleted.

    Callbacks with a pending verification are denied too, after a claimed one is recorded.
    """
    gone = a_subscription()
    store(
        database,
        gone,
        a_subscription(callback="https://b.example/", expires=NOW),
        a_subscription("other"),
    )
    verifying, waiting = (
        JobRow(
            detail=Verification(mode=Mode.SUBSCRIBE, topic="t", lease=9),
            target=f"https://{name}.example/",
            topic="t",
        )
        for name in ("verifying", "waiting")
    )
    with database.begin() as connection:
        outbox.enqueue(connection, [verifying], NOW)
    (claimed,) = claim(database)
    publish(database, "t", "other")
    with database.begin() as connection:
        outbox.enqueue(connection, [waiting], NOW)
        deliveries.enqueue_denials(connection, ["t"], NOW)
        deliveries.enqueue_denials(connection, [], NOW)
    jobs = {(job.kind, job.topic, job.target) for job in claim(database)}
    assert jobs == {
        (JobKind.DENY, "t", gone.callback),
        (JobKind.DELIVER, "other", gone.callback),
        (JobKind.VERIFY, "t", waiting.target),
    }
    with database.begin() as connection:
        claims.record(connection, [(claimed, Done())], NOW, claimer="me")
    (again,) = claim(database)
    assert (again.kind, again.target, again.detail) == (
        JobKind.VERIFY,
        verifying.target,
        verifying.detail,
    )
    with database.read() as connection:
        assert audiences.by_topic(connection, NOW) == {
            "other": Audience(subscribers=1, failing=0, last_success=None, last_failure=None)
        }


def test_expired_subscriptions_are_deleted(database: Database) -> None:
    """The table does not grow without limit."""
    store(database, a_subscription(), a_subscription("u", expires=NOW + 2 * DAY))
    with database.begin() as connection:
        subscriptions.delete_expired(connection, NOW + DAY)
        assert subscriptions.total(connection, NOW) == 1


def test_operators_see_a_label_of_the_callback(database: Database) -> None:
    """Its host and a digest. They can remove a callback by its label or its address."""
    kept = a_subscription(callback="https://a.example:8443/cb?token=hush", secret=b"hush")
    store(database, kept, a_subscription("u", kept.callback), a_subscription("v"))
    with database.begin() as connection:
        listed = audiences.subscribers(connection, NOW)
        assert "hush" not in repr(listed)
        (label,) = {one.callback for one in listed if one.topic in ("t", "u")}
        assert label.startswith("a.example:8443#")
        assert subscriptions.remove(connection, label, NOW) == 2
        assert subscriptions.remove(connection, "https://a.example/cb?k=1", NOW) == 1
        assert subscriptions.remove(connection, "https://a.example/cb?k=1", NOW) == 0
    denials = [(job.kind, job.target, job.topic) for job in claim(database)]
    assert sorted(denials) == [
        (JobKind.DENY, "https://a.example/cb?k=1", "v"),
        (JobKind.DENY, kept.callback, "t"),
        (JobKind.DENY, kept.callback, "u"),
    ]


def test_the_audience_of_a_topic(database: Database) -> None:
    """The number of subscribers and of failing ones, the last success and the last failure."""
    good, bad = a_subscription(), a_subscription(callback="https://b.example/")
    store(database, good, bad, a_subscription(callback="https://c.example/", expires=NOW))
    with database.begin() as connection:
        subscriptions.record_delivered(
            connection, [("t", good.callback, "d"), ("t", bad.callback, "d")], NOW - DAY
        )
        subscriptions.record_failed(connection, [("t", bad.callback, "it answered 500")], NOW)
        assert audiences.by_topic(connection, NOW) == {
            "t": Audience(subscribers=2, failing=1, last_success=NOW - DAY, last_failure=NOW)
        }


def verified(
    connection: Connection, callback: str, network: str | None, requested: str = "t"
) -> TaskOutcome:
    """The outcome of a claimed verification that a callback at this network confirmed."""
    verification = Verification(mode=Mode.SUBSCRIBE, topic=requested, lease=9)
    outbox.enqueue(connection, [JobRow(detail=verification, target=callback, topic="t")], NOW)
    claimed = {"state": JobState.CLAIMED, "claimer": "me", "expires": to_us(NOW + DAY)}
    ours = jobs.c.target == callback, jobs.c.kind == verification.kind
    connection.execute(update(jobs).where(*ours).values(claimed))
    job = Job(
        id=connection.execute(select(jobs.c.id).where(*ours)).scalar_one(),
        detail=verification,
        target=callback,
        topic="t",
        attempts=0,
        since=NOW,
        due=NOW,
    )
    subscription = replace(a_subscription(callback=callback), network=network)
    confirmed = Confirmed(subscription=subscription, verification=verification)
    return TaskOutcome(job=job, outcome=Done(), change=confirmed)


def test_the_host_names_of_one_network_share_a_limit(database: Database) -> None:
    """Only a verification reveals the network. Beyond the limit it is denied; renewals are free."""
    names = [f"https://a{number}.example/" for number in range(4)]
    with database.begin() as connection:
        for name in names:
            record(connection, [verified(connection, name, "192.0.2.1", "T")], NOW, 3, claimer="me")
        record(
            connection,
            [
                verified(connection, names[0], "192.0.2.1"),
                verified(connection, "https://b.example/", "192.0.2.2"),
            ],
            NOW,
            3,
            claimer="me",
        )
        late = verified(connection, "https://b.example:8443/x", None)
        record(connection, [late], NOW, 1, claimer="me")
        assert subscriptions.total(connection, NOW) == 4
        assert subscriptions.network_at(connection, "a1.example") == "192.0.2.1"
        assert subscriptions.total_at(connection, "new.example", "192.0.2.1", NOW) == 3
        assert subscriptions.total_at(connection, "b.example", None, NOW) == 1
        assert subscriptions.total_at(connection, "b.example", None, NOW + DAY) == 0
    denials = {(job.target, job.detail) for job in claim(database)}
    reason = "this host has reached its limit of subscriptions"
    assert denials == {
        (names[3], Denial(topic="T", reason=reason)),
        ("https://b.example:8443/x", Denial(topic="t", reason=reason)),
    }


def test_deliveries_of_one_network_take_turns(database: Database) -> None:
    """Under whichever host names; a host takes its own turn while its network is unknown."""
    places = {
        "https://a.example/": "192.0.2.1",
        "https://b.example:1/": "192.0.2.1",
        "https://c.example:1/": None,
    }
    store(
        database,
        *(
            replace(a_subscription(callback=url), network=network)
            for url, network in places.items()
        ),
    )
    with database.begin() as connection:
        subscriptions.set_network(connection, [("t", "https://b.example:1/", "192.0.2.2")])
    publish(database, "t")
    hosts = {job.target: job.host for job in claim(database)}
    assert list(map(hosts.get, places)) == ["192.0.2.1", "192.0.2.2", "c.example"]


def test_a_subscription_that_failed_for_too_long_is_denied(database: Database) -> None:
    """Once. A renewal meanwhile spares it, and a delivery that arrives resets the count."""
    lost, renewed = a_subscription(), a_subscription(callback="https://b.example/")
    store(database, lost, renewed)
    failures = [("t", lost.callback, "x"), ("t", renewed.callback, "x")]
    with database.begin() as connection:
        for day in range(3):
            subscriptions.record_failed(connection, failures, NOW + day * timedelta(hours=1))
        current = subscriptions.find(connection, [("t", lost.callback)], NOW)["t", lost.callback][0]
        assert (current.failures, current.failing) == (3, NOW)
        subscriptions.record_delivered(connection, [("t", lost.callback, "d")], NOW)
        current = subscriptions.find(connection, [("t", lost.callback)], NOW)["t", lost.callback][0]
        assert (current.failures, current.failing) == (0, None)
        subscriptions.record_failed(connection, failures, NOW)
    publish(database, "t")
    store(database, renewed)
    with database.begin() as connection:
        for job in claims.claim(connection, NOW + DAY / 2, claimer="me", lease=DAY, limits=LIMITS):
            outcome = TaskOutcome(job=job, outcome=GaveUp(error="x"), change=Lost())
            record(connection, [outcome, outcome], NOW, claimer="me")
    assert (find(database, "t", lost.callback), find(database, "t", renewed.callback)) == (
        None,
        (renewed, None),
    )
    assert [(job.target, job.detail) for job in claim(database)] == [
        (lost.callback, Denial(topic="t", reason="every delivery failed for a week"))
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (None, ("before", 0, "192.0.2.1")),
        (Delivered(digest="now"), ("now", 0, "192.0.2.1")),
        (Delivered(digest="now", network="192.0.2.2"), ("now", 0, "192.0.2.2")),
        (NotDelivered(error="x"), (None, 1, "192.0.2.1")),
        (NotDelivered(error="x", network="192.0.2.2"), (None, 1, "192.0.2.2")),
        (Ended(), None),
        (Lost(), ("before", 0, "192.0.2.1")),  # none of its deliveries failed: it was renewed
    ],
)
def test_what_a_change_does_to_a_subscription(
    database: Database, change: SubscriptionChange | None, expected: tuple[object, ...] | None
) -> None:
    """The bytes that it has, its failures in a row, and its network; None: it is over."""
    reader = replace(a_subscription(), network="192.0.2.1")
    store(database, reader)
    with database.begin() as connection:
        subscriptions.record_delivered(connection, [("t", reader.callback, "before")], NOW)
    publish(database, "t")
    (job,) = claim(database)
    with database.begin() as connection:
        outcome = TaskOutcome(job=job, outcome=Done(), change=change)
        record(connection, [outcome], NOW, claimer="me")
        pairs = [("t", reader.callback)]
        found = subscriptions.find(connection, pairs, NOW).get(("t", reader.callback))
    after = found and (found[1], found[0].failures, found[0].network)
    assert after == expected
    assert claim(database) == ()
