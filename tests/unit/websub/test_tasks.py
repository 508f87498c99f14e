"""What a debt asks for, and what the answer means for it and for the subscription it serves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Answer, Kind, Owed, Settlement, Subscription
from syndicator.websub.signatures import signature
from syndicator.websub.tasks import Errand, Outcome, judge, plan

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
SUBSCRIPTION = Subscription(topic=TOPIC, callback=CALLBACK, secret=b"hush", expires=NOW + timedelta(days=1), since=NOW)
RETRY = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))


def debt(kind: Kind, attempts: int = 0, **detail: Any) -> Owed:
    return Owed(id=1, kind=kind, target=CALLBACK, topic=TOPIC, attempts=attempts, since=NOW, due=NOW, detail=detail)


SUBSCRIBE = debt(Kind.VERIFY, mode="subscribe", topic=TOPIC, lease=600, secret="6869")
UNSUBSCRIBE = debt(Kind.VERIFY, mode="unsubscribe", topic=TOPIC)


def outcome(of: Owed, answer: Answer | None, expected: str = "") -> Outcome:
    errand = Errand(owed=of, request=None, expected=expected)
    return judge(errand, answer, NOW, BEGAN, RETRY, 0.0)


# ------------------------------------------------------------------------------------------------ plan


def test_everything_for_callbacks_is_held_to_the_rules_for_strangers() -> None:
    """Only a ping goes where the operator said."""
    debts = [debt(Kind.PING), debt(Kind.DENY), debt(Kind.DELIVER), SUBSCRIBE, UNSUBSCRIBE]
    requests = [plan(one, SUBSCRIPTION, None, FILE, "c").request for one in debts]
    assert [request and request.stranger for request in requests] == [False, True, True, True, True]


def test_a_delivery_is_what_the_topic_is_now() -> None:
    """The very bytes: shared, not copied."""
    errand = plan(debt(Kind.DELIVER), SUBSCRIPTION, "old", FILE, "c")
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
    errand = plan(debt(Kind.DELIVER, had="old"), subscription, has, file, "c")
    assert errand.request is None
    assert plan(debt(Kind.DELIVER, had="new"), SUBSCRIPTION, None, FILE, "c").request is None
    assert judge(errand, None, NOW, BEGAN, RETRY, 0.0).settlement == Settlement(
        owed=errand.owed, paid=True, tried=False
    )


def test_a_topic_that_ended_before_the_verification_is_denied() -> None:
    """Nobody is asked to confirm what they can't have, nor has it then; unsubscribing is asked about all the same."""
    errand = plan(SUBSCRIBE, SUBSCRIPTION, None, None, "c")
    assert errand.request is not None
    assert "hub.mode=denied" in errand.request.url
    assert "hub.challenge" not in errand.request.url
    assert [judge(errand, Answer(status=status), NOW, BEGAN, RETRY, 0.0).ended for status in (200, 404)] == [True] * 2
    request = plan(UNSUBSCRIBE, None, None, None, "c").request
    assert request is not None
    assert "hub.mode=unsubscribe" in request.url


# ----------------------------------------------------------------------------------------------- judge


def test_a_lease_counts_from_the_question() -> None:
    """From the moment of the GET (§5.3), not from the answer."""
    kept = outcome(SUBSCRIBE, Answer(status=200, body=b"c"), "c").kept
    assert kept == Subscription(
        topic=TOPIC, callback=CALLBACK, secret=b"hi", expires=BEGAN + timedelta(seconds=600), since=BEGAN
    )


def test_a_confirmed_unsubscription_ends_it() -> None:
    """And only a confirmed one."""
    assert outcome(UNSUBSCRIBE, Answer(status=204, body=b"c"), "c").ended
    assert not outcome(UNSUBSCRIBE, Answer(status=404, body=b"c"), "c").ended


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=200, body=b"c\n"),
        Answer(status=200, body=b"C"),
        Answer(status=200, body=b"c", error="no whole answer within 10 s"),
        Answer(status=302, body=b"c"),
        Answer(status=404, body=b"c"),
        Answer(status=500, body=b"c", headers={"retry-after": "5"}),
        Answer(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True),
        Answer(status=None, error="refused: its answer is too large", refused=True, too_large=True),
        Answer(status=200, body=b"c", error="refused: its answer is too large", too_large=True),
    ],
)
@pytest.mark.parametrize("of", [SUBSCRIBE, UNSUBSCRIBE])
def test_any_other_answer_decides_too(of: Owed, answer: Answer) -> None:
    """No is no: nothing changes, and nobody is asked again (§5.3.1)."""
    found = outcome(of, answer, "c")
    assert (found.kept, found.ended, found.settlement.paid) == (None, False, True)
    assert found.settlement.error


def test_a_callback_that_does_not_answer_is_asked_again_twice() -> None:
    """Then the request is forgotten, and what stood before goes on."""
    silence = Answer(status=None, error="it refused the connection")
    waits = [outcome(debt(Kind.VERIFY, n, **SUBSCRIBE.detail), silence, "c").settlement.again for n in range(3)]
    assert waits == [NOW + RETRY[0], NOW + RETRY[1], None]


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (Kind.PING, Answer(status=204), {"paid": True}),
        (Kind.PING, Answer(status=410), {"again": NOW + RETRY[0], "error": "it answered 410"}),
        (Kind.DENY, Answer(status=200), {"paid": True}),
        (Kind.DENY, Answer(status=500), {"again": NOW + RETRY[0], "error": "it answered 500"}),
        (Kind.DELIVER, Answer(status=410), {"paid": True}),
        (Kind.DELIVER, Answer(status=301), {"again": NOW + RETRY[0], "error": "it answered 301"}),
        (
            Kind.DELIVER,
            Answer(status=503, headers={"retry-after": "60"}),
            {
                "again": NOW + timedelta(seconds=60),
                "not_before": NOW + timedelta(seconds=60),
                "error": "it answered 503",
            },
        ),
        (
            Kind.PING,
            Answer(status=503, headers={"retry-after": "1"}),
            {"again": NOW + RETRY[0], "not_before": NOW + timedelta(seconds=1), "error": "it answered 503"},
        ),
        (Kind.PING, Answer(status=None, error="stopped", stopped=True), {"again": NOW, "tried": False}),
    ],
)
def test_what_an_answer_means(kind: Kind, answer: Answer, expected: dict[str, Any]) -> None:
    """Paid, tried again, or given back untried."""
    of = debt(kind)
    assert outcome(of, answer, "new").settlement == Settlement(owed=of, **expected)


def test_what_arrived_is_noted_and_gone_ends_it() -> None:
    """The digest of the bytes that arrived; 410 ends the subscription (§7)."""
    assert outcome(debt(Kind.DELIVER), Answer(status=200), "new").delivered == "new"
    gone = outcome(debt(Kind.DELIVER), Answer(status=410), "new")
    assert (gone.delivered, gone.ended) == (None, True)


def test_retries_come_to_an_end() -> None:
    """The debt is given up; the subscription is not (§7), and the next change comes no sooner than was asked."""
    found = outcome(debt(Kind.DELIVER, attempts=3), Answer(status=500), "new")
    assert (found.settlement.paid, found.settlement.again, found.ended) == (False, None, False)
    busy = Answer(status=503, headers={"retry-after": "60"})
    last = outcome(debt(Kind.DELIVER, attempts=3), busy, "new").settlement
    assert (last.again, last.not_before) == (None, NOW + timedelta(seconds=60))


LARGE = Answer(status=None, error="refused: its answer is too large", refused=True, too_large=True)


@pytest.mark.parametrize(("kind", "again"), [(Kind.DELIVER, None), (Kind.DENY, None), (Kind.PING, NOW + RETRY[0])])
def test_a_subscriber_that_answers_without_end_is_not_sent_the_same_again(kind: Kind, again: datetime | None) -> None:
    """It had it, and would answer so again. A hub is tried again: readers wait for what it has to tell."""
    assert outcome(debt(kind), LARGE).settlement == Settlement(
        owed=debt(kind), again=again, error="refused: its answer is too large"
    )


def test_a_delivery_that_was_taken_is_paid_whatever_follows() -> None:
    """A 2xx whose head was read is one, although its trailers have no end."""
    large = Answer(status=200, error="refused: its answer is too large", too_large=True)
    found = outcome(debt(Kind.DELIVER), large, "new")
    assert (found.settlement.paid, found.delivered) == (True, "new")


def test_a_delivery_to_an_address_that_is_not_allowed_is_tried_again() -> None:
    """A name may lead elsewhere for a while, as in a network that wants a password first."""
    refused = Answer(status=None, error="refused: 10.0.0.0/8 is Private-Use", refused=True)
    assert outcome(debt(Kind.DELIVER), refused).settlement.again == NOW + RETRY[0]


def failing_for(days: float) -> Errand:
    since = NOW - timedelta(days=days)
    lost = replace(SUBSCRIPTION, failures=40, failing=since, network="192.0.2.1")
    return plan(debt(Kind.DELIVER), lost, "old", FILE, "c")


def test_a_week_of_failures_ends_the_subscription_and_says_why() -> None:
    """§7 keeps a subscription whose delivery failed; §5.2 lets a hub deny one at any point, if it says so."""
    found = judge(failing_for(8), Answer(status=500), NOW, BEGAN, RETRY, 0.0)
    assert (found.ended, found.reason, found.settlement.again) == (True, "no delivery arrived for a week", None)
    assert "its subscription ended; it answered 500" in (found.settlement.error or "")
    told = plan(debt(Kind.DENY, reason=found.reason), None, None, FILE, "c").request
    assert told is not None
    assert "hub.mode=denied" in told.url
    assert "hub.reason=no%20delivery%20arrived%20for%20a%20week" in told.url
    for errand, answer in ((failing_for(8), Answer(status=200)), (failing_for(3), Answer(status=500))):
        assert not judge(errand, answer, NOW, BEGAN, RETRY, 0.0).ended
    stopped = judge(failing_for(8), Answer(status=None, stopped=True), NOW, BEGAN, RETRY, 0.0)
    assert not stopped.ended


def test_a_subscription_is_where_its_callback_was_last_connected_to() -> None:
    """Once verified, and again when a delivery goes elsewhere."""
    kept = outcome(SUBSCRIBE, Answer(status=200, body=b"c", peer="2001:db8:1:2:3::4"), "c").kept
    assert kept is not None
    assert kept.network == "2001:db8:1:2::/64"
    networks = [
        judge(failing_for(1), Answer(status=status, peer=peer), NOW, BEGAN, RETRY, 0.0).network
        for status in (200, 500)
        for peer in (None, "192.0.2.1", "192.0.2.2")
    ]
    assert networks == [None, None, "192.0.2.2"] * 2
