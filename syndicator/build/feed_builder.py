"""Builds one feed of a run, or the pages that list all feeds, and publishes its files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from syndicator import formats
from syndicator.build import assemble, feed_names, publish
from syndicator.build.aliases import aliased
from syndicator.build.context import BuildContext
from syndicator.build.options import BuildOptions
from syndicator.build.publish import PublishResult
from syndicator.build.shown import shown_date
from syndicator.model.archive import History
from syndicator.model.content import FeedFile, FeedSpec, Problem, fingerprint
from syndicator.outputs.output import Output
from syndicator.store import archives, feeds, kv, post_queries, posts, problems
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow, FileRow
from syndicator.store.post_rows import PostRow, place_of

if TYPE_CHECKING:
    from syndicator.formats.selection import Selection

#: Entries on the index page.
INDEX_ENTRIES = 12

#: Key in `kv` of the digest of all that the index page and the OPML show.
_PAGES_KEY = "pages"


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
        output: Output,
        on_published: Callable[[Sequence[FileRow]], None],
        on_queued: Callable[[], None],
    ) -> None:
        """The last two as in `Builder`."""
        self._options = options
        self._database = database
        self._output = output
        self._on_published = on_published
        self._on_queued = on_queued

    def with_posts_ahead(self, stale: Sequence[FeedRow], run: BuildContext) -> Iterator[FeedRow]:
        """The feeds, while worker processes render posts of the following ones."""
        begun = 0
        for at, row in enumerate(stale):
            begun = max(begun, at)
            while begun < len(stale) and run.loader.renders_ahead:
                self._render_ahead(stale[begun], run)
                begun += 1
            if at == 0 and run.loader.awaits_workers:
                formats.import_libraries()  # while they render
                publish.import_queues()
            yield row

    def _render_ahead(self, row: FeedRow, run: BuildContext) -> None:
        spec = self._options.spec_of(run.site, row.name, row.term)
        with self._database.read() as connection:
            selected = post_queries.newest(connection, row.name, run.until, spec.limit)
        run.loader.render_ahead(selected, run.until)

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
        seen = shown_date(self._output, spec, known, run.now)
        before = max((date for date in (row.updated, seen) if date), default=None)
        feed = assemble.assemble(spec, run.site.info, loaded.entries, before, run.now)
        options = self._options
        key = assemble.content_key(feed, loaded.keys, options.version, options.aliases)
        same = key == row.content_key
        history = history_text(self._history(spec, selected, row.shown)) if same else ""
        lost = any(publish.is_lost(self._output, file) for file in known.values())
        if not publish.is_needed(row, key, loaded, history, lost=lost):
            with self._database.begin(durable=False) as connection:
                feeds.put(connection, [row])
            return ()
        selection = formats.select_entries(feed)
        shown = posts_shown(selection, selected)
        placed = formats.with_history(selection, self._history(spec, selected, shown))
        files = aliased(formats.files_of(placed, page=options.pages), options.aliases)
        row = replace(
            row,
            updated=feed.updated,
            content_key=key,
            post_paths=loaded.paths,
            shown=shown,
            history=history_text(placed.feed.history),
        )
        # Hubs announce entries. A link to another page needs no ping.
        published = self._publish(run, files, known, row, selection.problems, quiet=same)
        if published.changed and not same:
            run.changed += 1
            self._on_queued()
        return () if row.stale else published.rows

    def _history(self, spec: FeedSpec, newest: Sequence[PostRow], shown: int) -> History | None:
        """The place of a feed's document in its history. `shown`: how many of the newest it has."""
        if not spec.archive:
            return None
        with self._database.read() as connection:
            then = None
            if shown:
                last = place_of(newest[shown - 1])
                older = post_queries.place_before(connection, spec.name, last)
            else:  # none of them fits
                older = place_of(newest[0]) if newest else None
            if older:
                then = archives.continuation(connection, spec.name, older, spec.formats)
        return History(
            spec.name,
            older=then.newest if then else None,
            is_complete=older is None,
            continued=then.page if then else None,
        )

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
        """Publish the index page and the OPML, unless what they show is as it was published.

        They list every feed: any change may affect them.
        """
        site, options = run.site, self._options
        with self._database.read() as connection:
            rows = [row for row in feeds.all_names(connection) if row.content_key is not None]
            limit = min(INDEX_ENTRIES, options.spec_of(site, feed_names.ALL, None).limit)
            selected = post_queries.newest(connection, feed_names.ALL, run.until, limit)
            known = feeds.files_of(connection, "")
            counts = post_queries.counts(connection, run.until) if options.archive else None
            published_key = kv.get(connection, _PAGES_KEY)
        newest = run.loader.load(selected, run.until)
        specs = [options.spec_of(site, row.name, row.term) for row in rows]
        run.feeds = len(rows)
        key = fingerprint(options.version, options.base, site.info, specs, newest.keys, counts)
        lost = not known or any(publish.is_lost(self._output, file) for file in known.values())
        if key == published_key and not lost:
            return
        from syndicator.formats import html, opml

        files = [
            html.index_page(specs, site.info, newest.entries, options.base, counts),
            opml.render(specs, site.info, options.base),
        ]
        self._publish(run, files, known, None)
        if key != published_key:
            with self._database.begin(durable=False) as connection:
                kv.put(connection, _PAGES_KEY, key)

    def _publish(
        self,
        run: BuildContext,
        files: Sequence[FeedFile],
        known: Mapping[str, FileRow],
        row: FeedRow | None,
        format_problems: Sequence[Problem] = (),
        *,
        quiet: bool = False,
    ) -> PublishResult:
        """Write the files of a feed, show them, and store them with the jobs they cause.

        `known`: the published files. `row`: the feed to be stored with them; None: they are pages.
        `quiet`: no ping is queued for the change.
        """
        name = row.name if row else ""
        published = publish.publish(self._output, files, known, name, run.now)
        self._on_published(published.rows)
        run.count(published)
        if row is None and not published.written:
            return published
        announced = replace(published, changed=()) if quiet else published
        has_jobs = bool(announced.changed or announced.ended)
        with self._database.begin(durable=row is not None, push=has_jobs) as connection:
            if row is not None:
                feeds.put(connection, [row])
                problems.replace(connection, "feed", {name: format_problems})
            run.pings += publish.commit(connection, announced, self._options.own_hub, run.now)
        return published


def posts_shown(selection: "Selection", selected: Sequence[PostRow]) -> int:
    """How many of the selected posts: down to the oldest one that the feed's files have."""
    shown = {entry.path for entry in selection.feed.entries[: selection.shown]}
    return max((at for at, row in enumerate(selected, 1) if row.stat.path in shown), default=0)


def history_text(history: History | None) -> str:
    """A history as the state has it."""
    return "" if history is None else repr(tuple(history))
