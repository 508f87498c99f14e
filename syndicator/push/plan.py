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
    JobKind,
    JobOutcome,
    Released,
    Subscription,
    Verification,
)
from syndicator.store.claimed_pages import Page, PageEntry
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


class Plan(NamedTuple):
    """The plan for claimed jobs, all in the order of the jobs."""

    tasks: tuple[Task, ...]
    unneeded: tuple[Job, ...]  #: nothing has to be sent for them
    put_off: tuple[tuple[Job, datetime], ...]  #: they may be sent later, each with that time

    def unsent(self) -> list[tuple[Job, JobOutcome]]:
        """The outcomes of the jobs without a task."""
        done: list[tuple[Job, JobOutcome]] = [(job, Done()) for job in self.unneeded]
        return done + [(job, Released(until=until)) for job, until in self.put_off]


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


def plan(
    claimed: Claimed,
    files: Files,
    payload: Payload,
    challenge: Callable[[], str],
    pace: Pace,
    now: datetime,
) -> Plan:
    """The task of each claimed job, if it has one. `challenge` returns a new random text.

    Put off are jobs that keep their pace, and for a short time those whose topic can't be read at
    present.
    """
    tasks = list[Task]()
    unneeded = list[Job]()
    put_off = list[tuple[Job, datetime]]()
    for job in claimed.jobs:
        if _needs_file(job) and job.topic not in files:
            put_off.append((job, now + UNREADABLE_WAIT))
            continue
        subscription, delivered = claimed.live.get((job.topic, job.target), _NOT_SUBSCRIBED)
        file = files.get(job.topic)
        task = task_for(job, subscription, delivered, file, challenge(), payload)
        if task is None:
            unneeded.append(job)
        elif (until := pace.end(job, claimed.attempted(job), now)) is not None:
            put_off.append((job, until))
        else:
            tasks.append(task)
    return Plan(tuple(tasks), tuple(unneeded), tuple(put_off))


class PagePlan(NamedTuple):
    """The plan for a page of a sweep."""

    tasks: tuple[Task, ...]
    to_queue: tuple[str, ...]  #: callbacks whose deliveries become jobs


def plan_page(
    page: Page, entries: Sequence[PageEntry], file: FeedFile | None, payload: Payload
) -> PagePlan:
    """The deliveries to some subscribers on a page. Those that have the bytes already get none."""
    tasks = [
        task_for(page.job(entry), entry.subscription, entry.delivered, file, "", payload)
        for entry in entries
        if not entry.queued
    ]
    to_queue = (entry.subscription.callback for entry in entries if entry.queued)
    return PagePlan(tuple(filter(None, tasks)), tuple(to_queue))


def _needs_file(job: Job) -> bool:
    return isinstance(job.detail, Verification | Delivery)
