"""The request of each job, and what its answer means for the job and its subscription."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Job,
    JobDetail,
    JobOutcome,
    Mode,
    Ping,
    Response,
    Subscription,
    Verification,
)
from syndicator.websub.signatures import signature
from syndicator.websub.tasks import Task, TaskOutcome, outcome_of, task_for

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
SUBSCRIBE = job(Verification(mode=Mode.SUBSCRIBE, topic=TOPIC, lease=600, secret=b"hi"))
UNSUBSCRIBE = job(Verification(mode=Mode.UNSUBSCRIBE, topic=TOPIC))


def outcome(of: Job, answer: Response | None, expected: str = "") -> TaskOutcome:
    task = Task(job=of, request=None, expected=expected)
    return outcome_of(task, answer, NOW, BEGAN, RETRY, 0.0)


# ---- plan


def test_requests_to_callbacks_get_the_rules_for_strangers() -> None:
    """Only a ping goes to an address that the operator named."""
    jobs = [PING, DENY, DELIVER, SUBSCRIBE, UNSUBSCRIBE]
    requests = [task_for(one, SUBSCRIPTION, None, FILE, "c").request for one in jobs]
    assert [request and request.stranger for request in requests] == [False, True, True, True, True]


def test_a_delivery_is_what_the_topic_is_now() -> None:
    """The bytes themselves, not a copy."""
    task = task_for(DELIVER, SUBSCRIPTION, "old", FILE, "c")
    assert task.request is not None
    assert task.request.body is FILE.data
    assert task.expected == "new"
    assert task.request.headers == {
        "Content-Type": "application/rss+xml; charset=utf-8",
        "Link": f'<https://news.example.com/feeds/hub>; rel="hub", <{TOPIC}>; rel="self"',
        "X-Hub-Signature": signature(b"hush", b"<rss/>"),
    }


@pytest.mark.parametrize(
    ("subscription", "delivered", "file"),
    [(None, None, FILE), (SUBSCRIPTION, None, None), (SUBSCRIPTION, "new", FILE)],
    ids=["ended", "the topic ended", "it has these bytes"],
)
def test_an_unneeded_delivery_is_done_without_a_request(
    subscription: Subscription | None, delivered: str | None, file: FeedFile | None
) -> None:
    """It is not counted as an attempt."""
    task = task_for(job(Delivery(had="old")), subscription, delivered, file, "c")
    assert task.request is None
    assert task_for(job(Delivery(had="new")), SUBSCRIPTION, None, FILE, "c").request is None
    assert outcome_of(task, None, NOW, BEGAN, RETRY, 0.0).job_outcome == JobOutcome(
        job=task.job, done=True, attempted=False
    )


def test_a_topic_that_ended_before_the_verification_is_denied() -> None:
    """It ends any subscription. A request to unsubscribe is still verified."""
    task = task_for(SUBSCRIBE, SUBSCRIPTION, None, None, "c")
    assert task.request is not None
    assert "hub.mode=denied" in task.request.url
    assert "hub.challenge" not in task.request.url
    assert [
        outcome_of(task, Response(status=status), NOW, BEGAN, RETRY, 0.0).ended
        for status in (200, 404)
    ] == [True] * 2
    request = task_for(UNSUBSCRIBE, None, None, None, "c").request
    assert request is not None
    assert "hub.mode=unsubscribe" in request.url


# ---- judge


def test_a_lease_runs_from_the_verification_request() -> None:
    """From the time of the GET (§5.3), not of its answer."""
    confirmed = outcome(SUBSCRIBE, Response(status=200, body=b"c"), "c").confirmed
    assert confirmed == Subscription(
        topic=TOPIC,
        callback=CALLBACK,
        secret=b"hi",
        expires=BEGAN + timedelta(seconds=600),
        since=BEGAN,
    )


def test_a_confirmed_unsubscription_ends_it() -> None:
    """One that is not confirmed does not."""
    assert outcome(UNSUBSCRIBE, Response(status=204, body=b"c"), "c").ended
    assert not outcome(UNSUBSCRIBE, Response(status=404, body=b"c"), "c").ended


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=200, body=b"c\n"),
        Response(status=200, body=b"C"),
        Response(status=200, body=b"c", error="no whole answer within 10 s"),
        Response(status=302, body=b"c"),
        Response(status=404, body=b"c"),
        Response(status=500, body=b"c", headers={"retry-after": "5"}),
        Response(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True),
        Response(
            status=None, error="refused: its answer is too large", refused=True, too_large=True
        ),
        Response(status=200, body=b"c", error="refused: its answer is too large", too_large=True),
    ],
)
@pytest.mark.parametrize("of", [SUBSCRIBE, UNSUBSCRIBE])
def test_any_other_answer_refuses(of: Job, answer: Response) -> None:
    """Nothing changes, and the callback is not asked again (§5.3.1)."""
    result = outcome(of, answer, "c")
    assert (result.confirmed, result.ended, result.job_outcome.done) == (None, False, True)
    assert result.job_outcome.error


def test_an_unanswered_verification_is_retried_twice() -> None:
    """Then it is given up, and an existing subscription continues."""
    silence = Response(status=None, error="it refused the connection")
    waits = [
        outcome(replace(SUBSCRIBE, attempts=n), silence, "c").job_outcome.retry_at for n in range(3)
    ]
    assert waits == [NOW + RETRY[0], NOW + RETRY[1], None]


@pytest.mark.parametrize(
    ("of", "answer", "expected"),
    [
        (PING, Response(status=204), {"done": True}),
        (
            PING,
            Response(status=410),
            {"retry_at": NOW + RETRY[0], "error": "it answered 410"},
        ),
        (DENY, Response(status=200), {"done": True}),
        (
            DENY,
            Response(status=500),
            {"retry_at": NOW + RETRY[0], "error": "it answered 500"},
        ),
        (DELIVER, Response(status=410), {"done": True}),
        (
            DELIVER,
            Response(status=301),
            {"retry_at": NOW + RETRY[0], "error": "it answered 301"},
        ),
        (
            DELIVER,
            Response(status=503, headers={"retry-after": "60"}),
            {
                "retry_at": NOW + timedelta(seconds=60),
                "not_before": NOW + timedelta(seconds=60),
                "error": "it answered 503",
            },
        ),
        (
            PING,
            Response(status=503, headers={"retry-after": "1"}),
            {
                "retry_at": NOW + RETRY[0],
                "not_before": NOW + timedelta(seconds=1),
                "error": "it answered 503",
            },
        ),
        (
            PING,
            Response(status=None, error="stopped", stopped=True),
            {"retry_at": NOW, "attempted": False},
        ),
    ],
)
def test_what_an_answer_means(of: Job, answer: Response, expected: dict[str, Any]) -> None:
    """The job is done, retried, or released without an attempt."""
    assert outcome(of, answer, "new").job_outcome == JobOutcome(job=of, **expected)


def test_a_delivery_records_its_digest_and_410_ends_the_subscription() -> None:
    """The digest is that of the bytes that arrived; 410 is in §7."""
    assert outcome(DELIVER, Response(status=200), "new").delivered == "new"
    gone = outcome(DELIVER, Response(status=410), "new")
    assert (gone.delivered, gone.ended) == (None, True)


def test_a_delivery_without_retries_left_is_given_up() -> None:
    """The subscription continues (§7), and the next delivery still waits for Retry-After."""
    result = outcome(job(Delivery(), attempts=3), Response(status=500), "new")
    assert (result.job_outcome.done, result.job_outcome.retry_at, result.ended) == (
        False,
        None,
        False,
    )
    busy = Response(status=503, headers={"retry-after": "60"})
    last = outcome(job(Delivery(), attempts=3), busy, "new").job_outcome
    assert (last.retry_at, last.not_before) == (None, NOW + timedelta(seconds=60))


LARGE = Response(
    status=None, error="refused: its answer is too large", refused=True, too_large=True
)


@pytest.mark.parametrize(
    ("of", "again"),
    [(DELIVER, None), (DENY, None), (PING, NOW + RETRY[0])],
)
def test_an_endless_answer_is_not_retried_for_callbacks(of: Job, again: datetime | None) -> None:
    """The same would happen again. A hub is retried, so that its readers get the change."""
    assert outcome(of, LARGE).job_outcome == JobOutcome(
        job=of, retry_at=again, error="refused: its answer is too large"
    )


def test_a_delivery_with_2xx_is_done_whatever_follows() -> None:
    """A 2xx head counts, even if the trailers are endless."""
    large = Response(status=200, error="refused: its answer is too large", too_large=True)
    result = outcome(DELIVER, large, "new")
    assert (result.job_outcome.done, result.delivered) == (True, "new")


def test_a_delivery_to_a_refused_address_is_retried() -> None:
    """A host name may resolve elsewhere for a while, as behind a captive portal."""
    refused = Response(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True)
    assert outcome(DELIVER, refused).job_outcome.retry_at == NOW + RETRY[0]


def failing_for(days: float) -> Task:
    since = NOW - timedelta(days=days)
    lost = replace(SUBSCRIPTION, failures=40, failing=since, network="192.0.2.1")
    return task_for(DELIVER, lost, "old", FILE, "c")


def test_a_week_of_failures_ends_the_subscription_with_a_reason() -> None:
    """§7 keeps a subscription after a failed delivery; §5.2 allows a denial at any time."""
    result = outcome_of(failing_for(8), Response(status=500), NOW, BEGAN, RETRY, 0.0)
    assert (result.ended, result.reason, result.job_outcome.retry_at) == (
        True,
        "every delivery failed for a week",
        None,
    )
    assert "its subscription ended; it answered 500" in (result.job_outcome.error or "")
    denial = task_for(job(Denial(reason=result.reason)), None, None, FILE, "c").request
    assert denial is not None
    assert "hub.mode=denied" in denial.url
    assert "hub.reason=every%20delivery%20failed%20for%20a%20week" in denial.url
    for task, answer in (
        (failing_for(8), Response(status=200)),
        (failing_for(3), Response(status=500)),
    ):
        assert not outcome_of(task, answer, NOW, BEGAN, RETRY, 0.0).ended
    stopped = outcome_of(
        failing_for(8), Response(status=None, stopped=True), NOW, BEGAN, RETRY, 0.0
    )
    assert not stopped.ended


def test_the_network_of_a_subscription_is_that_of_the_last_connection() -> None:
    """From the verification, and from a delivery to another network."""
    confirmed = outcome(
        SUBSCRIBE, Response(status=200, body=b"c", peer="2001:db8:1:2:3::4"), "c"
    ).confirmed
    assert confirmed is not None
    assert confirmed.network == "2001:db8:1:2::/64"
    networks = [
        outcome_of(
            failing_for(1), Response(status=status, peer=peer), NOW, BEGAN, RETRY, 0.0
        ).network
        for status in (200, 500)
        for peer in (None, "192.0.2.1", "192.0.2.2")
    ]
    assert networks == [None, None, "192.0.2.2"] * 2
