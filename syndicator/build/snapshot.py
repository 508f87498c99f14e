"""What a process knows of the state and the source, so that a poll without changes reads no posts.

A run leaves a snapshot to the next one. If it is not valid, it is loaded from the state.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from sqlalchemy import Connection

from syndicator.build import feed_names, settings
from syndicator.build.dependencies import Dependencies
from syndicator.build.feed_names import FeedNames
from syndicator.build.options import BuildOptions
from syndicator.build.other_processes import OtherProcesses
from syndicator.build.scan import LastScan
from syndicator.build.settings import SettingsChange
from syndicator.build.site_reader import SiteReader
from syndicator.jekyll.site import Site
from syndicator.model.archive import ArchivePage
from syndicator.model.content import Problem
from syndicator.model.report import Report
from syndicator.store import entries, feeds, kv, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow

log = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a snapshot is not valid."""

    FAILED_RUN = "the last run failed, or ended early"
    OTHER_PROCESS = "another process has had a run"
    SITE_CHANGED = "the config or the data of the site changed"


class Snapshot(Struct, frozen=True, kw_only=True):
    """The knowledge that a run begins with."""

    site: Site
    site_problems: tuple[Problem, ...]
    names: FeedNames
    dependencies: Dependencies
    using_posts: frozenset[str]  #: posts whose entries any change of a post may change
    files: dict[str, FileRow]  #: by path
    built_at: datetime | None  #: the time as of which feeds were last built; None: never
    last_scan: LastScan = field(default_factory=LastScan)
    #: Of this process's last run, as if it had changed nothing; None: loaded from the state.
    report: Report | None = None
    put_off: bool = False  #: whether heavy posts were put off to the next run

    @property
    def is_first(self) -> bool:
        """Whether it was loaded from the state: everything has to be looked at once."""
        return self.report is None

    def is_of(self, site: Site, site_problems: tuple[Problem, ...]) -> bool:
        """Whether the site is still the same."""
        same = self.site.digest == site.digest
        return same and self.site_problems == site_problems

    def showing(self, changed_posts: Collection[str]) -> set[str]:
        """The posts whose entries may be others, since these posts changed."""
        return self.dependencies.linking_to(changed_posts).union(self.using_posts)

    def post_at_once(self, only: str | None, now: datetime) -> str | None:
        """The post to render at once even if it is heavy: the `only` new or changed one.

        None if another post waits behind it: one put off, one that shows other posts, one due.
        """
        due = self.report.next_due if self.report else None
        others = self.put_off or self.using_posts - {only} or (due is not None and now >= due)
        return None if others else only


class Snapshots:
    """Loads a snapshot for each run, and keeps the one that a run leaves."""

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        on_published: Callable[[Sequence[FileRow]], None],
        on_archived: Callable[[Sequence[ArchivePage]], None],
    ) -> None:
        """These get the files and the pages of archives that another process published."""
        self._options = options
        self._database = database
        self._on_published = on_published
        self._site_reader = SiteReader(options.source, options.overrides)
        self._last: Snapshot | None = None
        self.other_processes = OtherProcesses(database, self._after_other_process, on_archived)

    @property
    def is_valid(self) -> bool:
        """Whether the last run left a snapshot, and nothing is known that makes it invalid."""
        return self._last is not None

    def invalidate(self, reason: Reason) -> None:
        """Have the next run load everything from the state, and compare every file with it."""
        if self._last is not None:
            log.debug("the next run loads the state again: %s", reason)
        self._last = None

    def keep(self, snapshot: Snapshot) -> None:
        self._last = snapshot

    def load(self) -> Snapshot:
        """The snapshot that a run begins with. Reads the site's config and data if they changed.

        Without a valid snapshot it also stores the settings, and marks what they make stale. What
        another process published is reported. Raises SourceError, see `SiteReader.read`, and
        StateError. The caller holds the run lock.
        """
        self.other_processes.catch_up()
        if self._last is None:
            self._load_site_history()
        site = self._site_reader.read()
        site_problems = self._site_reader.problems
        if self._last and not self._last.is_of(site, site_problems):
            self.invalidate(Reason.SITE_CHANGED)
        if self._last is None:
            self._apply_settings(site)
            kinds = self._options.kinds_of(site)
            with self._database.read() as connection:
                self._last = from_state(connection, site, site_problems, kinds)
        return self._last

    def _after_other_process(self, rows: Sequence[FileRow]) -> None:
        self.invalidate(Reason.OTHER_PROCESS)
        self._on_published(rows)

    def _load_site_history(self) -> None:
        """Load whether the site ever had a _config.yml and _posts: they must not go missing."""
        with self._database.read() as connection:
            self._site_reader.had_config |= bool(kv.get(connection, "configured"))
            self._site_reader.had_posts |= bool(kv.get(connection, "posted"))

    def _apply_settings(self, site: Site) -> None:
        """Mark what other settings make stale. A new state gets the feed of the whole site."""
        now = settings.settings_of(self._options, site)
        with self._database.read() as connection:
            change = settings.change_of(settings.stored(connection), now)
            is_new = all(row.name != feed_names.ALL for row in feeds.all_names(connection))
        with self._database.begin(durable=change is not SettingsChange.NOTHING) as connection:
            settings.apply(connection, now, change)
            kv.put(connection, "configured", "yes" if self._site_reader.had_config else "")
            kv.put(connection, "posted", "yes" if self._site_reader.had_posts else "")
            problems.replace(connection, "site", {"": self._site_reader.problems})
            if is_new:
                main = FeedRow(name=feed_names.ALL, kind=None, label=None, folded="")
                feeds.put(connection, [main])


def from_state(
    connection: Connection, site: Site, site_problems: tuple[Problem, ...], kinds: tuple[str, ...]
) -> Snapshot:
    """`kinds`: of terms that have feeds."""
    built_at = kv.get(connection, "now")
    return Snapshot(
        site=site,
        site_problems=site_problems,
        names=FeedNames(
            feeds.all_names(connection), kinds, site.plugins.default_language, site.tag_feeds
        ),
        dependencies=Dependencies(entries.all_needs(connection)),
        using_posts=frozenset(entries.using_posts(connection)),
        files={row.path: row for row in feeds.all_files(connection)},
        built_at=datetime.fromisoformat(built_at) if built_at else None,
    )
