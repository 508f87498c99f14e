"""What a debt asks for, and what the answer means for it and for the subscription it serves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Job, JobKind, JobOutcome, Response, Subscription
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


def job(kind: JobKind, attempts: int = 0, **detail: Any) -> Job:
    return Job(
        id=1,
        kind=kind,
        target=CALLBACK,
        topic=TOPIC,
        attempts=attempts,
        since=NOW,
        due=NOW,
        detail=detail,
    )


SUBSCRIBE = job(JobKind.VERIFY, mode="subscribe", topic=TOPIC, lease=600, secret="6869")
UNSUBSCRIBE = job(JobKind.VERIFY, mode="unsubscribe", topic=TOPIC)


def outcome(of: Job, answer: Response | None, expected: str = "") -> TaskOutcome:
    errand = Task(owed=of, request=None, expected=expected)
    return outcome_of(errand, answer, NOW, BEGAN, RETRY, 0.0)


# ------------------------------------------------------------------------------------------------ plan


def test_everything_for_callbacks_is_held_to_the_rules_for_strangers() -> None:
    """Only a ping goes where the operator said."""
    jobs = [job(JobKind.PING), job(JobKind.DENY), job(JobKind.DELIVER), SUBSCRIBE, UNSUBSCRIBE]
    requests = [task_for(one, SUBSCRIPTION, None, FILE, "c").request for one in jobs]
    assert [request and request.stranger for request in requests] == [False, True, True, True, True]


def test_a_delivery_is_what_the_topic_is_now() -> None:
    """The very bytes: shared, not copied."""
    errand = task_for(job(JobKind.DELIVER), SUBSCRIPTION, "old", FILE, "c")
    assert errand.request is not None
    assert errand.request.body is FILE.data
    assert errand.expected == "new"
    assert errand.request.headers == {
        "Content-Type": "application/rss+xml; charset=utf-8",
        "Link": f'<https://news.example.com/feeds/hub>; rel="hub", <{TOPIC}>; rel="self"',
        "X-Hub-Signature": signature(b"hush", b"<rss/>"),
    }


@pytest.mark.parametrize(
    ("subscription", "has", "file"),
    [(None, None, FILE), (SUBSCRIPTION, None, None), (SUBSCRIPTION, "new", FILE)],
    ids=["ended", "no such topic any more", "it has these bytes"],
)
def test_a_delivery_that_nobody_needs_is_paid_without_a_request(
    subscription: Subscription | None, has: str | None, file: FeedFile | None
) -> None:
    """And isn't counted as an attempt."""
    errand = task_for(job(JobKind.DELIVER, had="old"), subscription, has, file, "c")
    assert errand.request is None
    assert task_for(job(JobKind.DELIVER, had="new"), SUBSCRIPTION, None, FILE, "c").request is None
    assert outcome_of(errand, None, NOW, BEGAN, RETRY, 0.0).settlement == JobOutcome(
        job=errand.owed, done=True, attempted=False
    )


def test_a_topic_that_ended_before_the_verification_is_denied() -> None:
    """Nobody is asked to confirm what they can't have, nor has it then; unsubscribing is asked about all the same."""
    errand = task_for(SUBSCRIBE, SUBSCRIPTION, None, None, "c")
    assert errand.request is not None
    assert "hub.mode=denied" in errand.request.url
    assert "hub.challenge" not in errand.request.url
    assert [
        outcome_of(errand, Response(status=status), NOW, BEGAN, RETRY, 0.0).ended
        for status in (200, 404)
    ] == [True] * 2
    request = task_for(UNSUBSCRIBE, None, None, None, "c").request
    assert request is not None
    assert "hub.mode=unsubscribe" in request.url


# ----------------------------------------------------------------------------------------------- judge


def test_a_lease_counts_from_the_question() -> None:
    """From the moment of the GET (§5.3), not from the answer."""
    kept = outcome(SUBSCRIBE, Response(status=200, body=b"c"), "c").kept
    assert kept == Subscription(
        topic=TOPIC,
        callback=CALLBACK,
        secret=b"hi",
        expires=BEGAN + timedelta(seconds=600),
        since=BEGAN,
    )


def test_a_confirmed_unsubscription_ends_it() -> None:
    """And only a confirmed one."""
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
def test_any_other_answer_decides_too(of: Job, answer: Response) -> None:
    """No is no: nothing changes, and nobody is asked again (§5.3.1)."""
    found = outcome(of, answer, "c")
    assert (found.kept, found.ended, found.settlement.done) == (None, False, True)
    assert found.settlement.error


def test_a_callback_that_does_not_answer_is_asked_again_twice() -> None:
    """Then the request is forgotten, and what stood before goes on."""
    silence = Response(status=None, error="it refused the connection")
    waits = [
        outcome(job(JobKind.VERIFY, n, **SUBSCRIBE.detail), silence, "c").settlement.retry_at
        for n in range(3)
    ]
    assert waits == [NOW + RETRY[0], NOW + RETRY[1], None]


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (JobKind.PING, Response(status=204), {"done": True}),
        (
            JobKind.PING,
            Response(status=410),
            {"retry_at": NOW + RETRY[0], "error": "it answered 410"},
        ),
        (JobKind.DENY, Response(status=200), {"done": True}),
        (
            JobKind.DENY,
            Response(status=500),
            {"retry_at": NOW + RETRY[0], "error": "it answered 500"},
        ),
        (JobKind.DELIVER, Response(status=410), {"done": True}),
        (
            JobKind.DELIVER,
            Response(status=301),
            {"retry_at": NOW + RETRY[0], "error": "it answered 301"},
        ),
        (
            JobKind.DELIVER,
            Response(status=503, headers={"retry-after": "60"}),
            {
                "retry_at": NOW + timedelta(seconds=60),
                "not_before": NOW + timedelta(seconds=60),
                "error": "it answered 503",
            },
        ),
        (
            JobKind.PING,
            Response(status=503, headers={"retry-after": "1"}),
            {
                "retry_at": NOW + RETRY[0],
                "not_before": NOW + timedelta(seconds=1),
                "error": "it answered 503",
            },
        ),
        (
            JobKind.PING,
            Response(status=None, error="stopped", stopped=True),
            {"retry_at": NOW, "attempted": False},
        ),
    ],
)
def test_what_an_answer_means(kind: JobKind, answer: Response, expected: dict[str, Any]) -> None:
    """Paid, tried again, or given back untried."""
    of = job(kind)
    assert outcome(of, answer, "new").settlement == JobOutcome(job=of, **expected)


def test_what_arrived_is_noted_and_gone_ends_it() -> None:
    """The digest of the bytes that arrived; 410 ends the subscription (§7)."""
    assert outcome(job(JobKind.DELIVER), Response(status=200), "new").delivered == "new"
    gone = outcome(job(JobKind.DELIVER), Response(status=410), "new")
    assert (gone.delivered, gone.ended) == (None, True)


def test_retries_come_to_an_end() -> None:
    """The debt is given up; the subscription is not (§7), and the next change comes no sooner than was asked."""
    found = outcome(job(JobKind.DELIVER, attempts=3), Response(status=500), "new")
    assert (found.settlement.done, found.settlement.retry_at, found.ended) == (False, None, False)
    busy = Response(status=503, headers={"retry-after": "60"})
    last = outcome(job(JobKind.DELIVER, attempts=3), busy, "new").settlement
    assert (last.retry_at, last.not_before) == (None, NOW + timedelta(seconds=60))


LARGE = Response(
    status=None, error="refused: its answer is too large", refused=True, too_large=True
)


@pytest.mark.parametrize(
    ("kind", "again"),
    [(JobKind.DELIVER, None), (JobKind.DENY, None), (JobKind.PING, NOW + RETRY[0])],
)
def test_a_subscriber_that_answers_without_end_is_not_sent_the_same_again(
    kind: JobKind, again: datetime | None
) -> None:
    """It had it, and would answer so again. A hub is tried again: readers wait for what it has to tell."""
    assert outcome(job(kind), LARGE).settlement == JobOutcome(
        job=job(kind), retry_at=again, error="refused: its answer is too large"
    )


def test_a_delivery_that_was_taken_is_paid_whatever_follows() -> None:
    """A 2xx whose head was read is one, although its trailers have no end."""
    large = Response(status=200, error="refused: its answer is too large", too_large=True)
    found = outcome(job(JobKind.DELIVER), large, "new")
    assert (found.settlement.done, found.delivered) == (True, "new")


def test_a_delivery_to_an_address_that_is_not_allowed_is_tried_again() -> None:
    """A name may lead elsewhere for a while, as in a network that wants a password first."""
    refused = Response(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True)
    assert outcome(job(JobKind.DELIVER), refused).settlement.retry_at == NOW + RETRY[0]


def failing_for(days: float) -> Task:
    since = NOW - timedelta(days=days)
    lost = replace(SUBSCRIPTION, failures=40, failing=since, network="192.0.2.1")
    return task_for(job(JobKind.DELIVER), lost, "old", FILE, "c")


def test_a_week_of_failures_ends_the_subscription_and_says_why() -> None:
    """§7 keeps a subscription whose delivery failed; §5.2 lets a hub deny one at any point, if it says so."""
    found = outcome_of(failing_for(8), Response(status=500), NOW, BEGAN, RETRY, 0.0)
    assert (found.ended, found.reason, found.settlement.retry_at) == (
        True,
        "no delivery arrived for a week",
        None,
    )
    assert "its subscription ended; it answered 500" in (found.settlement.error or "")
    told = task_for(job(JobKind.DENY, reason=found.reason), None, None, FILE, "c").request
    assert told is not None
    assert "hub.mode=denied" in told.url
    assert "hub.reason=no%20delivery%20arrived%20for%20a%20week" in told.url
    for errand, answer in (
        (failing_for(8), Response(status=200)),
        (failing_for(3), Response(status=500)),
    ):
        assert not outcome_of(errand, answer, NOW, BEGAN, RETRY, 0.0).ended
    stopped = outcome_of(
        failing_for(8), Response(status=None, stopped=True), NOW, BEGAN, RETRY, 0.0
    )
    assert not stopped.ended


def test_a_subscription_is_where_its_callback_was_last_connected_to() -> None:
    """Once verified, and again when a delivery goes elsewhere."""
    kept = outcome(SUBSCRIBE, Response(status=200, body=b"c", peer="2001:db8:1:2:3::4"), "c").kept
    assert kept is not None
    assert kept.network == "2001:db8:1:2::/64"
    networks = [
        outcome_of(
            failing_for(1), Response(status=status, peer=peer), NOW, BEGAN, RETRY, 0.0
        ).network
        for status in (200, 500)
        for peer in (None, "192.0.2.1", "192.0.2.2")
    ]
    assert networks == [None, None, "192.0.2.2"] * 2
