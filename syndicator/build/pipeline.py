"""One run of a build, step by step: source → index → feeds → output → store."""

import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import perf_counter

from msgspec.structs import replace

from syndicator.build import invalidation, scan
from syndicator.build.archive import Archiver
from syndicator.build.compression import Compression
from syndicator.build.context import BuildContext
from syndicator.build.entries import prune
from syndicator.build.feed_builder import FeedBuilder
from syndicator.build.held_posts import HeldPosts
from syndicator.build.index import Indexer, IndexResult
from syndicator.build.invalidation import StaleParts
from syndicator.build.options import BuildOptions
from syndicator.build.post_workers import PostWorkers
from syndicator.build.run_tools import RunTools
from syndicator.build.scan import ScanResult
from syndicator.build.shown import ShownEntries
from syndicator.build.snapshot import Reason, Snapshot, Snapshots
from syndicator.errors import OutputError, SourceError
from syndicator.model.archive import ArchivePage
from syndicator.model.progress import NEVER, Cancel, Cancelled, Phase, Progress, quiet
from syndicator.model.report import Report
from syndicator.outputs.output import Output
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FileStates
from syndicator.store import entries, feeds, kv
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow

#: Seconds of rendering heavy posts, after which the finished ones are published.
HEAVY_SECONDS = 1.0

#: Up to this many stale feeds, hubs are notified before anything is compressed. With more, one feed
#: is compressed on another processor while the next is built.
FEW_FEEDS = 6

#: How often a run begins again because the source leads to another folder than at its beginning.
_SWAPS = 3

_Look = tuple[Snapshot, SourceFolder, ScanResult, StaleParts]


class Builder:
    """Builds one site's feeds, run after run.

    The steps of a run::

        check the output     that the folder does not belong to another state
        clean up             temporary files of a killed process, if no run left a snapshot
        load the snapshot    what the last run left. If that is not valid: mark what other settings
                             make stale, and load it from the state
        scan                 which documents are new, changed or gone
        find what is stale   by time, by files of the site, by lost feed files
                             if that is nothing and no document changed, the run ends here
        claim the output     mark the folder as this state's, before anything is written there
        index                read changed posts, give them identities, mark their feeds as stale
        release held posts   whose page is live, if new posts wait for theirs
        remove feeds         of kinds that the config no longer has
        build feeds          those that are stale, step by step in `FeedBuilder`: load the entries,
                             assemble the feed, render its files, publish those that differ, notify
        build heavy posts    one second's worth at a time, after all others are published
        build pages          the index page and the OPML
        compress             published files: begun with each feed, waited for here
        leave a snapshot     what the next run need not load from the state

    A feed is marked as stale in the transaction that changes the index, and unmarked in the one
    that stores its files. So after a crash at any point, the next run builds the feeds still stale.
    """

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        output: Output,
        *,
        on_published: Callable[[Sequence[FileRow]], None],
        on_queued: Callable[[], None],
        on_archived: Callable[[Sequence[ArchivePage]], None],
    ) -> None:
        """`on_published` gets files just written or removed, before any hub is notified of them.

        `on_queued` is called when a changed feed is published and its jobs are queued.
        `on_archived` gets pages of archives that were written, or ended.
        """
        self.options = options
        self.database = database
        self.output = output
        self._on_published = on_published
        self._feeds = FeedBuilder(options, database, output, on_published, on_queued)
        self._snapshots = Snapshots(options, database, on_published, on_archived)
        self.other_processes = self._snapshots.other_processes
        self._tools = RunTools(options, database)
        self._held = HeldPosts(database, output, options.live)
        self._scanned = ""  #: the source as last scanned, its links resolved
        self._files = FileStates(options.source, options.theme)
        self.archiver = Archiver(options, database, output, self._feeds, on_archived)

    def run(
        self,
        now: datetime,
        *,
        paths: Collection[str] | None = None,
        progress: Progress,
        cancel: Cancel = NEVER,
    ) -> Report:
        """One run as of `now`. `paths`: the only documents that may have changed; None: any may.

        Raises SourceError, OutputError and StateError; published feeds stay as they are. Raises
        Cancelled if `cancel` says so.
        """
        begun = perf_counter()
        step = cancel.checked(progress)
        self.output.files.begin()
        self.output.check_owner()
        if not self._snapshots.is_valid:
            self.output.files.sweep()
        known, source, changes, stale = self._look(now, paths, step)
        if known.report and not changes and not stale:
            return replace(known.report, started=now, seconds=perf_counter() - begun)
        try:
            loader = self._tools.loader(known.site, source)
            compression = Compression(self.output)
            run = BuildContext(known, source, now, begun, step, cancel, loader, compression)
            return self._build(run, changes, stale)
        except BaseException:
            self._snapshots.invalidate(Reason.FAILED_RUN)  # the next run finds the same changes
            raise

    def archive(self, now: datetime, *, progress: Progress = quiet, cancel: Cancel = NEVER) -> int:
        """Update the archives as of the last run. Returns the number of pages that were made.

        Nothing is done if there was no run in this process, or another process has had one since:
        the next run comes first. Raises as `run`; what was made stays.
        """
        known = self._snapshots.load()
        if known.is_first or known.built_at is None:
            return 0
        source = self.options.source_of(known.site)
        loader = self._tools.loader(known.site, source)
        compression = Compression(self.output)
        workers = self._tools.workers(loader, renders=True, number=os.cpu_count())
        built_at, begun, step = known.built_at, perf_counter(), cancel.checked(progress)
        run = BuildContext(known, source, built_at, begun, step, cancel, loader, compression)
        run.workers = workers
        try:
            with compression, workers:
                loader.begin(known.built_at, light_first=False, workers=workers)
                try:
                    made = self.archiver.run(run, now)
                finally:  # if it is cancelled, the next one resumes behind the feeds that are done
                    self._compress(run)
        except BaseException as error:
            if not isinstance(error, Cancelled):
                self._snapshots.invalidate(Reason.FAILED_RUN)  # a feed may have become stale
            raise
        finally:
            if self._snapshots.is_valid:
                self._snapshots.keep(self._with_entries(run))
        if run.failure:
            raise run.failure
        return made

    def _with_entries(self, run: BuildContext) -> Snapshot:
        """The snapshot of a run with the files it published, and what entries depend on now."""
        posts = run.removed.union(run.loader.rendered)
        with self.database.read() as connection:
            run.snapshot.dependencies.update(posts, entries.needs(connection, posts))
            return replace(
                run.snapshot,
                using_posts=frozenset(entries.using_posts(connection)),
                files=run.snapshot.files | {row.path: row for row in run.rows},
            )

    def _look(self, now: datetime, paths: Collection[str] | None, progress: Progress) -> _Look:
        """Load the snapshot, scan, and find what is stale, all in one folder.

        `source.path` may be a link to the newest release, and swapped meanwhile. The rest of a run
        reads the folder that was scanned. Raises SourceError if it is swapped all the time.
        """
        for _ in range(_SWAPS):
            real = os.path.realpath(self.options.source)
            try:
                known = self._snapshots.load()
                source = self.options.source_of(known.site)
                changes = scan.scan(
                    self.database,
                    source,
                    known.last_scan,
                    paths if real == self._scanned else None,
                    lambda seen: progress(seen, None, Phase.SCANNING),
                )
                looked_at = None if changes.is_full else frozenset(paths or ())
                stale = self._find_stale(known, now, looked_at)
            except SourceError:
                if os.path.realpath(self.options.source) == real:
                    raise
                continue  # the release that it led to was removed
            if os.path.realpath(self.options.source) == real:
                self._scanned = real
                return known, source, changes, stale
        hint = "the next poll reads it again"
        raise SourceError(f"{self.options.source} leads to one folder after the other", hint=hint)

    def _build(self, run: BuildContext, changes: ScanResult, stale: StaleParts) -> Report:
        """All steps after the scan."""
        self.output.claim(run.now)
        if stale:
            with self.database.begin(durable=False) as connection:
                invalidation.apply(connection, stale)
        first = run.snapshot.is_first
        with self._tools.workers(run.loader, renders=first) as workers, run.compression:
            indexed = self._index(run, changes, workers)
            run.removed.update(changes.fresh, changes.gone)
            self._held.release(run.snapshot, run.now)
            if first:
                self._feeds.remove_unwanted(run)
            # Heavy posts come last, but not on a first run, nor a single one: nobody waits then.
            at_once = run.snapshot.post_at_once(indexed.counts.only, run.now)
            light = not first and not self.options.whole
            run.loader.begin(run.now, light_first=light, at_once=at_once, workers=workers)
            self._build_feeds(run)
            self._build_heavy(run)
            if self.options.pages:
                self._feeds.build_pages(run)
            self._compress(run)
        if run.failure:
            raise run.failure
        return self._leave_snapshot(run, changes, indexed)

    def _find_stale(
        self, known: Snapshot, now: datetime, changed_paths: Collection[str] | None
    ) -> StaleParts:
        """`changed_paths`: the only files that may have changed; None: any."""
        facts = invalidation.look(
            known, now, changed_paths, self._files, self.output, self.database
        )
        stale = invalidation.find_stale(known, facts)
        return replace(stale, held_posts=bool(self._held.changes(known, now)))

    def _index(self, run: BuildContext, changes: ScanResult, workers: PostWorkers) -> IndexResult:
        known = run.snapshot
        indexer = Indexer(
            self.database,
            run.loader.tools,
            workers,
            known.names,
            known.showing,
            self.options.batch,
        )
        shown = ShownEntries(self.output, known.files, run.now) if known.is_first else None
        # Posts of a site that had no feeds yet are not news.
        holds = self.options.live.wanted and known.built_at is not None
        return indexer.index(changes.fresh, changes.gone, run.now, run.progress, shown, holds=holds)

    def _build_feeds(self, run: BuildContext) -> None:
        with self.database.read() as connection:
            stale = feeds.stale(connection)
        for done, row in enumerate(self._feeds.with_posts_ahead(stale, run), 1):
            try:
                files = self._feeds.build(row, run)
                if len(stale) > FEW_FEEDS:
                    run.compression.begin(files)
            except OutputError as error:  # the other feeds are published all the same
                run.failure = run.failure or error
            run.progress(done, len(stale), Phase.BUILDING)
        with self.database.begin(durable=False) as connection:
            if not self.options.archive:
                run.removed |= prune(connection)
            kv.put(connection, "now", run.now.isoformat())

    def _build_heavy(self, run: BuildContext) -> None:
        """Publish heavy posts, one second's worth at a time, until `cancel` puts them off."""
        loader = run.loader
        while loader.waiting:
            until = perf_counter() + HEAVY_SECONDS
            loader.render_next(run.until)
            while loader.waiting and perf_counter() < until and not run.cancel.heavy_posts():
                loader.render_next(run.until)
            self._build_feeds(run)
            if run.cancel.heavy_posts():
                break
        run.put_off = tuple(loader.waiting)
        run.scan_again.update(run.put_off)

    def _compress(self, run: BuildContext) -> None:
        """Compress what was published, and what an aborted run left without siblings."""
        self.output.close_replaced()
        published = {row.path: row for row in run.rows}
        rows = run.snapshot.files | published if run.snapshot.is_first else published
        run.compression.begin(rows.values())
        compressed, failures = run.compression.end()
        run.failure = run.failure or next(iter(failures), None)
        if compressed:
            run.rows += compressed
            self._on_published(compressed)
            with self.database.begin(durable=False) as connection:
                feeds.put_files(connection, compressed)

    def _leave_snapshot(
        self, run: BuildContext, changes: ScanResult, indexed: IndexResult
    ) -> Report:
        """Keep what this run knows for the next one. Returns the report of this run."""
        known = run.snapshot
        with self.database.read() as connection:
            report = run.report(connection, indexed.counts, self.options)
        snapshot = replace(
            self._with_entries(run),
            last_scan=scan.after(known.last_scan, changes, indexed.scan_again | run.scan_again),
            built_at=run.now,
            report=report.without_changes(),
            put_off=bool(report.put_off),
        )
        self._snapshots.keep(snapshot)
        return report
