"""The request of each job, and what its answer means for the job and its subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syndicator.model.client_keys import network_of
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Job,
    JobKind,
    JobOutcome,
    Mode,
    Ping,
    Request,
    Response,
    Subscription,
    Verification,
)
from syndicator.websub import hub, publisher
from syndicator.websub.retry import is_lost, next_attempt, retry_after

#: How often a verification is retried while its callback gives no answer. Any answer decides it.
VERIFY_RETRIES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A job and the request that does it."""

    job: Job
    request: Request | None  #: None: there is nothing to send, the job is done
    expected: str = ""  #: a verification's challenge; the digest of what is delivered
    subscription: Subscription | None = None  #: of a delivery; None: the job is another kind


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOutcome:
    """The outcome of a job, and what it changes for the subscription."""

    job_outcome: JobOutcome
    delivered: str | None = None  #: digest of the bytes that arrived; None: none did
    confirmed: Subscription | None = None  #: to begin, or to renew with these terms; None: neither
    ended: bool = False  #: the subscription is over
    reason: str | None = None  #: why we ended it, for the denial; None: no denial is sent
    network: str | None = None  #: the callback's new network; None: unchanged, or unknown


def task_for(
    job: Job,
    subscription: Subscription | None,
    delivered: str | None,
    file: FeedFile | None,
    challenge: str,
) -> Task:
    """The request that does a job.

    `subscription` is the callback's current one (None: it has none), `delivered` the digest of what
    it was last sent (None: unknown), `file` the current topic (None: it is no longer published).
    `challenge` is random and used once.
    """
    match job.detail:
        case Ping():
            return Task(job=job, request=publisher.ping(job.target, job.topic))
        case Denial(topic=topic, reason=reason):
            return Task(job=job, request=hub.denial(job.target, topic or job.topic, reason))
        case Verification(mode=Mode.SUBSCRIBE, topic=topic) if file is None:
            return Task(job=job, request=hub.denial(job.target, topic, hub.TOPIC_ENDED))
        case Verification() as verification:
            request = hub.verification(job.target, verification, challenge)
            return Task(job=job, request=request, expected=challenge)
        case Delivery(had=had):
            if subscription is None or file is None:
                return Task(job=job, request=None)
            if file.digest in (delivered, had):
                return Task(job=job, request=None)
            request = hub.delivery(subscription, file)
            return Task(job=job, request=request, expected=file.digest, subscription=subscription)


def outcome_of(
    task: Task,
    answer: Response | None,
    now: datetime,
    began: datetime,
    retry: Sequence[timedelta],
    jitter: float,
) -> TaskOutcome:
    """What an answer means; None: there was nothing to send.

    `began` is when the request was sent: the lease of a verified subscription runs from then.
    """
    job = task.job
    if answer is None:
        return TaskOutcome(job_outcome=JobOutcome(job=job, done=True, attempted=False))
    if answer.stopped:
        return TaskOutcome(job_outcome=JobOutcome(job=job, retry_at=job.due, attempted=False))
    if isinstance(job.detail, Verification) and task.expected:
        return _verification(task, job.detail, answer, now, began, retry, jitter)
    if job.kind is JobKind.DELIVER:
        return _delivery(task, answer, _failed(job, answer, now, retry, jitter), now)
    ended = job.kind is JobKind.VERIFY  # denied instead, since the topic ended
    if answer.succeeded:
        return TaskOutcome(job_outcome=JobOutcome(job=job, done=True), ended=ended)
    return TaskOutcome(job_outcome=_failed(job, answer, now, retry, jitter), ended=ended)


def _delivery(task: Task, answer: Response, failed: JobOutcome, now: datetime) -> TaskOutcome:
    job, subscription = task.job, task.subscription
    done = JobOutcome(job=job, done=True)
    network = network_of(answer.peer or "")
    moved = network if network and subscription and network != subscription.network else None
    if answer.succeeded:
        return TaskOutcome(job_outcome=done, delivered=task.expected, network=moved)
    if answer.status == 410:  # W3C WebSub §7: the subscription may be ended
        return TaskOutcome(job_outcome=done, ended=True)
    if subscription is not None and is_lost(subscription.failing, subscription.failures + 1, now):
        # A subscription continues after a failed delivery (§7), but a hub may deny one at any time
        # (§5.2).
        error = f"{hub.UNREACHABLE}: its subscription ended; {failed.error}"
        given_up = JobOutcome(job=job, error=error)
        return TaskOutcome(job_outcome=given_up, ended=True, reason=hub.UNREACHABLE)
    return TaskOutcome(job_outcome=failed, network=moved)


def _verification(
    task: Task,
    verification: Verification,
    answer: Response,
    now: datetime,
    began: datetime,
    retry: Sequence[timedelta],
    jitter: float,
) -> TaskOutcome:
    job = task.job
    if hub.is_verified(answer, task.expected):
        done = JobOutcome(job=job, done=True)
        if verification.mode is Mode.UNSUBSCRIBE:
            return TaskOutcome(job_outcome=done, ended=True)
        network = network_of(answer.peer or "") or None
        return TaskOutcome(
            job_outcome=done, confirmed=hub.subscription(job, verification, began, network)
        )
    if answer.status is not None or answer.refused:
        # The callback did not confirm: an existing subscription continues unchanged (§5.3.1).
        error = hub.NOT_CONFIRMED if answer.error is None else answer.error
        return TaskOutcome(job_outcome=JobOutcome(job=job, done=True, error=error))
    return TaskOutcome(job_outcome=_failed(job, answer, now, retry[:VERIFY_RETRIES], jitter))


def _failed(
    job: Job, answer: Response, now: datetime, retry: Sequence[timedelta], jitter: float
) -> JobOutcome:
    # A callback with an endless answer would give the same again. A hub is retried all the same:
    # its readers must not miss the change.
    endless = answer.too_large and job.kind is not JobKind.PING
    retry_at = None if endless else next_attempt(job.attempts + 1, retry, answer, now, jitter)
    wait = retry_after(answer, now)
    return JobOutcome(
        job=job,
        retry_at=retry_at,
        not_before=now + wait if wait else None,
        error=answer.error or f"it answered {answer.status}",
    )
