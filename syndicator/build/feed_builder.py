"""Builds one feed of a run, or the pages that list all feeds, and publishes its files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from syndicator import formats
from syndicator.build import assemble, feed_names, publish
from syndicator.build.aliases import aliased
from syndicator.build.context import BuildContext
from syndicator.build.options import BuildOptions
from syndicator.build.publish import PublishResult
from syndicator.build.shown import shown_date
from syndicator.formats import html, opml
from syndicator.model.content import FeedFile, Problem
from syndicator.outputs.folder import OutputFolder
from syndicator.store import feeds, post_queries, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow

#: Entries on the index page.
INDEX_ENTRIES = 12


class FeedBuilder:
    """Builds a stale feed::

    load        its newest posts as entries, from the cache or rendered
    assemble    the feed, independent of formats
    render      its files
    publish     those that differ; then store them and queue jobs in one transaction
    notify      `on_queued`, which starts the push
    """

    def __init__(
        self,
        options: BuildOptions,
        database: Database,
        output: OutputFolder,
        on_published: Callable[[Sequence[FileRow]], None],
        on_queued: Callable[[], None],
    ) -> None:
        """The last two as in `Builder`."""
        self._options = options
        self._database = database
        self._output = output
        self._on_published = on_published
        self._on_queued = on_queued

    def build(self, row: FeedRow, run: BuildContext) -> Sequence[FileRow]:
        """Build a stale feed. Returns its files, unless this run will publish them again."""
        spec = self._options.spec_of(run.site, row.name, row.term)
        with self._database.read() as connection:
            selected = post_queries.newest(connection, row.name, run.until, spec.limit)
            known = feeds.files_of(connection, row.name)
            is_without_posts = not selected and not post_queries.has_posts(connection, row.name)
        if row.is_new and is_without_posts:  # those that it will have are held
            with self._database.begin(durable=False) as connection:
                feeds.put(connection, [replace(row, stale=False)])
            return ()
        loaded = run.loader.load(selected, run.until)
        if loaded.mismatched:
            run.scan_again.update(loaded.mismatched)
            with self._database.begin(durable=False) as connection:
                posts.mark_unread(connection, loaded.mismatched)
        row = replace(row, stale=bool(loaded.mismatched or loaded.incomplete))
        shown = shown_date(self._output, spec, known, run.now)
        before = max((date for date in (row.updated, shown) if date), default=None)
        feed = assemble.assemble(spec, run.site.info, loaded.entries, before, run.now)
        options = self._options
        key = assemble.content_key(feed, loaded.keys, options.version, options.aliases)
        lost = any(publish.is_lost(self._output, file) for file in known.values())
        if not publish.is_needed(row, key, loaded, lost=lost):
            with self._database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        rendered, format_problems = formats.files_of(feed)
        files = aliased(rendered, options.aliases)
        row = replace(row, updated=feed.updated, content_key=key, post_paths=loaded.paths)
        published = self._publish(run, files, known, row, format_problems)
        if published.changed:
            run.changed += 1
            self._on_queued()
        return () if row.stale else published.rows

    def remove_unwanted(self, run: BuildContext) -> None:
        """Remove the feeds of terms that have none any more by the config or the site's."""
        with self._database.read() as connection:
            rows = [
                row
                for row in feeds.all_feeds(connection)
                if row.term and not self._options.has_feed(run.site, row.term)
            ]
            known = {row.name: feeds.files_of(connection, row.name) for row in rows}
        for row in rows:
            removed = replace(row, stale=False, content_key=None, post_paths=())
            self._publish(run, (), known[row.name], removed)

    def build_pages(self, run: BuildContext) -> None:
        """Publish the index page and the OPML. They list every feed: any change may affect them."""
        site, options = run.site, self._options
        with self._database.read() as connection:
            rows = [row for row in feeds.all_names(connection) if row.content_key is not None]
            limit = min(INDEX_ENTRIES, options.spec_of(site, feed_names.ALL, None).limit)
            selected = post_queries.newest(connection, feed_names.ALL, run.until, limit)
            known = feeds.files_of(connection, "")
        newest = run.loader.load(selected, run.until).entries
        specs = [options.spec_of(site, row.name, row.term) for row in rows]
        run.feeds = len(rows)
        files = [
            html.index_page(specs, site.info, newest, options.base),
            opml.render(specs, site.info, options.base),
        ]
        self._publish(run, files, known, None)

    def _publish(
        self,
        run: BuildContext,
        files: Sequence[FeedFile],
        known: Mapping[str, FileRow],
        row: FeedRow | None,
        format_problems: Sequence[Problem] = (),
    ) -> PublishResult:
        """Write the files of a feed, show them, and store them with the jobs they cause.

        `known`: the published files. `row`: the feed to be stored with them; None: they are pages.
        """
        name = row.name if row else ""
        published = publish.publish(self._output, files, known, name, run.now)
        self._on_published(published.rows)
        run.count(published)
        if row is None and not published.written:
            return published
        with self._database.begin(durable=row is not None) as connection:
            if row is not None:
                feeds.put(connection, [row])
                problems.replace(connection, "feed", {name: format_problems})
            run.pings += publish.commit(connection, published, self._options.own_hub, run.now)
        return published
