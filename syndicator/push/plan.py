"""Plans the request of each claimed job from its topic's current file and its subscription."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Delivery,
    Done,
    Job,
    JobOutcome,
    Released,
    Subscription,
    Verification,
)
from syndicator.websub.tasks import Task, task_for

#: Live subscriptions by topic and callback, each with the digest of the bytes that it has.
Live = Mapping[tuple[str, str], tuple[Subscription, str | None]]

#: Current files by topic; None: it is no longer published. Topics that can't be read are left out.
Files = Mapping[str, FeedFile | None]

#: How long a job waits whose topic can't be read at present.
UNREADABLE_WAIT = timedelta(seconds=1)

_NOT_SUBSCRIBED: tuple[Subscription | None, str | None] = (None, None)


class Plan(NamedTuple):
    """The plan for claimed jobs, all in the order of the jobs."""

    tasks: tuple[Task, ...]
    unneeded: tuple[Job, ...]  #: nothing has to be sent for them
    unreadable: tuple[Job, ...]  #: their topic can't be read at present

    def unsent(self, now: datetime) -> list[tuple[Job, JobOutcome]]:
        """The outcomes of the jobs without a task."""
        released = Released(until=now + UNREADABLE_WAIT)
        done: list[tuple[Job, JobOutcome]] = [(job, Done()) for job in self.unneeded]
        return done + [(job, released) for job in self.unreadable]


def topics_of(jobs: Sequence[Job]) -> set[str]:
    """The topics whose files the requests of jobs depend on."""
    return {job.topic for job in jobs if _needs_file(job)}


def read_files(
    topics: Collection[str], read: Callable[[str], FeedFile | None]
) -> dict[str, FeedFile | None]:
    """The current files of topics, without those that can't be read at present."""
    files: dict[str, FeedFile | None] = {}
    for topic in topics:
        with suppress(OutputError):  # the run that repairs the file reports it
            files[topic] = read(topic)
    return files


def plan(jobs: Sequence[Job], live: Live, files: Files, challenge: Callable[[], str]) -> Plan:
    """The task of each job, if it has one. `challenge` returns a new random text."""
    tasks = list[Task]()
    unneeded = list[Job]()
    unreadable = list[Job]()
    for job in jobs:
        if _needs_file(job) and job.topic not in files:
            unreadable.append(job)
            continue
        subscription, delivered = live.get((job.topic, job.target), _NOT_SUBSCRIBED)
        task = task_for(job, subscription, delivered, files.get(job.topic), challenge())
        if task is None:
            unneeded.append(job)
        else:
            tasks.append(task)
    return Plan(tuple(tasks), tuple(unneeded), tuple(unreadable))


def _needs_file(job: Job) -> bool:
    return isinstance(job.detail, Verification | Delivery)
