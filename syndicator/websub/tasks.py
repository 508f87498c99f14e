"""What a debt asks for, and what the answer means for it and for the subscription it serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Answer, Kind, Owed, Request, Settlement, Subscription, network_of
from syndicator.websub import hub, publisher
from syndicator.websub.retry import is_lost, next_attempt, retry_after

#: How often a callback that doesn't answer is asked whether it meant it. Any answer at all decides.
ASKED_AGAIN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """A debt and the request that pays it."""

    owed: Owed
    request: Request | None  #: None: there is nothing left to send, the debt is paid
    expected: str = ""  #: a verification's challenge; the digest of what is delivered
    subscription: Subscription | None = None  #: of a delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of an errand."""

    settlement: Settlement
    delivered: str | None = None  #: digest of the bytes that arrived
    kept: Subscription | None = None  #: verified: it begins, or goes on under these terms
    ended: bool = False  #: the subscription is over
    reason: str | None = None  #: why we ended it, for the subscriber; None: it knows
    network: str | None = None  #: where a delivery went, if that is news


def plan(
    debt: Owed, subscription: Subscription | None, has: str | None, file: FeedFile | None, challenge: str
) -> Errand:
    """The request that pays a debt.

    `subscription` is the callback's as it stands (None: it has none), `has` the digest of what it was sent
    last, `file` the topic as it is now (None: it isn't made any more). `challenge` is random and used once.
    """
    match debt.kind:
        case Kind.PING:
            return Errand(owed=debt, request=publisher.ping(debt.target, debt.topic))
        case Kind.DENY:
            topic = debt.detail.get("topic", debt.topic)
            return Errand(owed=debt, request=hub.denial(debt.target, topic, debt.detail.get("reason")))
        case Kind.VERIFY if file is None and debt.detail["mode"] == "subscribe":
            return Errand(owed=debt, request=hub.denial(debt.target, debt.detail["topic"], hub.NOT_OURS))
        case Kind.VERIFY:
            return Errand(owed=debt, request=hub.verification(debt.target, debt.detail, challenge), expected=challenge)
        case Kind.DELIVER:
            if subscription is None or file is None or file.digest in (has, debt.detail.get("had")):
                return Errand(owed=debt, request=None)
            request = hub.delivery(subscription, file)
            return Errand(owed=debt, request=request, expected=file.digest, subscription=subscription)


def judge(
    errand: Errand, answer: Answer | None, now: datetime, began: datetime, retry: Sequence[timedelta], jitter: float
) -> Outcome:
    """What the answer means; None: there was nothing to send. A lease runs from `began`, when it was sent."""
    debt = errand.owed
    if answer is None:
        return Outcome(settlement=Settlement(owed=debt, paid=True, tried=False))
    if answer.stopped:
        return Outcome(settlement=Settlement(owed=debt, again=debt.due, tried=False))
    if debt.kind is Kind.VERIFY and errand.expected:
        return _verified(errand, answer, now, began, retry, jitter)
    if debt.kind is Kind.DELIVER:
        return _delivered(errand, answer, _unpaid(debt, answer, now, retry, jitter), now)
    over = debt.kind is Kind.VERIFY  # it was denied: no such topic any more
    if answer.taken:
        return Outcome(settlement=Settlement(owed=debt, paid=True), ended=over)
    return Outcome(settlement=_unpaid(debt, answer, now, retry, jitter), ended=over)


def _delivered(errand: Errand, answer: Answer, unpaid: Settlement, now: datetime) -> Outcome:
    debt, subscription = errand.owed, errand.subscription
    network = network_of(answer.peer or "")
    news = network if network and subscription and network != subscription.network else None
    if answer.taken:
        return Outcome(settlement=Settlement(owed=debt, paid=True), delivered=errand.expected, network=news)
    if answer.status == 410:  # W3C WebSub §7: it may be ended
        return Outcome(settlement=Settlement(owed=debt, paid=True), ended=True)
    if subscription is not None and is_lost(subscription.failing, subscription.failures + 1, now):
        # §7 keeps a subscription whose delivery failed. §5.2 lets a hub deny one at any point, if it says so.
        error = f"{hub.LOST}: its subscription ended; {unpaid.error}"
        return Outcome(settlement=Settlement(owed=debt, error=error), ended=True, reason=hub.LOST)
    return Outcome(settlement=unpaid, network=news)


def _verified(
    errand: Errand,
    answer: Answer,
    now: datetime,
    began: datetime,
    retry: Sequence[timedelta],
    jitter: float,
) -> Outcome:
    debt = errand.owed
    if hub.is_verified(answer, errand.expected):
        paid = Settlement(owed=debt, paid=True)
        if debt.detail["mode"] == "unsubscribe":
            return Outcome(settlement=paid, ended=True)
        network = network_of(answer.peer or "") or None
        return Outcome(settlement=paid, kept=hub.subscription(debt, began, network))
    if answer.status is not None or answer.refused:
        # It was asked and didn't mean it: whatever stood before goes on (§5.3.1).
        error = hub.NOT_MEANT if answer.error is None else answer.error
        return Outcome(settlement=Settlement(owed=debt, paid=True, error=error))
    unpaid = _unpaid(debt, answer, now, retry[:ASKED_AGAIN], jitter)
    return Outcome(settlement=unpaid)


def _unpaid(debt: Owed, answer: Answer, now: datetime, retry: Sequence[timedelta], jitter: float) -> Settlement:
    # A subscriber that answers without end would do so again; a hub's news must not be lost for it.
    ends = answer.too_large and debt.kind is not Kind.PING
    again = None if ends else next_attempt(debt.attempts + 1, retry, answer, now, jitter)
    asked = retry_after(answer, now)
    return Settlement(
        owed=debt,
        again=again,
        not_before=now + asked if asked else None,
        error=answer.error or f"it answered {answer.status}",
    )
