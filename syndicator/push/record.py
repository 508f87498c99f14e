"""The end of a pass: what became of its requests, written down and counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from syndicator.model.content import Problem
from syndicator.model.outbox import Job, JobKind, Subscription, host_name
from syndicator.store import claims, deliveries, outbox, subscriptions
from syndicator.store.outbox import JobRow
from syndicator.websub import hub
from syndicator.websub.tasks import TaskOutcome

#: Failures that a report names.
NAMED = 100


def record(
    connection: Connection, outcomes: Sequence[TaskOutcome], now: datetime, most: int | None = None
) -> None:
    """Write down what became of claimed debts, and of the subscriptions that they serve.

    `most`: subscriptions that one host, or one network, may have; None: any number. Only now it is known where the
    callback is, so any number of names of one address count together.
    """
    arrived, failed = list[tuple[str, str, str]](), list[tuple[str, str, str]]()
    networks = list[tuple[str, str, str]]()
    claims.record(connection, [outcome.settlement for outcome in outcomes], now)
    for outcome in outcomes:
        job = outcome.settlement.job
        if outcome.network is not None:
            networks.append((job.topic, job.target, outcome.network))
        if outcome.kept is not None:
            if most is not None and not _has_room(connection, outcome.kept, most, now):
                _deny(connection, job, hub.NO_ROOM, now)
                continue
            published = deliveries.was_published(connection, job.topic, job.since)
            subscriptions.upsert(
                connection, outcome.kept, "any" if published else job.detail.get("had")
            )
        elif outcome.ended:
            ended = subscriptions.end(
                connection, job.topic, job.target, only_failing=outcome.reason is not None
            )
            if ended and outcome.reason is not None:
                _deny(connection, job, outcome.reason, now)
        elif outcome.delivered is not None:
            arrived.append((job.topic, job.target, outcome.delivered))
        elif job.kind is JobKind.DELIVER and outcome.settlement.error is not None:
            failed.append((job.topic, job.target, outcome.settlement.error))
    subscriptions.delivered(connection, arrived, now)
    subscriptions.failed(connection, failed, now)
    subscriptions.set_network(connection, networks)


def _has_room(connection: Connection, kept: Subscription, most: int, now: datetime) -> bool:
    if subscriptions.find(
        connection, [(kept.topic, kept.callback)], now
    ):  # one that is there may be renewed
        return True
    return subscriptions.total_at(connection, host_name(kept.callback), kept.network, now) < most


def _deny(connection: Connection, job: Job, reason: str, now: datetime) -> None:
    detail = {"topic": job.detail.get("topic", job.topic), "reason": reason}
    denial = JobRow(kind=JobKind.DENY, target=job.target, topic=job.topic, detail=detail)
    outbox.enqueue(connection, [denial], now)


_NOUNS = {
    JobKind.PING: ("ping", "pings"),
    JobKind.VERIFY: ("verification", "verifications"),
    JobKind.DELIVER: ("delivery", "deliveries"),
    JobKind.DENY: ("denial", "denials"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PushReport:
    """What a pass did."""

    started: datetime
    seconds: float
    paid: Mapping[JobKind, int]  #: requests that arrived
    again: Mapping[JobKind, int]  #: requests that failed and are tried again
    gave_up: Mapping[JobKind, int]  #: debts whose retries are used up
    ended: int  #: subscriptions that ended since their deliveries failed for too long
    problems: tuple[Problem, ...]  #: the last failure of each target, a hundred of them at most
    owed: int  #: debts that still wait
    next_due: datetime | None  #: when the next of them is tried; None: none waits

    def summary(self) -> str:
        """The pass in words: `8 pings sent; 2 failed (1 given up); 3 still owed`."""
        sent = [f"{number:,} {_NOUNS[kind][number != 1]}" for kind, number in self.paid.items()]
        gave_up = sum(self.gave_up.values())
        failed = sum(self.again.values()) + gave_up
        parts = [f"{', '.join(sent) or 'nothing'} sent"]
        if failed:
            parts.append(f"{failed:,} failed" + (f" ({gave_up:,} given up)" if gave_up else ""))
        if self.ended:
            parts.append(
                f"{self.ended:,} subscription{'s' if self.ended > 1 else ''} ended after a week of failures"
            )
        if self.owed:
            parts.append(f"{self.owed:,} still owed")
        return "; ".join(parts)


@dataclass(slots=True)
class ResultCounts:
    """What a pass has come to so far, for its report."""

    paid: Counter[JobKind] = field(default_factory=Counter)
    again: Counter[JobKind] = field(default_factory=Counter)
    gave_up: Counter[JobKind] = field(default_factory=Counter)
    ended: int = 0  #: subscriptions that ended since their deliveries failed for too long
    problems: dict[str, Problem] = field(default_factory=dict)  #: the last of each target

    def count(self, outcome: TaskOutcome) -> None:
        settlement = outcome.settlement
        if not settlement.attempted:
            return
        kind = settlement.job.kind
        which = (
            self.paid if settlement.done else self.again if settlement.retry_at else self.gave_up
        )
        which[kind] += 1
        self.ended += outcome.reason is not None
        if settlement.error is None:
            return
        target = settlement.job.target
        name = target if kind is JobKind.PING else subscriptions.callback_label(target)
        if name in self.problems or len(self.problems) < NAMED:
            self.problems[name] = Problem(path=name, message=settlement.error)
