"""The end of a pass over the outbox: outcomes of jobs are recorded, counted and reported."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection

from syndicator.model.client_keys import host_name
from syndicator.model.content import Problem
from syndicator.model.outbox import (
    JOB_NOUNS,
    Delivery,
    Denial,
    Done,
    GaveUp,
    Job,
    JobKind,
    Released,
    Retry,
    Subscription,
    was_sent,
)
from syndicator.model.report import count
from syndicator.store import claims, deliveries, outbox, pings, subscriptions
from syndicator.store.outbox import JobRow
from syndicator.websub import hub
from syndicator.websub.tasks import Confirmed, Delivered, Ended, Lost, NotDelivered, TaskOutcome

#: Targets whose last failure a report names.
REPORTED = 100


def record(
    connection: Connection,
    outcomes: Sequence[TaskOutcome],
    now: datetime,
    per_host: int | None = None,
    *,
    claimer: str,
) -> None:
    """Record the outcomes of claimed jobs, and change the subscriptions that they belong to.

    Jobs that other claimers took meanwhile are theirs, see `send_again`.

    `per_host`: subscriptions that one host, or one network, may have; None: unlimited. It is
    checked only here, since a verification reveals the callback's network: any number of host names
    with one address count together.
    """
    ended = [(each.job, each.outcome) for each in outcomes]
    ours = claims.record(connection, ended, now, claimer=claimer)
    ours |= {None}  # of a page, which the caller holds
    send_again(connection, [each for each in outcomes if each.job.id not in ours], now)
    outcomes = [each for each in outcomes if each.job.id in ours]
    delivered = list[tuple[str, str, str]]()
    failed = list[tuple[str, str, str]]()
    networks = list[tuple[str, str, str]]()
    pinged = [
        (each.job.topic, each.job.target)
        for each in outcomes
        if each.job.kind is JobKind.PING and not isinstance(each.outcome, Released)
    ]
    pings.record(connection, pinged, now)
    for each in outcomes:
        topic, callback = each.job.topic, each.job.target
        match each.change:
            case Confirmed() as confirmed:
                _subscribe(connection, each.job, confirmed, now, per_host)
            case Delivered(digest=digest, network=network):
                delivered.append((topic, callback, digest))
                networks += [(topic, callback, network)] if network else []
            case NotDelivered(error=error, network=network):
                failed.append((topic, callback, error))
                networks += [(topic, callback, network)] if network else []
            case Ended():
                subscriptions.end(connection, topic, callback)
            case Lost():
                if subscriptions.end(connection, topic, callback, only_failing=True):
                    _deny(connection, each.job, topic, hub.UNREACHABLE, now)
            case None:
                pass
    stopped = [
        (each.job.topic, each.job.target)
        for each in outcomes
        if each.job.kind is JobKind.DELIVER
        and isinstance(each.outcome, Released)
        and was_sent(each.outcome)
    ]
    subscriptions.record_delivered(connection, delivered, now)
    subscriptions.record_failed(connection, failed, now)
    subscriptions.record_unknown(connection, stopped)
    subscriptions.set_network(connection, networks)


def send_again(connection: Connection, lost: Sequence[TaskOutcome], now: datetime) -> None:
    """Queue deliveries again that were sent after another process took their jobs or their page.

    They may have arrived after the newer ones of that process.
    """
    for each in lost:
        if each.job.kind is JobKind.DELIVER and was_sent(each.outcome):
            _queue_again(connection, each.job, now)


def _queue_again(connection: Connection, job: Job, now: datetime) -> None:
    """Queue a delivery to the target of a job. Whatever arrives before, it is sent."""
    subscriptions.record_late(connection, job.topic, job.target)
    again = JobRow(detail=Delivery(), target=job.target, topic=job.topic)
    outbox.enqueue(connection, [again], now)


def _subscribe(
    connection: Connection,
    job: Job,
    confirmed: Confirmed,
    now: datetime,
    per_host: int | None,
) -> None:
    """Begin or renew a verified subscription, or deny it if its host has too many."""
    subscription, verification = confirmed.subscription, confirmed.verification
    if per_host is not None and not _is_allowed(connection, subscription, per_host, now):
        _deny(connection, job, verification.topic, hub.LIMIT_REACHED, now)
        return
    if deliveries.has_old_secret(connection, subscription, now):
        _queue_again(connection, job, now)
    published = deliveries.was_published(connection, job.topic, job.since)
    digest = subscriptions.ANY_DIGEST if published else verification.had
    # As of now: if the lease before ended while this one was being confirmed, a page may have
    # passed the subscriber by meanwhile.
    subscriptions.upsert(connection, replace(subscription, since=now), digest)


def _is_allowed(
    connection: Connection, confirmed: Subscription, per_host: int, now: datetime
) -> bool:
    """Whether the host may have this subscription. An existing one can always be renewed."""
    if subscriptions.find(connection, [(confirmed.topic, confirmed.callback)], now):
        return True
    host = host_name(confirmed.callback)
    return subscriptions.total_at(connection, host, confirmed.network, now) < per_host


def _deny(connection: Connection, job: Job, topic: str, reason: str, now: datetime) -> None:
    """Queue a denial to the callback of a job. `topic`: as the subscriber named it."""
    detail = Denial(topic=topic, reason=reason)
    outbox.enqueue(connection, [JobRow(detail=detail, target=job.target, topic=job.topic)], now)


class PushReport(Struct, kw_only=True):
    """What a pass did. The fields are public: `syndicator push --json` prints them."""

    started: datetime
    seconds: float = 0.0
    done: Counter[JobKind] = field(default_factory=Counter)  #: jobs that are done
    #: Jobs that failed and are to be retried.
    retried: Counter[JobKind] = field(default_factory=Counter)
    given_up: Counter[JobKind] = field(default_factory=Counter)  #: jobs without retries left
    ended: int = 0  #: subscriptions that ended since their deliveries failed for too long
    problems: tuple[Problem, ...] = ()  #: the last failure of each target, of `REPORTED` targets
    queued: int | None = None  #: jobs still queued; None: they were not counted
    next_due: datetime | None = None  #: when the next of them is due; None: the outbox is empty

    def count(self, task_outcome: TaskOutcome) -> None:
        """Count one attempt. A released job is not an attempt."""
        job, outcome = task_outcome.job, task_outcome.outcome
        match outcome:
            case Done():
                self.done[job.kind] += 1
            case Retry():
                self.retried[job.kind] += 1
            case GaveUp():
                self.given_up[job.kind] += 1
            case Released():
                return
        self.ended += isinstance(task_outcome.change, Lost)
        if outcome.error is None:
            return
        is_ping = job.kind is JobKind.PING
        name = job.target if is_ping else subscriptions.callback_label(job.target)
        problems = {each.path: each for each in self.problems}
        if name in problems or len(problems) < REPORTED:
            problems[name] = Problem(path=name, message=outcome.error)
            self.problems = tuple(problems.values())

    def then(self, later: "PushReport") -> "PushReport":
        """The report of this pass and a later one together."""
        return replace(
            later,
            started=self.started,
            seconds=self.seconds + later.seconds,
            done=self.done + later.done,
            retried=self.retried + later.retried,
            given_up=self.given_up + later.given_up,
            ended=self.ended + later.ended,
            problems=tuple({one.path: one for one in (*self.problems, *later.problems)}.values()),
        )

    def summary(self) -> str:
        """The pass in one line: `8 pings sent; 2 failed (1 given up); 3 still queued`."""
        sent = [f"{number:,} {JOB_NOUNS[kind][number != 1]}" for kind, number in self.done.items()]
        given_up = self.given_up.total()
        failed = self.retried.total() + given_up
        parts = [f"{', '.join(sent) or 'nothing'} sent"]
        if failed:
            parts.append(f"{failed:,} failed" + (f" ({given_up:,} given up)" if given_up else ""))
        if self.ended:
            parts.append(f"{count(self.ended, 'subscription')} ended after a week of failures")
        if self.queued:
            parts.append(f"{self.queued:,} still queued")
        return "; ".join(parts)
