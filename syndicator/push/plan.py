"""Plans the request of each claimed job from its topic's current file and its subscription."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import Job, JobKind, Subscription
from syndicator.websub.tasks import Task, task_for

#: Returns a topic's current file, or None if the topic is no longer published. Raises OutputError
#: if the file can't be read at present.
ReadTopic = Callable[[str], FeedFile | None]

#: Live subscriptions by topic and callback, each with the digest of the bytes that it has.
Live = Mapping[tuple[str, str], tuple[Subscription, str | None]]

#: The kinds whose request depends on the topic's file.
_NEED_FILE = (JobKind.VERIFY, JobKind.DELIVER)

_NOT_SUBSCRIBED: tuple[Subscription | None, str | None] = (None, None)


def plan(jobs: Sequence[Job], live: Live, read_topic: ReadTopic) -> tuple[list[Task], list[Job]]:
    """The tasks of jobs, and the jobs whose topic can't be read at present."""
    # Read after the claim, and once for all subscribers: they get the newest bytes.
    files = _files({job.topic for job in jobs if job.kind in _NEED_FILE}, read_topic)
    tasks = list[Task]()
    unreadable = list[Job]()
    for job in jobs:
        if job.kind in _NEED_FILE and job.topic not in files:
            unreadable.append(job)
            continue
        subscription, delivered = live.get((job.topic, job.target), _NOT_SUBSCRIBED)
        challenge = secrets.token_urlsafe(24)
        tasks.append(task_for(job, subscription, delivered, files.get(job.topic), challenge))
    return tasks, unreadable


def _files(topics: Collection[str], read_topic: ReadTopic) -> dict[str, FeedFile | None]:
    """The current files of topics, without those that can't be read at present."""
    files: dict[str, FeedFile | None] = {}
    for topic in topics:
        with suppress(OutputError):  # the run that repairs the file reports it
            files[topic] = read_topic(topic)
    return files
