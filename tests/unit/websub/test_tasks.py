"""The request of each job, and what its answer means for the job and its subscription."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    GaveUp,
    Job,
    JobDetail,
    JobKind,
    JobOutcome,
    Mode,
    Ping,
    Released,
    Response,
    Retry,
    Subscription,
    Verification,
)
from syndicator.websub.hub import TOPIC_ENDED
from syndicator.websub.retry import LOST_ATTEMPTS, RetryPolicy
from syndicator.websub.signatures import signature
from syndicator.websub.tasks import (
    Confirmed,
    Delivered,
    Ended,
    Lost,
    NotDelivered,
    SubscriptionChange,
    Task,
    TaskOutcome,
    outcome_of,
    task_for,
)

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=3)
TOPIC, CALLBACK = "https://news.example.com/feeds/all.rss", "https://reader.example/cb?k=1"
FILE = FeedFile(
    path="all.rss",
    url=TOPIC,
    data=b"<rss/>",
    media_type="application/rss+xml; charset=utf-8",
    digest="new",
    hubs=("https://news.example.com/feeds/hub",),
)
SUBSCRIPTION = Subscription(
    topic=TOPIC, callback=CALLBACK, secret=b"hush", expires=NOW + timedelta(days=1), since=NOW
)
RETRY = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))


def job(detail: JobDetail, attempts: int = 0) -> Job:
    return Job(
        id=1,
        detail=detail,
        target=CALLBACK,
        topic=TOPIC,
        attempts=attempts,
        since=NOW,
        due=NOW,
    )


PING, DENY, DELIVER = job(Ping()), job(Denial()), job(Delivery())
SUBSCRIPTION_REQUEST = Verification(mode=Mode.SUBSCRIBE, topic="T", lease=600, secret=b"hi")
SUBSCRIBE = job(SUBSCRIPTION_REQUEST)
UNSUBSCRIBE = job(Verification(mode=Mode.UNSUBSCRIBE, topic="T"))


RETRIES = RetryPolicy(pings=(timedelta(seconds=1), timedelta(minutes=1)), callbacks=RETRY)

LARGE = Response(
    status=None, error="refused: its answer is too large", refused=True, too_large=True
)
REFUSED = Response(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True)
SILENT = Response(status=None, error="it refused the connection")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def answered(task: Task | None, response: Response) -> TaskOutcome:
    assert task is not None
    return outcome_of(task, response, BEGAN, NOW, RETRIES, 0.0)


def task_of(job: Job) -> Task | None:
    return task_for(job, subscription_of(job), "old", FILE, "c")


def subscription_of(job: Job) -> Subscription | None:
    """A callback that is denied has none."""
    return None if job.kind is JobKind.DENY else SUBSCRIPTION


def failing_for(days: float, failures: int = 40) -> Task | None:
    since = NOW - timedelta(days=days)
    failing = replace(SUBSCRIPTION, failures=failures, failing=since, network="192.0.2.1")
    return task_for(DELIVER, failing, "old", FILE, "c")


# ---- plan


@pytest.mark.parametrize(
    ("job", "stranger"),
    [(PING, False), (DENY, True), (DELIVER, True), (SUBSCRIBE, True), (UNSUBSCRIBE, True)],
)
def test_requests_to_callbacks_get_the_rules_for_strangers(job: Job, stranger: bool) -> None:
    """Only a ping goes to an address that the operator named."""
    task = task_of(job)
    assert task is not None
    assert task.request.stranger is stranger


def test_a_delivery_is_what_the_topic_is_now() -> None:
    """The bytes themselves, not a copy."""
    task = task_of(DELIVER)
    assert task is not None
    assert task.request.body is FILE.data
    assert task.expected == "new"
    assert task.request.headers == {
        "Content-Type": "application/rss+xml; charset=utf-8",
        "Link": f'<https://news.example.com/feeds/hub>; rel="hub", <{TOPIC}>; rel="self"',
        "X-Hub-Signature": signature(b"hush", b"<rss/>"),
    }


@pytest.mark.parametrize(
    ("had", "subscription", "delivered", "file", "needed"),
    [
        (None, SUBSCRIPTION, None, FILE, True),
        ("old", SUBSCRIPTION, "old", FILE, True),
        ("any", SUBSCRIPTION, None, FILE, True),
        (None, None, None, FILE, False),  # the subscription ended
        (None, SUBSCRIPTION, None, None, False),  # the topic ended
        ("old", SUBSCRIPTION, "new", FILE, False),  # it has these bytes
        ("new", SUBSCRIPTION, None, FILE, False),  # it had them when it subscribed
    ],
)
def test_a_delivery_is_sent_to_a_subscriber_without_these_bytes(
    had: str | None,
    subscription: Subscription | None,
    delivered: str | None,
    file: FeedFile | None,
    needed: bool,
) -> None:
    """Any other delivery is done without a request."""
    task = task_for(job(Delivery(had=had)), subscription, delivered, file, "c")
    assert (task is not None) is needed


def test_what_is_sent_depends_on_what_the_subscriber_has() -> None:
    """Its signature is of what is sent. The delivery still counts as one of the whole topic."""
    task = task_for(
        job(Delivery()),
        SUBSCRIPTION,
        "old",
        FILE,
        "c",
        payload=lambda file, had: replace(file, data=f"since {had}".encode()),
    )
    whole = task_for(job(Delivery()), SUBSCRIPTION, "old", FILE, "c")
    assert task
    assert whole
    assert task.request.body == b"since old"
    signed = [each.request.headers["X-Hub-Signature"] for each in (task, whole)]
    assert len(set(signed)) == 2
    assert task.expected == FILE.digest


@pytest.mark.parametrize(
    ("of", "file", "query"),
    [
        (SUBSCRIBE, FILE, "subscribe&hub.topic=T&hub.challenge=c&hub.lease_seconds=600"),
        (UNSUBSCRIBE, FILE, "unsubscribe&hub.topic=T&hub.challenge=c"),
        (UNSUBSCRIBE, None, "unsubscribe&hub.topic=T&hub.challenge=c"),
        (SUBSCRIBE, None, f"denied&hub.topic=T&hub.reason={quote(TOPIC_ENDED)}"),
        (job(Denial(topic="T", reason="a b")), None, "denied&hub.topic=T&hub.reason=a%20b"),
        (job(Denial(topic="T")), None, "denied&hub.topic=T"),
        (DENY, FILE, f"denied&hub.topic={quote(TOPIC, safe='')}"),
    ],
)  # fmt: skip
def test_what_a_callback_is_asked_or_told(of: Job, file: FeedFile | None, query: str) -> None:
    """The topic as its subscriber named it. A topic that ended before is denied instead."""
    task = task_for(of, subscription_of(of), None, file, "c")
    assert task is not None
    assert task.request.url == f"{CALLBACK}&hub.mode={query}"


def test_a_subscriber_is_not_denied() -> None:
    """It subscribed again before the denial of its earlier subscription was sent."""
    assert task_for(DENY, SUBSCRIPTION, None, FILE, "c") is None


# ---- judge

DONE = Done()
RETRY_1 = Retry(at=after(1), error="it answered 500")
FAILED = NotDelivered(error="it answered 500")
RETRY_5 = Retry(at=after(5), error="it answered 500")


@pytest.mark.parametrize(
    ("of", "status", "outcome", "change"),
    [
        (PING, 204, DONE, None),
        (PING, 500, RETRY_1, None),
        (PING, 410, Retry(at=after(1), error="it answered 410"), None),
        (job(Ping(), attempts=1), 410, GaveUp(error="it answered 410"), None),
        (job(Ping(), attempts=1), 429, Retry(at=after(60), error="it answered 429"), None),
        (DENY, 200, DONE, None),
        (DENY, 500, RETRY_5, None),
        (DELIVER, 200, DONE, Delivered(digest="new")),
        (DELIVER, 500, RETRY_5, FAILED),
        (
            DELIVER,
            301,
            replace(RETRY_5, error="it answered 301"),
            NotDelivered(error="it answered 301"),
        ),
        (DELIVER, 410, DONE, Ended()),  # §7
        (SUBSCRIBE, 404, Done(error="the callback did not confirm the request"), None),
        (UNSUBSCRIBE, 404, Done(error="the callback did not confirm the request"), None),
    ],
)
def test_what_a_status_means(
    of: Job, status: int, outcome: JobOutcome, change: SubscriptionChange | None
) -> None:
    """For the job, and for the subscription that it belongs to."""
    expected = TaskOutcome(job=of, outcome=outcome, change=change)
    assert answered(task_of(of), Response(status=status)) == expected


@pytest.mark.parametrize("of", [PING, DENY, DELIVER, SUBSCRIBE, UNSUBSCRIBE])
def test_a_request_that_we_stopped_releases_its_job(of: Job) -> None:
    """It is not a failure of the target."""
    stopped = Response(status=None, error="stopped", stopped=True)
    assert answered(task_of(of), stopped) == TaskOutcome(job=of, outcome=Released(was_sent=True))


@pytest.mark.parametrize(
    ("of", "attempts", "at"),
    [
        (PING, 0, after(1)),
        (PING, 2, None),
        (DENY, 0, after(5)),
        (DELIVER, 2, after(120)),
        (DELIVER, 3, None),
        (SUBSCRIBE, 0, after(5)),
        (SUBSCRIBE, 1, after(30)),
        (SUBSCRIBE, 2, None),  # two retries, however many others have
        (UNSUBSCRIBE, 2, None),
    ],
)
def test_a_job_is_retried_by_the_schedule_of_its_kind(
    of: Job, attempts: int, at: datetime | None
) -> None:
    """After the last wait it is given up. A subscription continues in any case (§7)."""
    of = replace(of, attempts=attempts)
    result = answered(task_of(of), SILENT)
    error = "it refused the connection"
    assert result.outcome == (GaveUp(error=error) if at is None else Retry(at=at, error=error))
    assert result.change == (NotDelivered(error=error) if of.detail == Delivery() else None)


@pytest.mark.parametrize(
    ("attempts", "seconds", "outcome"),
    [
        (0, 60, Retry(at=after(60), not_before=after(60), error="it answered 503")),
        (0, 2, Retry(at=after(5), not_before=after(2), error="it answered 503")),
        (3, 60, GaveUp(not_before=after(60), error="it answered 503")),
    ],
)
def test_retry_after_extends_a_wait(attempts: int, seconds: int, outcome: JobOutcome) -> None:
    """It holds for the next change too, so it is kept where no retry is left."""
    busy = Response(status=503, headers={"retry-after": str(seconds)})
    assert answered(task_of(job(Delivery(), attempts)), busy).outcome == outcome


@pytest.mark.parametrize(
    ("of", "outcome"),
    [
        (PING, Retry(at=after(1), error=str(LARGE.error))),
        (DENY, GaveUp(error=str(LARGE.error))),
        (DELIVER, GaveUp(error=str(LARGE.error))),
        (SUBSCRIBE, Done(error=str(LARGE.error))),
    ],
)
def test_an_endless_answer_is_not_retried_for_callbacks(of: Job, outcome: JobOutcome) -> None:
    """The same would happen again. A hub is retried, so that its readers get the change."""
    assert answered(task_of(of), LARGE).outcome == outcome


def test_a_delivery_with_2xx_is_done_whatever_follows() -> None:
    """A 2xx head counts, even if the trailers are endless."""
    large = Response(status=200, error="refused: its answer is too large", too_large=True)
    result = answered(task_of(DELIVER), large)
    assert (result.outcome, result.change) == (DONE, Delivered(digest="new"))


def test_a_delivery_to_a_refused_address_is_retried() -> None:
    """A host name may resolve elsewhere for a while, as behind a captive portal."""
    expected = Retry(at=after(5), error=str(REFUSED.error))
    assert answered(task_of(DELIVER), REFUSED).outcome == expected


@pytest.mark.parametrize(
    ("peer", "network"), [(None, None), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64")]
)
def test_a_confirmed_subscription(peer: str | None, network: str | None) -> None:
    """Its lease runs from the GET (§5.3), not from the answer. Its network is that of the GET."""
    confirmed = Confirmed(
        subscription=Subscription(
            topic=TOPIC,
            callback=CALLBACK,
            secret=b"hi",
            expires=BEGAN + timedelta(seconds=600),
            since=BEGAN,
            network=network,
        ),
        verification=SUBSCRIPTION_REQUEST,
    )
    result = answered(task_of(SUBSCRIBE), Response(status=200, body=b"c", peer=peer))
    assert result == TaskOutcome(job=SUBSCRIBE, outcome=DONE, change=confirmed)


def test_a_confirmed_unsubscription_ends_the_subscription() -> None:
    """Any 2xx with the challenge confirms."""
    result = answered(task_of(UNSUBSCRIBE), Response(status=204, body=b"c"))
    assert result == TaskOutcome(job=UNSUBSCRIBE, outcome=DONE, change=Ended())


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=200, body=b"c\n"),
        Response(status=200, body=b"C"),
        Response(status=200, body=b"c", error="no whole answer within 10 s"),
        Response(status=302, body=b"c"),
        Response(status=404, body=b"c"),
        Response(status=500, body=b"c", headers={"retry-after": "5"}),
        REFUSED,
        LARGE,
        Response(status=200, body=b"c", error="refused: its answer is too large", too_large=True),
    ],
)
@pytest.mark.parametrize("of", [SUBSCRIBE, UNSUBSCRIBE])
def test_any_other_answer_refuses(of: Job, answer: Response) -> None:
    """Nothing changes, and the callback is not asked again (§5.3.1)."""
    error = answer.error or "the callback did not confirm the request"
    expected = TaskOutcome(job=of, outcome=Done(error=error))
    assert answered(task_of(of), answer) == expected


@pytest.mark.parametrize(
    ("attempts", "status", "outcome"),
    [(0, 200, DONE), (2, 500, Retry(at=after(120), error="it answered 500"))],
)
def test_a_topic_that_ended_before_the_verification_ends_a_subscription(
    attempts: int, status: int, outcome: JobOutcome
) -> None:
    """Whatever the callback answers. The denial is retried as often as any other."""
    of = replace(SUBSCRIBE, attempts=attempts)
    task = task_for(of, SUBSCRIPTION, None, None, "c")
    expected = TaskOutcome(job=of, outcome=outcome, change=Ended())
    assert answered(task, Response(status=status)) == expected


LOST = GaveUp(error="every delivery failed for a week: its subscription ended; it answered 500")


@pytest.mark.parametrize(
    ("days", "failures", "status", "outcome", "change"),
    [
        (8, 40, 500, LOST, Lost()),
        (8, LOST_ATTEMPTS - 1, 500, LOST, Lost()),  # this failure counts, too
        (8, LOST_ATTEMPTS - 2, 500, RETRY_5, FAILED),
        (8, 40, 200, DONE, Delivered(digest="new")),
        (8, 40, 410, DONE, Ended()),
        (3, 40, 500, RETRY_5, FAILED),
    ],
)
def test_a_week_of_failures_ends_the_subscription(
    days: int, failures: int, status: int, outcome: JobOutcome, change: SubscriptionChange
) -> None:
    """§7 keeps a subscription after a failed delivery; §5.2 allows a denial at any time."""
    result = answered(failing_for(days, failures), Response(status=status))
    assert (result.outcome, result.change) == (outcome, change)


@pytest.mark.parametrize(
    ("peer", "network"), [(None, None), ("192.0.2.1", None), ("192.0.2.2", "192.0.2.2")]
)
def test_a_delivery_to_another_network_is_noted(peer: str | None, network: str | None) -> None:
    """Whether it arrived or not."""
    changes = [
        answered(failing_for(1), Response(status=status, peer=peer)).change for status in (200, 500)
    ]
    assert changes == [
        Delivered(digest="new", network=network),
        NotDelivered(error="it answered 500", network=network),
    ]
