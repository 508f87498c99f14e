"""Collects the status of a syndicator from the store, and decides what needs attention.

Facts only: `cli.status_page` formats them.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection

from syndicator import __version__
from syndicator.build.found_problems import found_problems
from syndicator.errors import StateError
from syndicator.model.content import Problem
from syndicator.model.outbox import JobKind, JobState, queued_by_kind
from syndicator.ops import disk
from syndicator.ops.feed_states import FeedState, feed_states
from syndicator.ops.git_status import GitState
from syndicator.ops.held_posts import HeldPost, held_posts
from syndicator.ops.runs import Failure, Run, last_failure, last_runs
from syndicator.store import (
    archives,
    audiences,
    feeds,
    hubs,
    kv,
    locks,
    outbox,
    post_queries,
    posts,
    processes,
)
from syndicator.store.audiences import Audience
from syndicator.store.database import Database
from syndicator.store.hubs import HubState
from syndicator.store.post_rows import PostRow
from syndicator.store.processes import Process


class FuturePost(Struct, frozen=True, kw_only=True):
    """A post that appears when its time comes."""

    path: str
    title: str
    published: datetime


class Status(Struct, frozen=True, kw_only=True):
    version: str
    daemon: str | None  #: process and host of the daemon that builds; None: none runs
    since: datetime | None  #: when that was started; None: none runs, or unknown
    processes: tuple[Process, ...] = ()  #: the daemons, the one that builds first
    url: str  #: public address of the feeds
    polled: datetime | None  #: when the daemon last polled; None: none runs, or unknown
    state: str
    state_bytes: int | None  #: bytes; None: the state is not a file
    output: str
    output_bytes: int  #: bytes, without archives
    archive_pages: int  #: pages in use
    archive_waiting: int  #: posts whose place in an archive is not up to date
    archive_bytes: int  #: bytes, with those of pages that ended
    disk_free_bytes: int | None  #: bytes, on the output's disk; None: the output is a bucket
    state_free_bytes: int | None  #: bytes, on the state's disk; None: the state is not a file
    posts: int
    git: GitState | None = None  #: None: the source is in a folder
    waiting: datetime | None  #: when the next future post appears; None: no post waits
    future: tuple[FuturePost, ...]  #: the first of those that wait, the next one first
    future_posts: int  #: how many wait
    held: tuple[HeldPost, ...]  #: posts whose page is awaited, the newest first
    runs: tuple[Run, ...]  #: the last runs that changed anything, newest first
    last_run: Run | None  #: the first of them
    last_failure: Failure | None  #: None: the last run succeeded
    feeds: tuple[FeedState, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]  #: see `Problem.note`
    hubs: tuple[HubState, ...]
    queued: Mapping[str, int]  #: jobs queued or claimed, by kind
    given_up: Mapping[str, int]  #: jobs given up, by kind
    queued_since: datetime | None  #: when the oldest job was queued; None: none is queued
    next_try: datetime | None  #: when the next job is due; None: none is queued
    subscribers: int
    audiences: Mapping[str, Audience]  #: of our own hub, by topic; topics with subscribers only


class Known(Struct, frozen=True, kw_only=True):
    """What the daemon has just read, and what takes long with many posts and subscriptions."""

    #: Problems and notes, as the last run found them. None: not known.
    problems: Sequence[Problem] | None = None
    #: The audience of each topic, as the last push counted them. None: not known.
    audiences: Mapping[str, Audience] | None = None


NOTHING_KNOWN = Known()

#: Key in `kv` of the time when the daemon was started; empty: an operator stopped it.
_DAEMON_SINCE = "daemon since"

#: Future posts that are shown.
FUTURE_SHOWN = 10

#: A job queued for longer than this needs attention: hubs are rarely down for so long.
_QUEUED_TOO_LONG = timedelta(hours=1)


def concerns(
    status: Status,
    now: datetime,
    *,
    late: timedelta,
    daemon_wanted: bool,
    pace: timedelta = timedelta(),
) -> tuple[str, ...]:
    """What needs attention, a line each; empty if healthy.

    `late`: the longest time between polls. `pace`: how long a job may wait for its pace.
    """
    lines = []
    if status.last_failure:
        lines.append(_failed(status.last_failure))
    if daemon_wanted and not status.daemon:
        lines.append("the daemon is not running: start it with syndicator run")
    if status.polled and now - status.polled > late:
        polled = f"{status.polled:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"the daemon has stopped polling, last at {polled}: restart it")
    if status.git and status.git.failing_since and now - status.git.failing_since > late:
        since = f"{status.git.failing_since:%Y-%m-%d %H:%M} UTC"
        lines.append(f"nothing could be fetched since {since}: {status.git.error}")
    if fatal := sum(problem.fatal for problem in status.problems):
        blocked = "1 problem keeps a post" if fatal == 1 else f"{fatal:,} problems keep posts"
        lines.append(f"{blocked} from being published as saved: see syndicator check")
    if late_out := sum(post.out for post in status.held):
        went = "1 post went" if late_out == 1 else f"{late_out:,} posts went"
        lines.append(f"{went} out although the page is not live: see syndicator status")
    lines += [
        f"{hub.url}: {hub.given_up:,} pings given up: {hub.error}"
        for hub in status.hubs
        if hub.given_up
    ]
    if status.queued_since and now - status.queued_since > _QUEUED_TOO_LONG + pace:
        errors = [f"{hub.url}: {hub.error}" for hub in status.hubs if hub.waiting and hub.error]
        queued = f"jobs have been queued since {status.queued_since:%Y-%m-%d %H:%M} UTC"
        lines.append("; ".join([queued, *errors]))
    disks = ((status.output, status.disk_free_bytes), (status.state, status.state_free_bytes))
    lines += [
        f"{path}: only {free:,} bytes are free on its disk"
        for path, free in disks
        if free is not None and free < disk.LOW
    ]
    return tuple(lines)


def _failed(failure: Failure) -> str:
    if failure.since is None or failure.since == failure.at:
        return f"the last run failed: {failure.message}"
    return f"runs have failed since {failure.since:%Y-%m-%d %H:%M} UTC: {failure.message}"


def remember_start(database: Database, at: datetime) -> None:
    """Store when the daemon started. From then on, a daemon is expected to run.

    On a full disk it runs all the same.
    """
    with suppress(StateError), database.begin() as connection:
        kv.put(connection, _DAEMON_SINCE, at.isoformat())


def remember_stop(database: Database) -> None:
    """Store that a person stopped the daemon: none is expected to run.

    Nothing is stored while another one runs.
    """
    with suppress(StateError):
        if locks.find_daemon(database):
            return
        with database.begin() as connection:
            kv.put(connection, _DAEMON_SINCE, "")


def daemon_wanted(database: Database) -> bool:
    """Whether a daemon is expected to run: one was started, and no operator stopped it.

    Without a daemon, cron or a person runs builds and pushes.
    """
    with database.read() as connection:
        return bool(kv.get(connection, _DAEMON_SINCE))


class Folders(NamedTuple):
    """Where feeds are written, and the folder that they are made of."""

    output: Path | None  #: None: they are in `bucket`
    source: Path
    bucket: str = ""


def collect(
    database: Database,
    folders: Folders,
    *,
    url: str,
    now: datetime,
    links: Mapping[str, Mapping[str, str]],
    known: Known = NOTHING_KNOWN,
) -> Status:
    """Collect the status, except for that of git. What is not `known` is read from the state.

    `links`: see `found_problems`.
    """
    holder = locks.holder(database, "daemon") if database.sqlite else None
    with database.read() as connection:
        daemons = _daemons(connection, holder)
        first = daemons[0] if daemons else None
        files = [file for file in feeds.all_files(connection) if not file.gone]
        counts = outbox.counts(connection)
        runs = last_runs(connection)
        by_topic = known.audiences
        if by_topic is None:
            by_topic = audiences.by_topic(connection, now)
        archived = archives.summary(connection)
        found = known.problems
        if found is None:
            paths = {file.path for file in files}
            found = found_problems(connection, folders.source, links, paths, now)
        return Status(
            version=__version__,
            daemon=first.name if first else None,
            since=first.started if first else None,
            processes=daemons,
            url=url,
            polled=holder.heartbeat if holder else None,
            state=database.name,
            state_bytes=_file_size(database.path),
            output=folders.bucket or str(folders.output),
            output_bytes=sum(size for file in files for size, _ in file.disk.values()),
            archive_pages=archived.pages,
            archive_waiting=archived.waiting,
            archive_bytes=archived.bytes,
            disk_free_bytes=disk.free_bytes(folders.output) if folders.output else None,
            state_free_bytes=disk.free_bytes(database.path.parent) if database.path else None,
            posts=posts.count(connection),
            waiting=post_queries.next_due(connection, now),
            future=_future(post_queries.future(connection, now, FUTURE_SHOWN)),
            future_posts=post_queries.count_future(connection, now),
            runs=runs,
            last_run=runs[0] if runs else None,
            last_failure=_failure(holder, last_failure(connection)),
            feeds=feed_states(connection, files, by_topic),
            held=held_posts(connection, now),
            problems=tuple(problem for problem in found if not problem.note),
            notes=tuple(problem for problem in found if problem.note),
            hubs=hubs.states(connection),
            queued={kind.value: queued_by_kind(counts)[kind] for kind in JobKind},
            given_up={kind.value: counts.get((kind, JobState.GAVE_UP), 0) for kind in JobKind},
            queued_since=outbox.oldest_since(connection),
            next_try=outbox.next_due(connection),
            subscribers=sum(audience.subscribers for audience in by_topic.values()),
            audiences=by_topic,
        )


def _daemons(connection: Connection, holder: locks.Holder | None) -> tuple[Process, ...]:
    """The daemons. `holder`: of the lock on an SQLite state; None: nobody has it."""
    if connection.dialect.name != "sqlite":
        return processes.living(connection)
    if holder is None:
        return ()
    since = _time(kv.get(connection, _DAEMON_SINCE))
    return (processes.from_lock(holder.name, since),)


def _future(rows: Iterable[PostRow]) -> tuple[FuturePost, ...]:
    return tuple(
        FuturePost(path=head.path, title=head.title, published=head.published)
        for row in rows
        if (head := row.head)
    )


def _failure(daemon: locks.Holder | None, stored: Failure | None) -> Failure | None:
    """The failure in the daemon's lock, else the stored one, which only a writable state has."""
    if daemon is None or daemon.heartbeat is None or not daemon.trouble:
        return stored
    since = stored.since if stored and stored.message == daemon.trouble else None
    hint = daemon.hint or None
    return Failure(at=daemon.heartbeat, message=daemon.trouble, hint=hint, since=since)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _file_size(path: Path | None) -> int | None:
    if path is None:
        return None
    siblings = [path, path.with_name(path.name + "-wal")]
    return sum(os.path.getsize(each) for each in siblings if each.exists())
