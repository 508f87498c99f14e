"""What a debt asks for, and what the answer means for it and for the subscription it serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Job,
    JobKind,
    JobOutcome,
    Request,
    Response,
    Subscription,
    network_of,
)
from syndicator.websub import hub, publisher
from syndicator.websub.retry import is_lost, next_attempt, retry_after

#: How often a callback that doesn't answer is asked whether it meant it. Any answer at all decides.
ASKED_AGAIN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A debt and the request that pays it."""

    owed: Job
    request: Request | None  #: None: there is nothing left to send, the debt is paid
    expected: str = ""  #: a verification's challenge; the digest of what is delivered
    subscription: Subscription | None = None  #: of a delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOutcome:
    """What became of an errand."""

    settlement: JobOutcome
    delivered: str | None = None  #: digest of the bytes that arrived
    kept: Subscription | None = None  #: verified: it begins, or goes on under these terms
    ended: bool = False  #: the subscription is over
    reason: str | None = None  #: why we ended it, for the subscriber; None: it knows
    network: str | None = None  #: where a delivery went, if that is news


def task_for(
    job: Job,
    subscription: Subscription | None,
    has: str | None,
    file: FeedFile | None,
    challenge: str,
) -> Task:
    """The request that pays a debt.

    `subscription` is the callback's as it stands (None: it has none), `has` the digest of what it was sent
    last, `file` the topic as it is now (None: it isn't made any more). `challenge` is random and used once.
    """
    match job.kind:
        case JobKind.PING:
            return Task(owed=job, request=publisher.ping(job.target, job.topic))
        case JobKind.DENY:
            topic = job.detail.get("topic", job.topic)
            return Task(owed=job, request=hub.denial(job.target, topic, job.detail.get("reason")))
        case JobKind.VERIFY if file is None and job.detail["mode"] == "subscribe":
            return Task(owed=job, request=hub.denial(job.target, job.detail["topic"], hub.NOT_OURS))
        case JobKind.VERIFY:
            return Task(
                owed=job,
                request=hub.verification(job.target, job.detail, challenge),
                expected=challenge,
            )
        case JobKind.DELIVER:
            if subscription is None or file is None or file.digest in (has, job.detail.get("had")):
                return Task(owed=job, request=None)
            request = hub.delivery(subscription, file)
            return Task(owed=job, request=request, expected=file.digest, subscription=subscription)


def outcome_of(
    errand: Task,
    answer: Response | None,
    now: datetime,
    began: datetime,
    retry: Sequence[timedelta],
    jitter: float,
) -> TaskOutcome:
    """What the answer means; None: there was nothing to send. A lease runs from `began`, when it was sent."""
    job = errand.owed
    if answer is None:
        return TaskOutcome(settlement=JobOutcome(job=job, done=True, attempted=False))
    if answer.stopped:
        return TaskOutcome(settlement=JobOutcome(job=job, retry_at=job.due, attempted=False))
    if job.kind is JobKind.VERIFY and errand.expected:
        return _verified(errand, answer, now, began, retry, jitter)
    if job.kind is JobKind.DELIVER:
        return _delivered(errand, answer, _unpaid(job, answer, now, retry, jitter), now)
    over = job.kind is JobKind.VERIFY  # it was denied: no such topic any more
    if answer.succeeded:
        return TaskOutcome(settlement=JobOutcome(job=job, done=True), ended=over)
    return TaskOutcome(settlement=_unpaid(job, answer, now, retry, jitter), ended=over)


def _delivered(errand: Task, answer: Response, failed: JobOutcome, now: datetime) -> TaskOutcome:
    job, subscription = errand.owed, errand.subscription
    network = network_of(answer.peer or "")
    news = network if network and subscription and network != subscription.network else None
    if answer.succeeded:
        return TaskOutcome(
            settlement=JobOutcome(job=job, done=True), delivered=errand.expected, network=news
        )
    if answer.status == 410:  # W3C WebSub §7: it may be ended
        return TaskOutcome(settlement=JobOutcome(job=job, done=True), ended=True)
    if subscription is not None and is_lost(subscription.failing, subscription.failures + 1, now):
        # §7 keeps a subscription whose delivery failed. §5.2 lets a hub deny one at any point, if it says so.
        error = f"{hub.LOST}: its subscription ended; {failed.error}"
        return TaskOutcome(settlement=JobOutcome(job=job, error=error), ended=True, reason=hub.LOST)
    return TaskOutcome(settlement=failed, network=news)


def _verified(
    errand: Task,
    answer: Response,
    now: datetime,
    began: datetime,
    retry: Sequence[timedelta],
    jitter: float,
) -> TaskOutcome:
    job = errand.owed
    if hub.is_verified(answer, errand.expected):
        paid = JobOutcome(job=job, done=True)
        if job.detail["mode"] == "unsubscribe":
            return TaskOutcome(settlement=paid, ended=True)
        network = network_of(answer.peer or "") or None
        return TaskOutcome(settlement=paid, kept=hub.subscription(job, began, network))
    if answer.status is not None or answer.refused:
        # It was asked and didn't mean it: whatever stood before goes on (§5.3.1).
        error = hub.NOT_MEANT if answer.error is None else answer.error
        return TaskOutcome(settlement=JobOutcome(job=job, done=True, error=error))
    failed = _unpaid(job, answer, now, retry[:ASKED_AGAIN], jitter)
    return TaskOutcome(settlement=failed)


def _unpaid(
    job: Job, answer: Response, now: datetime, retry: Sequence[timedelta], jitter: float
) -> JobOutcome:
    # A subscriber that answers without end would do so again; a hub's news must not be lost for it.
    ends = answer.too_large and job.kind is not JobKind.PING
    again = None if ends else next_attempt(job.attempts + 1, retry, answer, now, jitter)
    asked = retry_after(answer, now)
    return JobOutcome(
        job=job,
        retry_at=again,
        not_before=now + asked if asked else None,
        error=answer.error or f"it answered {answer.status}",
    )
