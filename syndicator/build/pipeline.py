"""One run: source → feeds → output → store. The story of the product on one page."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter

from syndicator import formats
from syndicator.build import assemble, invalidation, publish, scan
from syndicator.build.context import BuildContext
from syndicator.build.entries import Dependencies, EntryLoader, prune
from syndicator.build.index import FeedNames, Indexer, Progress
from syndicator.build.invalidation import Memory
from syndicator.build.options import BuildOptions
from syndicator.build.other_processes import OtherProcesses
from syndicator.build.scan import SiteReader
from syndicator.cache import LruCache
from syndicator.errors import OutputError
from syndicator.formats import html, opml
from syndicator.jekyll.site import Site
from syndicator.model.content import Report, fingerprint
from syndicator.outputs.folder import OutputFolder
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, kv, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow

#: What a run is at while it looks for what changed.
LOOKING = "looking at files"

#: Entries the index page shows.
NEWEST = 12

#: Seconds of rendering posts that may take long before those that are ready are published.
TOGETHER = 1.0

#: Octets of entries that are kept at hand from run to run.
RECENT = 8 * 1024 * 1024

#: A change touches few feeds: hubs are told of them before anything is compressed. In a run that touches more,
#: compressing one feed keeps another processor busy while the next is made.
FEW = 6


class Builder:
    """Builds one site's feeds, run after run.

    The pipeline::

        read the site     _config.yml and _data, when they changed
        notice            which documents are new, changed or gone
        index             what each says of itself, who it is, and which feeds that touches
        mark              which feeds time, settings, and other files touch
        for each touched feed:
            gather        its newest posts as entries, remembered or rendered
            assemble      the feed, before any format
            render        its files
            publish       those that differ; then what is out and what is owed, in one transaction
            owed          whoever pays it may begin
        heavy posts   the same for posts that may take long, a second's worth at a time, once the others are out
        pages             the index of all feeds, and the OPML
        pack              what went out, compressed: begun with each feed, waited for here
        remember          what the next run need not ask the state for

    A feed is marked as touched in the transaction that changes the index, and unmarked in the one that remembers
    its files: whatever a crash comes between, the next run goes on from the mark.
    """

    def __init__(
        self,
        plan: BuildOptions,
        database: Database,
        output: OutputFolder,
        *,
        show: Callable[[Sequence[FileRow]], None],
        owed: Callable[[], None],
    ) -> None:
        """`show` is called with files that are on disk, or gone from it, before anyone is told of them.

        `owed` is called when a feed that changed is out, and what is owed for it is written down.
        """
        self.plan = plan
        self.database = database
        self.output = output
        self._show = show
        self._owed = owed
        self._site_reader = SiteReader(plan.source, plan.overrides)
        self._notice = scan.Scanner(database)
        self._marker = invalidation.Invalidation(plan, database, output, self._site_reader)
        self.others = OtherProcesses(database, tell=self._heed)
        self._memory: Memory | None = None
        self._recent: entries.Recent = LruCache(RECENT)
        self._gatherer: EntryLoader | None = None

    def run(
        self,
        now: datetime,
        *,
        paths: Collection[str] | None = None,
        progress: Progress,
        urgent: Callable[[], bool] = lambda: False,
    ) -> Report:
        """One run as of `now`. `paths`: the only documents that may have changed; None: look at all of them.

        Heavy posts are put off to the next run, all but one, when something is `urgent` meanwhile.

        Raises SourceError, OutputError and StateError; the feeds that are out stay as they are. What `progress` raises
        ends it; while it is LOOKING, nothing is half done.
        """
        begun = perf_counter()
        if self._memory is None:
            self.output.sweep()
            self._marker.recall()
        site = self._site_reader.read()
        source = SourceFolder(self.plan.source, self.plan.scope_of(site))

        def looking(seen: int) -> None:
            progress(seen, None, LOOKING)

        if paths is None or self._notice.blank:
            noticed = self._notice.look(source, looking)
        else:
            noticed = self._notice.at(source, paths, looking)
        told = None if paths is None or noticed.prints is not None else frozenset(paths)
        if self._memory and not noticed and not self._marker.is_due(self._memory, site, now, told):
            return replace(self._memory.report, started=now, seconds=perf_counter() - begun)
        try:
            doing = BuildContext(
                site,
                source,
                now,
                begun,
                self._gatherer_of(site, source),
                publish.Compression(self.output),
            )
            return self._act(doing, noticed, told, progress, urgent)
        except BaseException:
            self._memory = None
            self._notice.forget()  # what was noticed is to be noticed again
            raise

    def _act(
        self,
        doing: BuildContext,
        noticed: scan.ScanResult,
        told: Collection[str] | None,
        progress: Progress,
        urgent: Callable[[], bool],
    ) -> Report:
        """All that follows from what was noticed. `told`: the only documents that may have changed; None: any."""
        site = doing.site
        self.others.catch_up()
        memory = self._memory if self._memory and self._memory.site is site else None
        if memory is None and self._marker.adopt(site):
            self._notice.forget()
            if not noticed.whole:
                noticed = self._notice.look(
                    doing.source, lambda seen: progress(seen, None, "looking again")
                )
        names, using = (memory.names, memory.using) if memory else self._known(site)
        indexer = Indexer(self.database, doing.source, site, names, using)
        counted = indexer.index(noticed.fresh, noticed.gone, doing.now, progress)
        self._marker.mark(doing.now, memory, told, using)
        if memory is None:
            self._withdraw(doing)
        # In a first run nobody waits for one post alone; where one post alone is new, nobody waits behind it.
        at_once = memory.awaited(counted.only, doing.now) if memory else None
        doing.gatherer.begin(light_first=memory is not None, at_once=at_once)
        with doing.packing:
            self._publish_feeds(doing, progress)
            self._publish_heavy(doing, progress, urgent)
            self._publish_pages(doing)
            self._pack(doing, memory)
        if doing.failure:
            raise doing.failure
        self._notice.remember(noticed, counted.racy | doing.missed)
        with self.database.read() as connection:
            report = doing.report(connection, counted)
        self._remember(report, doing, names, memory)
        return report

    def _heed(self, rows: Sequence[FileRow]) -> None:
        """Another process had a run: these files are out now, and what is remembered here may not hold."""
        self._memory = None
        self._show(rows)

    def _known(self, site: Site) -> tuple[FeedNames, set[str]]:
        """The feeds' names, and the posts whose entries asked for other posts, as the state has them."""
        with self.database.read() as connection:
            return FeedNames(
                feeds.all_names(connection), self.plan.kinds_of(site)
            ), entries.using_posts(connection)

    def _gatherer_of(self, site: Site, source: SourceFolder) -> EntryLoader:
        """One for as long as the site says the same of itself: Liquid takes a while to be set up."""
        if self._gatherer is None or self._gatherer.site is not site:
            self._gatherer = EntryLoader(
                self.database, source, site, self.plan.policy, self.plan.version, self._recent
            )
        return self._gatherer

    # ------------------------------------------------------------------------------------------- the feeds

    def _publish_feeds(self, doing: BuildContext, progress: Progress) -> None:
        with self.database.read() as connection:
            stale = feeds.stale(connection)
        for done, row in enumerate(stale, 1):
            try:
                files = self._publish_feed(row, doing)
                if len(stale) > FEW:
                    doing.packing.begin(files)
            except OutputError as error:  # one place that can't be written keeps no other feed back
                doing.failure = doing.failure or error
            progress(done, len(stale), "building feeds")
        with self.database.begin(durable=False) as connection:
            prune(connection)
            kv.put(connection, "now", doing.now.isoformat())

    def _publish_heavy(
        self, doing: BuildContext, progress: Progress, urgent: Callable[[], bool]
    ) -> None:
        """Publish the posts that may take long, a second's work at a time, until something is urgent."""
        gatherer = doing.gatherer
        while gatherer.waiting:
            until = perf_counter() + TOGETHER
            gatherer.render_next(doing.until)
            while gatherer.waiting and perf_counter() < until and not urgent():
                gatherer.render_next(doing.until)
            self._publish_feeds(doing, progress)
            if urgent():
                break
        doing.put_off = tuple(gatherer.waiting)
        doing.missed.update(doing.put_off)  # so that the next look sees them

    def _publish_feed(self, row: FeedRow, doing: BuildContext) -> Sequence[FileRow]:
        """Files of a feed that is due, as they are out now: those that this run won't publish again."""
        site = doing.site
        spec = self.plan.spec_of(site, row.name, row.term)
        with self.database.read() as connection:
            selected = posts.newest(connection, row.name, doing.until, spec.limit)
            known = feeds.files_of(connection, row.name)
        gathered = doing.gatherer.gather(selected, doing.until)
        if gathered.missed:
            doing.missed.update(gathered.missed)
            with self.database.begin(durable=False) as connection:
                posts.mark_unread(connection, gathered.missed)
        row = replace(row, stale=bool(gathered.missed or gathered.waits))
        if (
            gathered.waits and not gathered.fresh
        ):  # nobody waits for the rest: it is published once, as a whole
            with self.database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        # A term that only future posts have has no feed yet: its name alone would tell of them.
        unborn = not gathered.entries and row.content_key is None and row.kind is not None
        feed = assemble.assemble(spec, site.info, gathered.entries, row.updated, doing.now)
        content_key = fingerprint(
            self.plan.version, spec, site.info, feed.updated, gathered.keys, self.plan.aliases
        )
        stand = all(
            self.output.stands(file.path, file.disk) for file in known.values() if not file.gone
        )
        if unborn or (content_key == row.content_key and stand):
            with self.database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        files, found = formats.files_of(feed)
        published = publish.publish(
            self.output, publish.aliased(files, self.plan.aliases), known, row.name, doing.now
        )
        self._show(published.rows)
        remembered = replace(
            row, updated=feed.updated, content_key=content_key, post_paths=gathered.paths
        )
        with self.database.begin() as connection:
            feeds.put(connection, [remembered])
            problems.replace(connection, "feed", {row.name: found})
            doing.owed += publish.commit(connection, published, self.plan.own_hub, doing.now)
        doing.count(published)
        if published.changed:
            doing.changed += 1
            self._owed()
        return () if row.stale else published.rows

    def _withdraw(self, doing: BuildContext) -> None:
        """Take away the feeds of kinds that the config no longer makes."""
        kinds = {None, *self.plan.kinds_of(doing.site)}
        with self.database.read() as connection:
            rows = [row for row in feeds.all_feeds(connection) if row.kind not in kinds]
            files = {row.name: feeds.files_of(connection, row.name) for row in rows}
        for row in rows:
            published = publish.publish(self.output, (), files[row.name], row.name, doing.now)
            self._show(published.rows)
            with self.database.begin() as connection:
                feeds.put(connection, [replace(row, stale=False, content_key=None, post_paths=())])
                publish.commit(connection, published, self.plan.own_hub, doing.now)

    def _publish_pages(self, doing: BuildContext) -> None:
        """The index page and the OPML: they show every feed, and so may change with any."""
        site = doing.site
        with self.database.read() as connection:
            rows = [row for row in feeds.all_names(connection) if row.content_key is not None]
            limit = min(NEWEST, self.plan.spec_of(site, assemble.ALL, None).limit)
            selected = posts.newest(connection, assemble.ALL, doing.until, limit)
            known = feeds.files_of(connection, "")
        newest = doing.gatherer.gather(selected, doing.until).entries
        specs = [self.plan.spec_of(site, row.name, row.term) for row in rows]
        pages = [
            html.index_page(specs, site.info, newest, self.plan.base),
            opml.render(specs, site.info, self.plan.base),
        ]
        published = publish.publish(self.output, pages, known, "", doing.now)
        self._show(published.rows)
        doing.feeds = len(rows)
        doing.count(published)
        if published.written or published.changed:
            with self.database.begin(durable=False) as connection:
                publish.commit(connection, published, self.plan.own_hub, doing.now)

    def _pack(self, doing: BuildContext, memory: Memory | None) -> None:
        """The compressed siblings of what went out, and of what a run that was broken off left without."""
        self.output.release()
        if memory is None:
            with self.database.read() as connection:
                doing.rows = feeds.all_files(connection)
        doing.packing.begin({row.path: row for row in doing.rows}.values())
        rows, failures = doing.packing.end()
        doing.failure = doing.failure or next(iter(failures), None)
        if rows:
            doing.rows += rows
            self._show(rows)
            with self.database.begin(durable=False) as connection:
                feeds.put_files(connection, rows)

    def _remember(
        self, report: Report, doing: BuildContext, names: FeedNames, before: Memory | None
    ) -> None:
        quiet = replace(
            report,
            new=0,
            changed=0,
            gone=0,
            feeds_changed=0,
            files_written=0,
            mended=0,
            owed=0,
            put_off=(),
        )
        with self.database.read() as connection:
            self._memory = Memory(
                site=doing.site,
                names=names,
                needs=Dependencies(connection),
                using=entries.using_posts(connection),
                files={**(before.files if before else {}), **{row.path: row for row in doing.rows}},
                report=quiet,
                put_off=bool(report.put_off),
            )
