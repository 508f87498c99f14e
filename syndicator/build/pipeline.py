"""One run of a build, step by step: source → index → feeds → output → store."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter

from syndicator import formats
from syndicator.build import assemble, invalidation, pages, publish
from syndicator.build.context import BuildContext
from syndicator.build.entries import Dependencies, EntryLoader, prune
from syndicator.build.feed_names import FeedNames
from syndicator.build.index import Indexer, Progress
from syndicator.build.invalidation import Memory
from syndicator.build.options import BuildOptions
from syndicator.build.other_processes import OtherProcesses
from syndicator.build.scan import Scanner, ScanResult, SiteReader
from syndicator.cache import LruCache
from syndicator.errors import OutputError
from syndicator.jekyll.site import Site
from syndicator.model.content import Report, fingerprint
from syndicator.outputs.folder import OutputFolder
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, kv, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow

#: The progress message of a scan.
SCANNING = "scanning files"

#: Seconds of rendering heavy posts, after which the finished ones are published.
HEAVY_SECONDS = 1.0

#: Bytes of entries cached in memory between runs.
CACHED_ENTRIES = 8 * 1024 * 1024

#: Up to this many stale feeds, hubs are notified before anything is compressed. With more, one feed
#: is compressed on another processor while the next is built.
FEW_FEEDS = 6


class Builder:
    """Builds one site's feeds, run after run.

    The steps of a run::

        read the site        _config.yml and _data, if they changed
        scan                 which documents are new, changed or gone; if nothing is due, stop here
        apply settings       if the site or the config changed, mark all feeds as stale
        index                read changed posts, give them identities, mark their feeds as stale
        mark stale           the feeds affected by time, files of the site, and lost feed files
        remove feeds         of kinds that the config no longer has
        publish feeds        for each stale feed:
            load             its newest posts as entries, from the cache or rendered
            assemble         the feed, independent of formats
            render           its files
            publish          those that differ; then store them and queue jobs in one transaction
            notify           `on_queued`, which starts the push
        publish heavy posts  one second's worth at a time, after all others are published
        publish pages        the index page and the OPML
        compress             published files: begun with each feed, waited for here
        remember             what the next run need not load from the state

    A feed is marked as stale in the transaction that changes the index, and unmarked in the one
    that stores its files. So after a crash at any point, the next run builds the feeds still stale.
    """

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        output: OutputFolder,
        *,
        on_published: Callable[[Sequence[FileRow]], None],
        on_queued: Callable[[], None],
    ) -> None:
        """`on_published` gets files just written or removed, before any hub is notified of them.

        `on_queued` is called when a changed feed is published and its jobs are queued.
        """
        self.options = options
        self.database = database
        self.output = output
        self._on_published = on_published
        self._on_queued = on_queued
        self._site_reader = SiteReader(options.source, options.overrides)
        self._scanner = Scanner(database)
        self._invalidation = invalidation.Invalidation(options, database, output, self._site_reader)
        self.other_processes = OtherProcesses(database, self._after_other_process)
        self._memory: Memory | None = None
        self._cached_entries: entries.Recent = LruCache(CACHED_ENTRIES)
        self._entry_loader: EntryLoader | None = None

    def run(
        self,
        now: datetime,
        *,
        paths: Collection[str] | None = None,
        progress: Progress,
        urgent: Callable[[], bool] = lambda: False,
    ) -> Report:
        """One run as of `now`. `paths`: the only documents that may have changed; None: any may.

        While something is `urgent`, all heavy posts but one are put off to the next run.

        Raises SourceError, OutputError and StateError; published feeds stay as they are. What
        `progress` raises ends the run; during SCANNING, nothing has been changed yet.
        """
        begun = perf_counter()
        if self._memory is None:
            self.output.files.sweep()
            self._invalidation.load_site_history()
        site = self._site_reader.read()
        source = self.options.source_of(site)

        def scanning(seen: int) -> None:
            progress(seen, None, SCANNING)

        if paths is None or self._scanner.needs_full_scan:
            scan = self._scanner.scan_all(source, scanning)
        else:
            scan = self._scanner.scan_paths(source, paths, scanning)
        changed_paths = None if paths is None or scan.stat_hashes is not None else frozenset(paths)
        memory = self._memory
        if memory and not scan and not self._invalidation.is_due(memory, site, now, changed_paths):
            return replace(memory.report, started=now, seconds=perf_counter() - begun)
        try:
            loader = self._loader_for(site, source)
            compression = publish.Compression(self.output)
            run = BuildContext(site, source, now, begun, progress, urgent, loader, compression)
            return self._build(run, scan, changed_paths)
        except BaseException:
            self._memory = None
            self._scanner.reset()  # the next run finds the same changes again
            raise

    def _build(
        self, run: BuildContext, scan: ScanResult, changed_paths: Collection[str] | None
    ) -> Report:
        """All steps after the scan. `changed_paths`: the only files that may have changed."""
        self.other_processes.catch_up()
        memory = self._memory if self._memory and self._memory.site is run.site else None
        if memory is None and self._invalidation.apply_settings(run.site):
            self._scanner.reset()
            if not scan.all_fresh:
                scan = self._scanner.scan_all(
                    run.source, lambda seen: run.progress(seen, None, "scanning again")
                )
        names, using_posts = (memory.names, memory.using_posts) if memory else self._load(run.site)
        indexer = Indexer(
            self.database, run.source, run.site, names, using_posts, self.options.batch
        )
        indexed = indexer.index(scan.fresh, scan.gone, run.now, run.progress)
        self._invalidation.mark_stale(run.now, memory, changed_paths, using_posts)
        if memory is None:
            self._remove_feeds(run)
        # Heavy posts come last, but not on a first run, nor a single new post: nobody waits then.
        at_once = memory.post_at_once(indexed.only, run.now) if memory else None
        run.loader.begin(light_first=memory is not None, at_once=at_once)
        with run.compression:
            self._publish_feeds(run)
            self._publish_heavy(run)
            self._publish_pages(run)
            self._compress(run, memory)
        if run.failure:
            raise run.failure
        self._scanner.remember(scan, indexed.racy | run.scan_again)
        with self.database.read() as connection:
            report = run.report(connection, indexed)
        self._remember(report, run, names, memory)
        return report

    def _after_other_process(self, rows: Sequence[FileRow]) -> None:
        """Serve the files that another process published, and drop the memory of the last run."""
        self._memory = None
        self._on_published(rows)

    def _load(self, site: Site) -> tuple[FeedNames, set[str]]:
        """The stored names of feeds, and the posts whose entries show other posts."""
        with self.database.read() as connection:
            names = FeedNames(feeds.all_names(connection), self.options.kinds_of(site))
            return names, entries.using_posts(connection)

    def _loader_for(self, site: Site, source: SourceFolder) -> EntryLoader:
        """The same loader while the site is unchanged, because setting up Liquid is slow."""
        if self._entry_loader is None or self._entry_loader.site is not site:
            self._entry_loader = EntryLoader(
                self.database, source, site, self.options, self._cached_entries
            )
        return self._entry_loader

    def _publish_feeds(self, run: BuildContext) -> None:
        with self.database.read() as connection:
            stale = feeds.stale(connection)
        for done, row in enumerate(stale, 1):
            try:
                files = self._publish_feed(row, run)
                if len(stale) > FEW_FEEDS:
                    run.compression.begin(files)
            except OutputError as error:  # the other feeds are published all the same
                run.failure = run.failure or error
            run.progress(done, len(stale), "building feeds")
        with self.database.begin(durable=False) as connection:
            prune(connection)
            kv.put(connection, "now", run.now.isoformat())

    def _publish_heavy(self, run: BuildContext) -> None:
        """Publish heavy posts, one second's worth at a time, until something is urgent."""
        loader = run.loader
        while loader.waiting:
            until = perf_counter() + HEAVY_SECONDS
            loader.render_next(run.until)
            while loader.waiting and perf_counter() < until and not run.urgent():
                loader.render_next(run.until)
            self._publish_feeds(run)
            if run.urgent():
                break
        run.put_off = tuple(loader.waiting)
        run.scan_again.update(run.put_off)

    def _publish_feed(self, row: FeedRow, run: BuildContext) -> Sequence[FileRow]:
        """Build a stale feed. Returns its files, unless this run will publish them again."""
        site = run.site
        spec = self.options.spec_of(site, row.name, row.term)
        with self.database.read() as connection:
            selected = posts.newest(connection, row.name, run.until, spec.limit)
            known = feeds.files_of(connection, row.name)
        loaded = run.loader.load(selected, run.until)
        if loaded.mismatched:
            run.scan_again.update(loaded.mismatched)
            with self.database.begin(durable=False) as connection:
                posts.mark_unread(connection, loaded.mismatched)
        row = replace(row, stale=bool(loaded.mismatched or loaded.incomplete))
        if loaded.incomplete and not loaded.rendered:  # publish it once, when it is complete
            with self.database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        # A feed that has only future posts isn't published: its name would reveal them.
        only_future = not loaded.entries and row.content_key is None and row.kind is not None
        feed = assemble.assemble(spec, site.info, loaded.entries, row.updated, run.now)
        content_key = fingerprint(
            self.options.version, spec, site.info, feed.updated, loaded.keys, self.options.aliases
        )
        lost = any(publish.is_lost(self.output, file) for file in known.values())
        if only_future or (content_key == row.content_key and not lost):
            with self.database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        rendered, format_problems = formats.files_of(feed)
        files = publish.aliased(rendered, self.options.aliases)
        published = publish.publish(self.output, files, known, row.name, run.now)
        self._on_published(published.rows)
        row = replace(row, updated=feed.updated, content_key=content_key, post_paths=loaded.paths)
        with self.database.begin() as connection:
            feeds.put(connection, [row])
            problems.replace(connection, "feed", {row.name: format_problems})
            run.pings += publish.commit(connection, published, self.options.own_hub, run.now)
        run.count(published)
        if published.changed:
            run.changed += 1
            self._on_queued()
        return () if row.stale else published.rows

    def _remove_feeds(self, run: BuildContext) -> None:
        """Remove the feeds of kinds that the config no longer has."""
        kinds = {None, *self.options.kinds_of(run.site)}
        with self.database.read() as connection:
            rows = [row for row in feeds.all_feeds(connection) if row.kind not in kinds]
            files = {row.name: feeds.files_of(connection, row.name) for row in rows}
        for row in rows:
            published = publish.publish(self.output, (), files[row.name], row.name, run.now)
            self._on_published(published.rows)
            with self.database.begin() as connection:
                feeds.put(connection, [replace(row, stale=False, content_key=None, post_paths=())])
                publish.commit(connection, published, self.options.own_hub, run.now)

    def _publish_pages(self, run: BuildContext) -> None:
        """Publish the index page and the OPML. They list every feed: any change may affect them."""
        files = pages.render(run, self.options, self.database)
        with self.database.read() as connection:
            known = feeds.files_of(connection, "")
        published = publish.publish(self.output, files, known, "", run.now)
        self._on_published(published.rows)
        run.count(published)
        if published.written or published.changed:
            with self.database.begin(durable=False) as connection:
                publish.commit(connection, published, self.options.own_hub, run.now)

    def _compress(self, run: BuildContext, memory: Memory | None) -> None:
        """Compress what was published, and what an aborted run left without siblings."""
        self.output.close_replaced()
        if memory is None:
            with self.database.read() as connection:
                run.rows = feeds.all_files(connection)
        run.compression.begin({row.path: row for row in run.rows}.values())
        rows, failures = run.compression.end()
        run.failure = run.failure or next(iter(failures), None)
        if rows:
            run.rows += rows
            self._on_published(rows)
            with self.database.begin(durable=False) as connection:
                feeds.put_files(connection, rows)

    def _remember(
        self, report: Report, run: BuildContext, names: FeedNames, before: Memory | None
    ) -> None:
        """Keep the memory for the next run; its report is that of a run without changes."""
        files = {**(before.files if before else {}), **{row.path: row for row in run.rows}}
        with self.database.read() as connection:
            self._memory = Memory(
                site=run.site,
                names=names,
                dependencies=Dependencies(connection),
                using_posts=entries.using_posts(connection),
                files=files,
                report=report.without_changes(),
                put_off=bool(report.put_off),
            )
