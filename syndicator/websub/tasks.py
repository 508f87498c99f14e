"""The request of each job, and what its answer means for the job and its subscription."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from syndicator.model.client_keys import network_of
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Denial,
    Done,
    GaveUp,
    Job,
    JobKind,
    JobOutcome,
    Mode,
    Ping,
    Released,
    Request,
    Response,
    Retry,
    Subscription,
    Verification,
)
from syndicator.websub import hub, publisher
from syndicator.websub.retry import RetryPolicy, is_lost, next_attempt, retry_after


class Task(Struct, frozen=True, kw_only=True):
    """A job and the request that does it."""

    job: Job
    request: Request
    expected: str = ""  #: a verification's challenge; the digest of what is delivered
    subscription: Subscription | None = None  #: of a delivery; None: the job is another kind


class Confirmed(Struct, frozen=True, kw_only=True):
    """The callback confirmed that it subscribes, or renews with these terms."""

    subscription: Subscription
    verification: Verification


class Delivered(Struct, frozen=True, kw_only=True):
    """The topic arrived."""

    digest: str  #: of its bytes
    network: str | None = None  #: the callback's new network; None: unchanged, or unknown


class NotDelivered(Struct, frozen=True, kw_only=True):
    """The delivery failed. The subscription continues (W3C WebSub §7)."""

    error: str
    network: str | None = None  #: see `Delivered`


class Ended(Struct, frozen=True):
    """The callback ended it, or knows that it ended."""


class Lost(Struct, frozen=True):
    """Deliveries failed for so long that we end it, and deny it (§5.2)."""


#: What becomes of the subscription that a job belongs to.
SubscriptionChange = Confirmed | Delivered | NotDelivered | Ended | Lost


class TaskOutcome(Struct, frozen=True, kw_only=True):
    """What became of a job, and of its subscription."""

    job: Job
    outcome: JobOutcome
    change: SubscriptionChange | None = None  #: None: nothing changes


#: Returns what is sent of a topic to a callback that has a version of this digest; None: unknown.
Payload = Callable[[FeedFile, str | None], FeedFile]


def task_for(
    job: Job,
    subscription: Subscription | None,
    delivered: str | None,
    file: FeedFile | None,
    challenge: str,
    payload: Payload = lambda file, had: file,
) -> Task | None:
    """The request that does a job; None: nothing has to be sent, the job is done.

    `subscription` is the callback's current one (None: it has none), `delivered` the digest of what
    it was last sent (None: unknown), `file` the current topic (None: it is no longer published).
    `challenge` is random and used once. `payload` chooses what is sent.
    """
    match job.detail:
        case Ping():
            return Task(job=job, request=publisher.ping(job.target, job.topic))
        case Denial() if subscription is not None:  # it subscribed again meanwhile
            return None
        case Denial(topic=topic, reason=reason):
            return Task(job=job, request=hub.denial(job.target, topic or job.topic, reason))
        case Verification(mode=Mode.SUBSCRIBE, topic=topic) if file is None:
            return Task(job=job, request=hub.denial(job.target, topic, hub.TOPIC_ENDED))
        case Verification() as verification:
            request = hub.verification(job.target, verification, challenge)
            return Task(job=job, request=request, expected=challenge)
        case Delivery(had=had):
            if subscription is None or file is None:
                return None
            if file.digest in (delivered, had):
                return None
            request = hub.delivery(subscription, payload(file, delivered))
            return Task(job=job, request=request, expected=file.digest, subscription=subscription)


def outcome_of(
    task: Task,
    response: Response,
    began: datetime,
    now: datetime,
    retry: RetryPolicy,
    jitter: float,
) -> TaskOutcome:
    """What the response to a task's request means.

    `began` is when the request was sent: the lease of a verified subscription runs from then.
    `jitter` is random, from 0 to 1.
    """
    job = task.job
    if response.stopped:
        return TaskOutcome(job=job, outcome=Released(was_sent=True))

    failure = _failure(job, response, now, _schedule(task, response, retry), jitter)
    done_or_failed = Done() if response.succeeded else failure
    match job.detail:
        case Ping() | Denial():
            return TaskOutcome(job=job, outcome=done_or_failed)
        case Verification() if not task.expected:  # denied instead, since the topic ended
            return TaskOutcome(job=job, outcome=done_or_failed, change=Ended())
        case Verification() as verification:
            return _verification(task, verification, response, began, failure)
        case Delivery():
            return _delivery(task, response, now, failure)


def _schedule(task: Task, response: Response, retry: RetryPolicy) -> Sequence[timedelta]:
    """The waits before the retries of a task."""
    match task.job.detail:
        case Ping():
            return retry.pings_after(response)
        case Verification() if task.expected:
            return retry.verifications
        case _:
            return retry.callbacks


def _verification(
    task: Task,
    verification: Verification,
    response: Response,
    began: datetime,
    failure: Retry | GaveUp,
) -> TaskOutcome:
    job = task.job
    if hub.is_verified(response, task.expected):
        if verification.mode is Mode.UNSUBSCRIBE:
            return TaskOutcome(job=job, outcome=Done(), change=Ended())
        network = network_of(response.peer or "") or None
        subscription = hub.subscription(job, verification, began, network)
        change = Confirmed(subscription=subscription, verification=verification)
        return TaskOutcome(job=job, outcome=Done(), change=change)
    if response.status is not None or response.refused:
        # The callback did not confirm: an existing subscription continues unchanged (§5.3.1).
        return TaskOutcome(job=job, outcome=Done(error=response.error or hub.NOT_CONFIRMED))
    return TaskOutcome(job=job, outcome=failure)


def _delivery(
    task: Task, response: Response, now: datetime, failure: Retry | GaveUp
) -> TaskOutcome:
    job, subscription = task.job, task.subscription
    network = network_of(response.peer or "")
    moved = network if network and subscription and network != subscription.network else None
    if response.succeeded:
        arrived = Delivered(digest=task.expected, network=moved)
        return TaskOutcome(job=job, outcome=Done(), change=arrived)
    if response.status == 410:  # W3C WebSub §7: the subscription may be ended
        return TaskOutcome(job=job, outcome=Done(), change=Ended())
    if subscription is not None and is_lost(subscription.failing, subscription.failures + 1, now):
        # A subscription continues after a failed delivery (§7), but a hub may deny one at any time
        # (§5.2).
        error = f"{hub.UNREACHABLE}: its subscription ended; {failure.error}"
        return TaskOutcome(job=job, outcome=GaveUp(error=error), change=Lost())
    failed = NotDelivered(error=failure.error, network=moved)
    return TaskOutcome(job=job, outcome=failure, change=failed)


def _failure(
    job: Job, response: Response, now: datetime, schedule: Sequence[timedelta], jitter: float
) -> Retry | GaveUp:
    error = response.error or f"it answered {response.status}"
    wait = retry_after(response, now)
    not_before = now + wait if wait else None
    # A callback with an endless answer would give the same again. A hub is retried all the same:
    # its readers must not miss the change.
    endless = response.too_large and job.kind is not JobKind.PING
    at = None if endless else next_attempt(job.attempts + 1, schedule, response, now, jitter)
    if at is None:
        return GaveUp(error=error, not_before=not_before)
    return Retry(at=at, error=error, not_before=not_before)
