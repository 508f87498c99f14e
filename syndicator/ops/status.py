"""Collects the status of a syndicator from the store, and decides what needs attention.

Facts only: `cli.status_page` formats them.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from syndicator import __version__
from syndicator.build.found_problems import found_problems
from syndicator.errors import StateError, SyndicatorError
from syndicator.model.content import Problem, Report
from syndicator.model.outbox import JobKind, JobState, queued_by_kind
from syndicator.ops import disk
from syndicator.store import archives, feeds, kv, locks, outbox, post_queries, posts, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import HubState
from syndicator.store.subscriptions import Audience


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The last run that changed anything."""

    started: datetime
    seconds: float
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why the last run failed. A run that succeeds deletes it."""

    at: datetime
    message: str
    hint: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    name: str
    title: str  #: the label of its term; "all" for the feed of the whole site
    urls: Mapping[str, str]  #: by suffix: rss, atom, json, html
    entries: int
    updated: datetime | None  #: of its newest entry; None: it never had one
    published: datetime  #: when one of its files last changed
    subscribers: int  #: at our own hub, over all formats


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    version: str
    daemon: str | None  #: process and host of the daemon; None: none runs
    since: datetime | None  #: when the daemon was started; None: none runs, or unknown
    url: str  #: public address of the feeds
    polled: datetime | None  #: when the daemon last polled; None: none runs, or unknown
    state: str
    state_bytes: int | None  #: bytes; None: the state is not a file
    output: str
    output_bytes: int  #: bytes, without archives
    archive_pages: int  #: pages in use
    archive_waiting: int  #: posts whose place in an archive is not up to date
    archive_bytes: int  #: bytes, with those of pages that ended
    disk_free_bytes: int  #: bytes, on the output's disk
    state_free_bytes: int | None  #: bytes, on the state's disk; None: the state is not a file
    posts: int
    waiting: datetime | None  #: when the next future post appears; None: no post waits
    last_run: LastRun | None
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


#: Key in `kv` of the time when the daemon was started; empty: an operator stopped it.
_DAEMON_SINCE = "daemon since"

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
        lines.append(f"the last run failed: {status.last_failure.message}")
    if daemon_wanted and not status.daemon:
        lines.append("the daemon is not running: start it with syndicator run")
    if status.polled and now - status.polled > late:
        polled = f"{status.polled:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"the daemon has stopped polling, last at {polled}: restart it")
    if fatal := sum(problem.fatal for problem in status.problems):
        blocked = "1 problem keeps a post" if fatal == 1 else f"{fatal:,} problems keep posts"
        lines.append(f"{blocked} from being published as saved: see syndicator check")
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


def has_daemon(database: Database) -> bool:
    """Whether a daemon runs on this state."""
    return locks.holder(database, "daemon") is not None


def remember_start(database: Database, at: datetime) -> None:
    """Store when the daemon started. From then on, a daemon is expected to run.

    On a full disk it runs all the same.
    """
    with suppress(StateError), database.begin() as connection:
        kv.put(connection, _DAEMON_SINCE, at.isoformat())


def remember_stop(database: Database) -> None:
    """Store that a person stopped the daemon: none is expected to run."""
    with suppress(StateError), database.begin() as connection:
        kv.put(connection, _DAEMON_SINCE, "")


def daemon_wanted(database: Database) -> bool:
    """Whether a daemon is expected to run: one was started, and no operator stopped it.

    Without a daemon, cron or a person runs builds and pushes.
    """
    with database.read() as connection:
        return bool(kv.get(connection, _DAEMON_SINCE))


def remember_run(database: Database, report: Report) -> None:
    """Store that a run succeeded, and what it did if it had changes."""
    run = {
        "started": report.started.isoformat(),
        "seconds": report.seconds,
        "summary": report.summary(),
    }
    with database.begin() as connection:
        if report.has_changes:
            kv.put(connection, "last run", json.dumps(run))
        kv.put(connection, "last failure", "")


def remember_failure(database: Database, error: SyndicatorError, at: datetime) -> None:
    """Store why a run failed. A StateError is not: the state can't be written, or not soon."""
    if isinstance(error, StateError):
        return
    failure = {"at": at.isoformat(), "message": str(error), "hint": error.hint}
    with suppress(StateError), database.begin() as connection:
        kv.put(connection, "last failure", json.dumps(failure))


def collect(
    database: Database,
    output: Path,
    *,
    url: str,
    now: datetime,
    source: Path,
    links: Mapping[str, Mapping[str, str]],
) -> Status:
    """Collect the status. `source`, `links`: see `found_problems`."""
    daemon = locks.holder(database, "daemon")
    with database.read() as connection:
        rows = [row for row in feeds.all_feeds(connection) if row.content_key is not None]
        files = [file for file in feeds.all_files(connection) if not file.gone]
        counts = outbox.counts(connection)
        audiences = subscriptions.by_topic(connection, now)
        subscribers = {topic: audience.subscribers for topic, audience in audiences.items()}
        archived = archives.summary(connection)
        found = found_problems(connection, source, links, {file.path for file in files}, now)
        return Status(
            version=__version__,
            daemon=daemon.name if daemon else None,
            since=_time(kv.get(connection, _DAEMON_SINCE)) if daemon else None,
            url=url,
            polled=daemon.heartbeat if daemon else None,
            state=database.name,
            state_bytes=_file_size(database.path),
            output=str(output),
            output_bytes=sum(size for file in files for size, _ in file.disk.values()),
            archive_pages=archived.pages,
            archive_waiting=archived.waiting,
            archive_bytes=archived.bytes,
            disk_free_bytes=disk.free_bytes(output),
            state_free_bytes=disk.free_bytes(database.path.parent) if database.path else None,
            posts=posts.count(connection),
            waiting=post_queries.next_due(connection, now),
            last_run=_last_run(kv.get(connection, "last run")),
            last_failure=_daemon_failure(daemon)
            or _last_failure(kv.get(connection, "last failure")),
            feeds=tuple(_feed_state(row, files, subscribers) for row in rows),
            problems=tuple(problem for problem in found if not problem.note),
            notes=tuple(problem for problem in found if problem.note),
            hubs=outbox.hub_states(connection),
            queued={kind.value: queued_by_kind(counts)[kind] for kind in JobKind},
            given_up={kind.value: counts.get((kind, JobState.GAVE_UP), 0) for kind in JobKind},
            queued_since=outbox.oldest_since(connection),
            next_try=outbox.next_due(connection),
            subscribers=sum(subscribers.values()),
            audiences=audiences,
        )


def _feed_state(
    row: feeds.FeedRow, files: list[feeds.FileRow], subscribers: Mapping[str, int]
) -> FeedState:
    feed_files = [file for file in files if file.feed == row.name]
    return FeedState(
        name=row.name,
        title=row.label or row.name,
        urls={
            file.path.rpartition(".")[2]: file.url
            for file in feed_files
            if file.path.startswith(f"{row.name}.")
        },
        entries=len(row.post_paths),
        updated=row.updated,
        published=max(file.updated for file in feed_files),
        subscribers=sum(subscribers.get(url, 0) for url in {file.url for file in feed_files}),
    )


def _last_run(text: str | None) -> LastRun | None:
    if not text:
        return None
    run: dict[str, Any] = json.loads(text)
    return LastRun(**run | {"started": datetime.fromisoformat(run["started"])})


def _last_failure(text: str | None) -> Failure | None:
    if not text:
        return None
    failure: dict[str, Any] = json.loads(text)
    return Failure(**failure | {"at": datetime.fromisoformat(failure["at"])})


def _daemon_failure(daemon: locks.Holder | None) -> Failure | None:
    """A failure in the daemon's lock: the daemon reports there when the state is not writable."""
    if daemon is None or daemon.heartbeat is None or not daemon.trouble:
        return None
    return Failure(at=daemon.heartbeat, message=daemon.trouble, hint=daemon.hint or None)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _file_size(path: Path | None) -> int | None:
    if path is None:
        return None
    siblings = [path, path.with_name(path.name + "-wal")]
    return sum(os.path.getsize(each) for each in siblings if each.exists())
