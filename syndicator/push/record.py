"""The end of a pass over the outbox: outcomes of jobs are recorded, counted and reported."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syndicator.model.client_keys import host_name
from syndicator.model.content import Problem, count
from syndicator.model.outbox import JOB_NOUNS, Denial, Job, JobKind, Subscription, Verification
from syndicator.store import claims, deliveries, outbox, subscriptions
from syndicator.store.outbox import JobRow
from syndicator.websub import hub
from syndicator.websub.tasks import TaskOutcome

#: Targets whose last failure a report names.
REPORTED = 100


def record(
    connection: Connection,
    outcomes: Sequence[TaskOutcome],
    now: datetime,
    per_host: int | None = None,
) -> None:
    """Record the outcomes of claimed jobs, and change the subscriptions that they belong to.

    `per_host`: subscriptions that one host, or one network, may have; None: unlimited. It is
    checked only here, since a verification reveals the callback's network: any number of host names
    with one address count together.
    """
    delivered = list[tuple[str, str, str]]()
    failed = list[tuple[str, str, str]]()
    networks = list[tuple[str, str, str]]()
    claims.record(connection, [outcome.job_outcome for outcome in outcomes], now)
    for outcome in outcomes:
        job, error = outcome.job_outcome.job, outcome.job_outcome.error
        if outcome.network is not None:
            networks.append((job.topic, job.target, outcome.network))
        if outcome.confirmed is not None:
            _subscribe(connection, job, outcome.confirmed, now, per_host)
        elif outcome.ended:
            unreachable = outcome.reason is not None
            ended = subscriptions.end(connection, job.topic, job.target, only_failing=unreachable)
            if ended and outcome.reason is not None:
                _deny(connection, job, outcome.reason, now)
        elif outcome.delivered is not None:
            delivered.append((job.topic, job.target, outcome.delivered))
        elif job.kind is JobKind.DELIVER and error is not None:
            failed.append((job.topic, job.target, error))
    subscriptions.record_delivered(connection, delivered, now)
    subscriptions.record_failed(connection, failed, now)
    subscriptions.set_network(connection, networks)


def _subscribe(
    connection: Connection,
    job: Job,
    confirmed: Subscription,
    now: datetime,
    per_host: int | None,
) -> None:
    """Begin or renew a verified subscription, or deny it if its host has too many."""
    if per_host is not None and not _is_allowed(connection, confirmed, per_host, now):
        _deny(connection, job, hub.LIMIT_REACHED, now)
        return
    verification = job.detail
    assert isinstance(verification, Verification)
    published = deliveries.was_published(connection, job.topic, job.since)
    digest = subscriptions.ANY_DIGEST if published else verification.had
    subscriptions.upsert(connection, confirmed, digest)


def _is_allowed(
    connection: Connection, confirmed: Subscription, per_host: int, now: datetime
) -> bool:
    """Whether the host may have this subscription. An existing one can always be renewed."""
    if subscriptions.find(connection, [(confirmed.topic, confirmed.callback)], now):
        return True
    host = host_name(confirmed.callback)
    return subscriptions.total_at(connection, host, confirmed.network, now) < per_host


def _deny(connection: Connection, job: Job, reason: str, now: datetime) -> None:
    topic = job.detail.topic if isinstance(job.detail, Verification) else job.topic
    detail = Denial(topic=topic, reason=reason)
    denial = JobRow(detail=detail, target=job.target, topic=job.topic)
    outbox.enqueue(connection, [denial], now)


@dataclass(frozen=True, kw_only=True, slots=True)
class PushReport:
    """What a pass did. The fields are public: `syndicator push --json` prints them."""

    started: datetime
    seconds: float
    done: Mapping[JobKind, int]  #: jobs that are done
    retried: Mapping[JobKind, int]  #: jobs that failed and are to be retried
    given_up: Mapping[JobKind, int]  #: jobs without retries left
    ended: int  #: subscriptions that ended since their deliveries failed for too long
    problems: tuple[Problem, ...]  #: the last failure of each target, of `REPORTED` targets
    queued: int  #: jobs still queued
    next_due: datetime | None  #: when the next of them is due; None: the outbox is empty

    def summary(self) -> str:
        """The pass in one line: `8 pings sent; 2 failed (1 given up); 3 still queued`."""
        sent = [f"{number:,} {JOB_NOUNS[kind][number != 1]}" for kind, number in self.done.items()]
        given_up = sum(self.given_up.values())
        failed = sum(self.retried.values()) + given_up
        parts = [f"{', '.join(sent) or 'nothing'} sent"]
        if failed:
            parts.append(f"{failed:,} failed" + (f" ({given_up:,} given up)" if given_up else ""))
        if self.ended:
            parts.append(f"{count(self.ended, 'subscription')} ended after a week of failures")
        if self.queued:
            parts.append(f"{self.queued:,} still queued")
        return "; ".join(parts)


@dataclass(slots=True)
class ResultCounts:
    """The outcomes of a pass so far, for its report."""

    done: Counter[JobKind] = field(default_factory=Counter)
    retried: Counter[JobKind] = field(default_factory=Counter)
    given_up: Counter[JobKind] = field(default_factory=Counter)
    ended: int = 0  #: subscriptions that ended since their deliveries failed for too long
    problems: dict[str, Problem] = field(default_factory=dict)  #: the last of each target

    def count(self, task_outcome: TaskOutcome) -> None:
        outcome = task_outcome.job_outcome
        if not outcome.attempted:
            return
        job = outcome.job
        counter = self.done if outcome.done else self.retried if outcome.retry_at else self.given_up
        counter[job.kind] += 1
        self.ended += task_outcome.reason is not None
        if outcome.error is None:
            return
        is_ping = job.kind is JobKind.PING
        name = job.target if is_ping else subscriptions.callback_label(job.target)
        if name in self.problems or len(self.problems) < REPORTED:
            self.problems[name] = Problem(path=name, message=outcome.error)
