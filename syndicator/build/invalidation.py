"""Marks feeds stale for reasons other than a changed post: settings, time, site files, lost files.

Also what a run keeps in memory, so that the next looks only at what may have changed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from syndicator.build import entries, feed_names, publish
from syndicator.build.feed_names import FeedNames
from syndicator.build.index import mark_entries_stale
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
    """What a run leaves to the next, so that a poll reads no rows and a change only its own.

    It is dropped if a run fails, if the site changed, and if another process had a run.
    """

    site: Site
    names: FeedNames
    dependencies: entries.Dependencies
    using_posts: set[str]  #: posts whose entries show other posts
    files: Mapping[str, FileRow]  #: by path
    report: Report
    put_off: bool  #: whether heavy posts were put off to the next run

    def post_at_once(self, only: str | None, now: datetime) -> str | None:
        """The post to render at once even if it is heavy: the `only` new or changed one.

        None if another post waits behind it: one put off, one that shows other posts, one due.
        """
        due = self.report.next_due
        others = self.put_off or self.using_posts - {only} or (due is not None and now >= due)
        return None if others else only


class Invalidation:
    """Marks feeds as stale although none of their posts changed."""

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        output: OutputFolder,
        site_reader: SiteReader,
    ) -> None:
        self._options = options
        self._database = database
        self._output = output
        self._site_reader = site_reader

    def load_site_history(self) -> None:
        """Load whether the site ever had a _config.yml and _posts: they must not go missing."""
        with self._database.read() as connection:
            self._site_reader.had_config |= bool(kv.get(connection, "configured"))
            self._site_reader.had_posts |= bool(kv.get(connection, "posted"))

    def is_due(
        self, memory: Memory, site: Site, now: datetime, changed_paths: Collection[str] | None
    ) -> bool:
        """Whether anything that is not a document changed since the last run.

        `changed_paths`: the only files that may have; None: any, and our own files may be lost.
        """
        due = memory.report.next_due
        return (
            site is not memory.site
            or (due is not None and now >= due)
            or now < memory.report.started  # a clock set back makes posts future ones again
            or bool(memory.dependencies.outdated(str(self._options.source), changed_paths))
            or (changed_paths is None and bool(self._lost_feeds(memory.files.values())))
        )

    def apply_settings(self, site: Site) -> bool:
        """Mark all feeds as stale if the site or the options differ from the stored ones.

        True: posts depend on what changed, and are marked to be read again.
        """
        options = self._options
        read_with = fingerprint(options.version, site.digest, sorted(options.kinds_of(site)))
        made_with = fingerprint(
            read_with,
            options.spec_of(site, feed_names.ALL, None),
            site.info,
            options.policy.key,
            sorted(options.aliases.items()),
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
            kv.put(connection, "configured", "yes" if self._site_reader.had_config else "")
            kv.put(connection, "posted", "yes" if self._site_reader.had_posts else "")
        return read_before != read_with

    def mark_stale(
        self,
        now: datetime,
        memory: Memory | None,
        changed_paths: Collection[str] | None,
        using_posts: Collection[str],
    ) -> None:
        """Mark the feeds that time, files of the site, or the loss of their own files affect.

        `memory`: of the last run; None: it is missing or invalid. `changed_paths` as above.
        `using_posts`: the posts whose entries show other posts, and so perhaps one that is due.
        """
        with self._database.read() as connection:
            before = kv.get(connection, "now")
            then = datetime.fromisoformat(before) if before else now
            # If the clock was set back, posts that it published too early are future ones again.
            due = posts.feeds_due(connection, min(then, now), max(then, now))
            dependencies = memory.dependencies if memory else entries.Dependencies(connection)
            files = memory.files.values() if memory else feeds.all_files(connection)
            missing = not memory and not any(
                row.name == feed_names.ALL for row in feeds.all_names(connection)
            )
        outdated = dependencies.outdated(str(self._options.source), changed_paths)
        lost = self._lost_feeds(files) if changed_paths is None else set()
        if memory and not (outdated or due or lost):
            return
        with self._database.begin(durable=False) as connection:
            if missing:
                main = FeedRow(name=feed_names.ALL, kind=None, label=None, folded="")
                feeds.put(connection, [main])
            mark_entries_stale(connection, outdated.union(using_posts) if due else outdated)
            feeds.mark_stale(connection, due | lost)
            problems.replace(connection, "site", {"": self._site_reader.problems})

    def _lost_feeds(self, files: Iterable[FileRow]) -> set[str]:
        """The feeds with a file that someone else changed or removed."""
        return {row.feed for row in files if publish.is_lost(self._output, row)}
