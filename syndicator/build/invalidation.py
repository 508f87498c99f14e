"""Decides what is stale although no post changed: by time, by site files, by lost feed files."""

from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.build.dependencies import TODAY, state_of_day
from syndicator.build.publish import is_lost
from syndicator.build.snapshot import Snapshot
from syndicator.model.content import FileState
from syndicator.outputs.output import Output
from syndicator.sources.referenced_files import FileStates
from syndicator.store import archives, entries, feeds, post_queries
from syndicator.store.database import Database
from syndicator.store.post_rows import PostRow


class Facts(Struct, frozen=True, kw_only=True):
    """What may make feeds stale besides their posts, as it is now."""

    #: Of the site's files that entries depend on, those that may have changed.
    states: Mapping[str, FileState]
    #: The feeds with a file that someone else changed or removed.
    lost: frozenset[str]
    #: The posts whose date has passed, or is ahead again; None: no date has.
    due: tuple[PostRow, ...] | None


class StaleParts(Struct, frozen=True, kw_only=True):
    """The entries and feeds to build again although no post changed. False: nothing."""

    #: Posts whose entries are stale, and so the feeds they are in.
    entries: frozenset[str] = frozenset()
    feeds: frozenset[str] = frozenset()
    due: tuple[PostRow, ...] = ()  #: see `Facts`
    #: Whether the date of a post has passed. Even if it is in no feed now, another one is next.
    date_passed: bool = False
    #: Whether held posts go out, or became late.
    held_posts: bool = False

    def __bool__(self) -> bool:
        return bool(self.entries or self.feeds or self.date_passed or self.held_posts)


def period(snapshot: Snapshot, now: datetime) -> tuple[datetime, datetime] | None:
    """The dates, later than the first and not later than the second, whose posts are due now.

    If the clock was set back, the posts of these dates were published too early, and are future
    ones again. None: there are no such posts.
    """
    then = snapshot.built_at
    if then is None:
        return None
    if now < then:
        return now, then
    due = snapshot.report.next_due if snapshot.report else then
    return (then, now) if due is not None and now >= due else None


def look(
    snapshot: Snapshot,
    now: datetime,
    changed_paths: Collection[str] | None,
    files: FileStates,
    output: Output,
    database: Database,
) -> Facts:
    """Look at the clock, the site's files and the published files.

    `changed_paths`: the only files that may have changed; None: any, the published ones too.
    """
    needed = snapshot.dependencies.files(changed_paths)
    published = snapshot.files.values() if changed_paths is None else ()
    dates = period(snapshot, now)
    due = None
    if dates:
        with database.read() as connection:
            due = tuple(post_queries.due(connection, *dates))
    return Facts(
        states={
            path: state_of_day(now, snapshot.site.timezone)
            if path == TODAY
            else files.now(path, text=text)
            for path, text in needed.items()
        },
        lost=frozenset(row.feed for row in published if is_lost(output, row)),
        due=due,
    )


def find_stale(snapshot: Snapshot, facts: Facts) -> StaleParts:
    """What became stale since the last run. A post that is due changes entries that show posts."""
    outdated = snapshot.dependencies.outdated(facts.states)
    if facts.due:
        outdated |= snapshot.showing([row.stat.path for row in facts.due])
    return StaleParts(
        entries=outdated,
        feeds=facts.lost.union(*(row.feeds for row in facts.due or ())),
        due=facts.due or (),
        date_passed=facts.due is not None,
    )


def apply(connection: Connection, stale: StaleParts) -> None:
    entries.mark_stale(connection, stale.entries)
    feeds.mark_stale(connection, stale.feeds)
    archives.mark_posts(connection, stale.due)
