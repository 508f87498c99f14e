"""Plans the request of each claimed job from its topic's current file and its subscription."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Done,
    Job,
    JobKind,
    JobOutcome,
    Released,
    Subscription,
    Verification,
)
from syndicator.websub.pace import Pace
from syndicator.websub.tasks import Payload, Task, task_for

#: Live subscriptions by topic and callback, each with the digest of the bytes that it has.
Live = Mapping[tuple[str, str], tuple[Subscription, str | None]]

#: The last attempts to ping, by topic and hub.
Pinged = Mapping[tuple[str, str], datetime]

#: Current files by topic; None: it is no longer published. Topics that can't be read are left out.
Files = Mapping[str, FeedFile | None]

#: How long a job waits whose topic can't be read at present.
UNREADABLE_WAIT = timedelta(seconds=1)

_NOT_SUBSCRIBED: tuple[Subscription | None, str | None] = (None, None)


class Claimed(NamedTuple):
    """Claimed jobs, and what the state knows of their targets."""

    jobs: Sequence[Job]
    live: Live
    pinged: Pinged

    def attempted(self, job: Job) -> datetime | None:
        """When the target was last sent an earlier change of the topic; None: never."""
        if job.kind is JobKind.PING:
            return self.pinged.get((job.topic, job.target))
        if job.kind is JobKind.DELIVER and (known := self.live.get((job.topic, job.target))):
            return known[0].attempted
        return None


NOTHING = Claimed((), live={}, pinged={})


def topics_of(jobs: Sequence[Job]) -> set[str]:
    """The topics whose files the requests of jobs depend on."""
    return {job.topic for job in jobs if _needs_file(job)}


def plan(
    claimed: Claimed,
    files: Files,
    payload: Payload,
    challenge: Callable[[], str],
    pace: Pace,
    now: datetime,
) -> tuple[list[Task], list[tuple[Job, JobOutcome]]]:
    """The tasks of claimed jobs, and the outcomes of the other jobs, each in the order of the jobs.

    A job for which nothing has to be sent is done. Released are jobs that keep their pace, and for
    a short time those whose topic can't be read at present. `challenge` returns a new random text.
    """
    tasks = list[Task]()
    unsent = list[tuple[Job, JobOutcome]]()
    for job in claimed.jobs:
        if _needs_file(job) and job.topic not in files:
            unsent.append((job, Released(until=now + UNREADABLE_WAIT)))
            continue
        subscription, delivered = claimed.live.get((job.topic, job.target), _NOT_SUBSCRIBED)
        file = files.get(job.topic)
        task = task_for(job, subscription, delivered, file, challenge(), payload)
        if task is None:
            unsent.append((job, Done()))
        elif (until := pace.end(job, claimed.attempted(job), now)) is not None:
            unsent.append((job, Released(until=until)))
        else:
            tasks.append(task)
    return tasks, unsent


def _needs_file(job: Job) -> bool:
    return isinstance(job.detail, Verification | Delivery)
