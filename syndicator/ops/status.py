"""What an operator wants to see, gathered from the store. Facts only: how they are said is the shell's matter."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from syndicator.build import publish
from syndicator.model.content import Problem, Report
from syndicator.model.outbox import JobKind, queued_by_kind
from syndicator.ops import disk
from syndicator.store import feeds, kv, locks, outbox, posts, problems, subscriptions
from syndicator.store.database import Database
from syndicator.store.outbox import HubState
from syndicator.store.subscriptions import Audience


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The last run that did something."""

    started: datetime
    seconds: float
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why the last run stopped. It is forgotten when a run succeeds."""

    at: datetime
    message: str
    hint: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    name: str
    title: str  #: the label of its term; the site's feed has the name "all"
    urls: Mapping[str, str]  #: by suffix: rss, atom, json, html
    entries: int
    updated: datetime | None  #: of its newest entry; None: it never had one
    published: datetime  #: when one of its files last changed
    subscribers: int  #: of our own hub, over all formats


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    version: str
    daemon: str | None  #: who runs on this state; None: nobody
    since: (
        datetime | None
    )  #: when the daemon that runs was started; None: nobody runs, or it can't be told
    url: str  #: public address of the feeds
    polled: (
        datetime | None
    )  #: when the daemon last looked at the source; None: none runs, or it can't be told
    state: str
    state_octets: int | None  #: None: it isn't a file of ours
    output: str
    output_octets: int
    disk_free_octets: int  #: where the output is
    state_free_octets: int | None  #: where the state is; None: it isn't a file of ours
    posts: int
    waiting: datetime | None  #: when the next future post appears; None: none waits
    last_run: LastRun | None
    last_failure: Failure | None  #: None: the last run succeeded
    feeds: tuple[FeedState, ...]
    problems: tuple[Problem, ...]
    hubs: tuple[HubState, ...]
    owed: Mapping[str, int]  #: by kind, what waits or is under way
    gave_up: Mapping[str, int]  #: by kind, what was given up
    owed_since: datetime | None  #: when the oldest debt was made; None: nothing is owed
    next_try: datetime | None  #: when the next debt is tried; None: nothing is owed
    subscribers: int
    audiences: Mapping[str, Audience]  #: of our own hub, by topic; only topics that someone follows


#: Longer than hubs are down in passing.
_LONG = timedelta(hours=1)


def concerns(
    found: Status, now: datetime, *, late: timedelta, daemon_wanted: bool
) -> tuple[str, ...]:
    """What needs a person, in words; nothing: all is well. `late`: a look at the source longer ago is one too many."""
    said = []
    if found.last_failure:
        said.append(f"the last run failed: {found.last_failure.message}")
    if daemon_wanted and not found.daemon:
        said.append("the daemon is not running: start it with syndicator run")
    if found.polled and now - found.polled > late:
        said.append(
            f"the daemon last looked at the source at {found.polled:%Y-%m-%d %H:%M:%S} UTC: it hangs"
        )
    left_out = sum(problem.fatal for problem in found.problems)
    if left_out:
        said.append(
            f"{left_out:,} problem{'s keep posts' if left_out > 1 else ' keeps a post'} from going out as saved"
        )
    said += [
        f"{hub.url}: {hub.gave_up:,} pings given up: {hub.error}"
        for hub in found.hubs
        if hub.gave_up
    ]
    if found.owed_since and now - found.owed_since > _LONG:
        errors = [f"{hub.url}: {hub.error}" for hub in found.hubs if hub.waiting and hub.error]
        said.append(
            "; ".join([f"something is owed since {found.owed_since:%Y-%m-%d %H:%M} UTC", *errors])
        )
    places = ((found.output, found.disk_free_octets), (found.state, found.state_free_octets))
    said += [
        f"{place}: {free:,} octets are free"
        for place, free in places
        if free is not None and free < disk.LITTLE
    ]
    return tuple(said)


def remember_start(connection: Connection, now: datetime) -> None:
    """Keep when a daemon began: from then on one is expected to run."""
    kv.put(connection, "daemon since", now.isoformat())


def forget_start(connection: Connection) -> None:
    """Expect no daemon any more."""
    kv.put(connection, "daemon since", "")


def daemon_wanted(database: Database) -> bool:
    """Whether a daemon is expected to run: where none ever did, or a person ended it, builds and pushes are timed."""
    with database.read() as connection:
        return bool(kv.get(connection, "daemon since"))


def remember_run(connection: Connection, report: Report) -> None:
    """Keep what a run did, and forget why an earlier one failed."""
    said = {
        "started": report.started.isoformat(),
        "seconds": report.seconds,
        "summary": report.summary(),
    }
    kv.put(connection, "last run", json.dumps(said))
    kv.put(connection, "last failure", "")


def remember_failure(connection: Connection, failure: Failure) -> None:
    kv.put(connection, "last failure", json.dumps(asdict(failure) | {"at": failure.at.isoformat()}))


def collect(
    database: Database,
    output: Path,
    *,
    url: str,
    version: str,
    now: datetime,
    leads: Mapping[str, Mapping[str, str]],
) -> Status:
    """`leads`: what the config has lead to feeds, as `publish.nowhere` takes it."""
    daemon = locks.holder(database, "daemon")
    with database.read() as connection:
        rows = [row for row in feeds.all_feeds(connection) if row.content_key is not None]
        files = [file for file in feeds.all_files(connection) if not file.gone]
        counts = outbox.counts(connection)
        audiences = subscriptions.by_topic(connection, now)
        subscribers = {topic: audience.subscribers for topic, audience in audiences.items()}
        return Status(
            version=version,
            daemon=daemon.name if daemon else None,
            since=_moment(kv.get(connection, "daemon since")) if daemon else None,
            url=url,
            polled=daemon.heartbeat if daemon else None,
            state=database.name,
            state_octets=_octets(database.path),
            output=str(output),
            output_octets=sum(size for file in files for size, _ in file.disk.values()),
            disk_free_octets=disk.free(output),
            state_free_octets=disk.free(database.path.parent) if database.path else None,
            posts=posts.count(connection),
            waiting=posts.next_due(connection, now),
            last_run=_run(kv.get(connection, "last run")),
            last_failure=_trouble(daemon) or _failure(kv.get(connection, "last failure")),
            feeds=tuple(_feed(row, files, subscribers) for row in rows),
            problems=problems.all_problems(connection)
            + publish.aliases_without_target(leads, {file.path for file in files}),
            hubs=outbox.hub_states(connection),
            owed={kind.value: queued_by_kind(counts)[kind] for kind in JobKind},
            gave_up={kind.value: counts.get((kind, "gave up"), 0) for kind in JobKind},
            owed_since=outbox.oldest_since(connection),
            next_try=outbox.next_due(connection),
            subscribers=sum(subscribers.values()),
            audiences=audiences,
        )


def _feed(
    row: feeds.FeedRow, files: list[feeds.FileRow], subscribers: Mapping[str, int]
) -> FeedState:
    own = [file for file in files if file.feed == row.name]
    return FeedState(
        name=row.name,
        title=row.label or row.name,
        urls={
            file.path.rpartition(".")[2]: file.url
            for file in own
            if file.path.startswith(f"{row.name}.")
        },
        entries=len(row.post_paths),
        updated=row.updated,
        published=max(file.updated for file in own),
        subscribers=sum(subscribers.get(url, 0) for url in {file.url for file in own}),
    )


def _run(text: str | None) -> LastRun | None:
    if not text:
        return None
    said: dict[str, Any] = json.loads(text)
    return LastRun(**said | {"started": datetime.fromisoformat(said["started"])})


def _failure(text: str | None) -> Failure | None:
    if not text:
        return None
    said: dict[str, Any] = json.loads(text)
    return Failure(**said | {"at": datetime.fromisoformat(said["at"])})


def _trouble(daemon: locks.Holder | None) -> Failure | None:
    """What the daemon says itself: where the state can't be written to, it says nothing there."""
    if daemon is None or daemon.heartbeat is None or not daemon.trouble:
        return None
    return Failure(at=daemon.heartbeat, message=daemon.trouble, hint=daemon.hint or None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _octets(path: Path | None) -> int | None:
    if path is None:
        return None
    siblings = [path, path.with_name(path.name + "-wal")]
    return sum(os.path.getsize(each) for each in siblings if each.exists())
