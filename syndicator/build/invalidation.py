"""What else than a document touches feeds: settings, time, files that entries asked for, files we lost.

Also what a run remembers of all this, so that the next looks only at what may have changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from syndicator.build import assemble, entries
from syndicator.build.index import FeedNames, drop
from syndicator.build.options import BuildOptions
from syndicator.build.scan import SiteReader
from syndicator.jekyll.site import Site
from syndicator.model.content import Report, fingerprint
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds, kv, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow


@dataclass
class Memory:
    """What a run leaves to the next: a poll without changes reads no row, and a change only those it touches.

    It is dropped when a run fails, when the site changed, and when another process had a run.
    """

    site: Site
    names: FeedNames
    needs: entries.Dependencies
    using: set[str]  #: posts whose entries asked for other posts
    files: Mapping[str, FileRow]  #: by path
    report: Report
    put_off: bool  #: whether posts that may take long were left to the next run

    def awaited(self, only: str | None, now: datetime) -> str | None:
        """The `only` post that is new or changed, where no other one waits, shows other posts, or appears by `now`."""
        due = self.report.next_due
        waited_for = self.put_off or self.using - {only} or (due is not None and now >= due)
        return None if waited_for else only


class Invalidation:
    """Marks feeds that are to be made again though none of their documents changed."""

    def __init__(
        self, plan: BuildOptions, database: Database, output: OutputFolder, site_reader: SiteReader
    ) -> None:
        self._plan = plan
        self._database = database
        self._output = output
        self._site_reader = site_reader

    def recall(self) -> None:
        """Let the site be read as what it was: a _config.yml or _posts that it had before may be away."""
        with self._database.read() as connection:
            self._site_reader.configured |= bool(kv.get(connection, "configured"))
            self._site_reader.posted |= bool(kv.get(connection, "posted"))

    def is_due(
        self, memory: Memory, site: Site, now: datetime, told: Collection[str] | None
    ) -> bool:
        """Whether anything that is not a document changed since the run that is remembered.

        `told`: the only files that may have; None: any, and those that we wrote may be lost.
        """
        due = memory.report.next_due
        return (
            site is not memory.site
            or (due is not None and now >= due)
            or now < memory.report.started  # a clock that was set back takes posts out again
            or bool(memory.needs.outdated(str(self._plan.source), told))
            or (told is None and any(map(self._is_lost, memory.files.values())))
        )

    def adopt(self, site: Site) -> bool:
        """Compare the site and the plan with those that the store was made with. True: posts must be read again."""
        plan = self._plan
        read_with = fingerprint(plan.version, site.digest, sorted(plan.kinds_of(site)))
        made_with = fingerprint(
            read_with,
            plan.spec_of(site, assemble.ALL, None),
            site.info,
            plan.policy.key,
            sorted(plan.aliases.items()),
        )
        with self._database.read() as connection:
            read_before = kv.get(connection, "read with")
            made_before = kv.get(connection, "made with")
        if (read_before, made_before) == (read_with, made_with):
            return False
        with self._database.begin() as connection:
            if read_before != read_with:
                posts.mark_unread(connection)
            feeds.mark_all_stale(connection)
            kv.put(connection, "read with", read_with)
            kv.put(connection, "made with", made_with)
            kv.put(connection, "configured", "yes" if self._site_reader.configured else "")
            kv.put(connection, "posted", "yes" if self._site_reader.posted else "")
        return read_before != read_with

    def mark(
        self,
        now: datetime,
        memory: Memory | None,
        told: Collection[str] | None,
        using: Collection[str],
    ) -> None:
        """Mark the feeds that time, other files, or the absence of their own files touch.

        `memory` is None when nothing that was remembered holds. `told` is as above. `using` are the posts whose entries
        asked for other posts: one whose time has come may be one of theirs.
        """
        with self._database.read() as connection:
            before = kv.get(connection, "now")
            then = datetime.fromisoformat(before) if before else now
            # A clock that was set back takes posts out again that it had let out too early.
            due = posts.feeds_due(connection, min(then, now), max(then, now))
            needs = memory.needs if memory else entries.Dependencies(connection)
            files = memory.files.values() if memory else feeds.all_files(connection)
            missing = not memory and not any(
                row.name == assemble.ALL for row in feeds.all_names(connection)
            )
        outdated = needs.outdated(str(self._plan.source), told)
        lost = {row.feed for row in files if self._is_lost(row)} if told is None else set()
        if memory and not (outdated or due or lost):
            return
        with self._database.begin(durable=False) as connection:
            if missing:
                feeds.put(
                    connection, [FeedRow(name=assemble.ALL, kind=None, label=None, folded="")]
                )
            drop(connection, outdated.union(using) if due else outdated)
            feeds.mark_stale(connection, due | lost)
            problems.replace(connection, "site", {"": self._site_reader.problems})

    def _is_lost(self, row: FileRow) -> bool:
        return not row.gone and not self._output.stands(row.path, row.disk)
