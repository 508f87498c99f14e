"""Lets new posts into feeds when their page is live, or when they have waited for too long."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy import Connection

from syndicator.build.shown import ShownEntries
from syndicator.live import decision
from syndicator.live.decision import Changes
from syndicator.model.awaited import LiveRules
from syndicator.outputs.output import Output
from syndicator.store import archives, awaited_pages, entries, feeds, identities, posts
from syndicator.store.database import Database

if TYPE_CHECKING:
    from syndicator.build.snapshot import Snapshot


def look(
    connection: Connection, now: datetime, rules: LiveRules, shown: ShownEntries | None = None
) -> Changes:
    """Which posts go out, and which became late, by what was seen of their pages.

    `shown`: entries of feed files that the state doesn't know; None: it knows all files. A post
    that readers saw, before an older backup was restored, is not taken back.
    """
    pages = awaited_pages.all_pages(connection)
    if shown:
        pages = [replace(page, live=page.live or bool(shown.at(page.url))) for page in pages]
    return decision.changes(pages, now, rules)


def apply(connection: Connection, changes: Changes, showing: Collection[str]) -> None:
    """Put the posts that go out into their feeds, and mark these feeds as stale.

    `showing`: the posts whose entries may show those that go out.
    """
    rows = list(posts.get(connection, sorted(changes.out)).values())
    posts.put(connection, [row._replace(held=False) for row in rows], rows)
    identities.mark_shown(connection, sorted(changes.out))
    feeds.mark_stale(connection, {name for row in rows for name in row.feeds})
    archives.mark_posts(connection, rows)
    if rows:
        entries.mark_stale(connection, showing)
    late = dict.fromkeys(changes.late, True) | dict.fromkeys(changes.on_time, False)
    awaited_pages.set_late(connection, late)
    awaited_pages.remove(connection, changes.over)


class HeldPosts:
    """The held posts of a state."""

    def __init__(self, database: Database, output: Output, rules: LiveRules) -> None:
        self._database = database
        self._output = output
        self._rules = rules

    def changes(self, known: "Snapshot", now: datetime) -> Changes:
        """What changed about them. If none are to be held, only earlier ones may be there."""
        if not (self._rules.wanted or known.is_first):
            return Changes()
        shown = ShownEntries(self._output, known.files, now) if known.is_first else None
        with self._database.read() as connection:
            return look(connection, now, self._rules, shown)

    def release(self, known: "Snapshot", now: datetime) -> None:
        """Put those that go out into their feeds."""
        if changes := self.changes(known, now):
            with self._database.begin(durable=False) as connection:
                apply(connection, changes, known.showing(changes.out))
