"""`syndicator preview`: what feeds make of one post, and why. Writes nothing.

A build whose files are discarded runs on a copy of the state in memory. Then the post is looked up
in what that build left, by the functions that the build itself uses.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator import formats
from syndicator.build.assemble import assemble
from syndicator.build.entries import EntryLoader
from syndicator.build.feed_names import ALL
from syndicator.build.options import BuildOptions
from syndicator.build.pipeline import Builder
from syndicator.build.site_reader import SiteReader
from syndicator.cache import LruCache
from syndicator.formats.selection import Selection
from syndicator.jekyll.posts import ReadPost, read_post
from syndicator.model.content import Document, Entry, Post, PostHead, Problem
from syndicator.model.progress import Progress
from syndicator.ops import placement
from syndicator.ops.placement import IdSource
from syndicator.ops.post_paths import find_path
from syndicator.outputs.discarded import DiscardedOutput
from syndicator.store import feeds, identities, post_queries, posts
from syndicator.store.database import Database
from syndicator.store.feeds import FeedRow
from syndicator.store.post_rows import PostRow


class Place(Struct, frozen=True, kw_only=True):
    """A post in a feed. `syndicator preview --json` prints these fields."""

    name: str  #: of the feed
    position: int | None  #: counted from 1, the newest; None: the feed lacks it
    entries: int  #: of the feed
    reason: str | None  #: why the feed lacks it; None: it doesn't


class PostPreview(Struct, frozen=True, kw_only=True):
    """What feeds make of a file. `syndicator preview --json` prints these fields but `entry`.

    The fields from `title` to `updated` are None if it is not a post, or can't be read as one.
    """

    path: str  #: relative to the source
    title: str | None = None
    url: str | None = None
    id: str | None = None
    id_from: IdSource | None = None
    published: datetime | None = None
    updated: datetime | None = None  #: None also if it was not changed since
    withheld: str | None = None  #: why no feed has it; None: feeds may have it
    feeds: tuple[Place, ...] = ()
    formats: Mapping[str, str] = field(default_factory=dict)  #: its entry in each; {}: it has none
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    entry: Entry | None = None  #: None: it has none


def preview(
    options: BuildOptions,
    database: Database,
    name: str,
    here: str,
    now: datetime,
    progress: Progress,
) -> PostPreview:
    """The preview of the post that `name` means, seen from `here`; see `find_path`.

    `database`: a copy of the state, which the build changes; an empty one if there is no state.
    Raises SourceError.
    """
    with database.read() as connection:
        known_ids = identities.ids(connection)
    builder = Builder(
        options,
        database,
        DiscardedOutput(options.output),
        on_published=lambda rows: None,
        on_queued=lambda: None,
        on_archived=lambda pages: None,
    )
    report = builder.run(now, progress=progress)
    path = find_path(database, name, here, options.source)
    found = _BuiltSite(options, database, now).preview(path, known_ids)
    every = dict.fromkeys([*report.problems, *report.notes, *found.problems])
    own = [problem for problem in every if problem.path == path]
    return replace(
        found,
        problems=tuple(problem for problem in own if not problem.note),
        notes=tuple(problem for problem in own if problem.note),
    )


class _BuiltFeed(NamedTuple):
    """A feed of the post as it was built."""

    selected: Collection[str]  #: paths of its newest posts
    rendered: Collection[str]  #: of those that have an entry
    selection: Selection

    def find(self, id: str) -> int | None:
        """The place of an entry among those that the formats can hold; None: it isn't there."""
        ids = [entry.id for entry in self.selection.feed.entries]
        return ids.index(id) if id in ids else None

    def place(self, head: PostHead, withheld: str | None) -> Place:
        """Where the post stands in it, or why it doesn't. `withheld`: why no feed has it."""
        spec, shown = self.selection.feed.spec, self.selection.shown
        at = self.find(head.id)
        if at is not None and at < shown:
            return Place(name=spec.name, position=at + 1, entries=shown, reason=None)
        reason = withheld or placement.left_out(
            selected=head.path in self.selected,
            rendered=head.path in self.rendered,
            written=at is not None,
            limit=spec.limit,
            max_bytes=spec.max_bytes,
        )
        return Place(name=spec.name, position=None, entries=shown, reason=reason)

    def entry(self, id: str) -> tuple[Entry | None, Mapping[str, str]]:
        """The entry, and how each format writes it."""
        at = self.find(id)
        if at is None:
            return None, {}
        documents = self.selection.documents.items()
        written = {suffix: document.items[at].decode() for suffix, document in documents}
        return self.selection.feed.entries[at], written


class _BuiltSite:
    """Looks a post up in what a build left in a state."""

    def __init__(self, options: BuildOptions, database: Database, now: datetime) -> None:
        self._options = options
        self._database = database
        self._now = now
        self._site = SiteReader(options.source, options.overrides).read()
        self._until = self._site.until(now)
        self._source = options.source_of(self._site)
        self._loader = EntryLoader(database, self._source, self._site, options, LruCache(0))
        self._loader.begin(now, light_first=False)

    def preview(self, path: str, known_ids: Collection[str]) -> PostPreview:
        """The preview, with problems only of what the build did not render.

        `known_ids`: see `placement.id_source`.
        """
        with self._database.read() as connection:
            row = posts.get(connection, [path]).get(path)
        own = self._read(path)
        withheld = self._withheld(path, row, own)
        if row and row.head:
            own_head = own.post.head if own.post else None
            described = _described(row.head, own_head, known_ids, withheld)
            return self._placed(described, row, row.head)
        if row and own.post:
            head = own.post.head._replace(id=row.hidden_id or own.post.head.id)
            described = _described(head, own.post.head, known_ids, withheld)
            return self._unpublished(described, replace(own.post, head=head))
        return PostPreview(path=path, withheld=withheld)

    def _placed(self, described: PostPreview, row: PostRow, head: PostHead) -> PostPreview:
        """The preview of a post of the index."""
        rows = self._feed_rows(row.feeds)
        built = [self._built(feed) for feed in rows]
        places = [feed.place(head, described.withheld) for feed in built]
        standing = (each for each, place in zip(built, places, strict=True) if place.position)
        feed = next(standing, None) or self._alone(
            rows, self._loader.load([row], self._until).entries
        )
        entry, written = feed.entry(head.id)
        places[:0] = self._main_feed(head, described.withheld)
        return replace(described, feeds=tuple(places), formats=written, entry=entry)

    def _unpublished(self, described: PostPreview, post: Post) -> PostPreview:
        """The preview of a post that the index has no head of: as it would be."""
        rendering = self._loader.tools.renderer.render(post)
        rendered = [rendering.entry] if rendering.entry else []
        entry, written = self._alone([], rendered).entry(post.head.id)
        return replace(described, formats=written, entry=entry, problems=rendering.problems)

    def _read(self, path: str) -> ReadPost:
        """The post as its file alone describes it."""
        document = self._source.read(path)
        if isinstance(document, Document):
            return read_post(document, self._site, even_unpublished=True)
        return ReadPost(post=None, problems=(document,) if document else ())

    def _withheld(self, path: str, row: PostRow | None, own: ReadPost) -> str | None:
        if row is None:
            scope = self._options.scope_of(self._site)
            return placement.not_a_document(path, scope, self._site.collections)
        return placement.withheld(
            row.head, self._until, unpublished=own.unpublished, reported=bool(own.problems)
        )

    def _main_feed(self, head: PostHead, withheld: str | None) -> Sequence[Place]:
        """Why the feed of the whole site lacks a post that others may have."""
        default = self._site.plugins.default_language
        reason = placement.beside_main_feed(head.terms, default)
        if withheld or reason is None:
            return ()
        entries = self._built(self._feed_rows([ALL])[0]).selection.shown
        return [Place(name=ALL, position=None, entries=entries, reason=reason)]

    def _feed_rows(self, names: Sequence[str]) -> list[FeedRow]:
        with self._database.read() as connection:
            rows = {row.name: row for row in feeds.all_feeds(connection)}
        return [rows[name] for name in names]

    def _built(self, row: FeedRow) -> _BuiltFeed:
        """A feed, by the steps of `FeedBuilder`. Its entries are cached."""
        spec = self._options.spec_of(self._site, row.name, row.term)
        with self._database.read() as connection:
            selected = post_queries.newest(connection, row.name, self._until, spec.limit)
        loaded = self._loader.load(selected, self._until)
        selection = self._selection(row, loaded.entries)
        return _BuiltFeed({post.stat.path for post in selected}, set(loaded.paths), selection)

    def _alone(self, rows: Sequence[FeedRow], entries: Sequence[Entry]) -> _BuiltFeed:
        """The first of these feeds, else that of the whole site, with these entries only."""
        first = [*rows, *self._feed_rows([ALL])][0]
        return _BuiltFeed((), (), self._selection(first, entries))

    def _selection(self, row: FeedRow, entries: Sequence[Entry]) -> Selection:
        spec = self._options.spec_of(self._site, row.name, row.term)
        feed = assemble(spec, self._site.info, entries, row.updated, self._now)
        return formats.select_entries(feed)


def _described(
    head: PostHead, own: PostHead | None, known_ids: Collection[str], withheld: str | None
) -> PostPreview:
    """The fields that a post's head has. `own` and `known_ids`: see `placement.id_source`."""
    return PostPreview(
        path=head.path,
        title=head.title,
        url=head.url,
        id=head.id,
        id_from=placement.id_source(head.id, own, known_ids),
        published=head.published,
        updated=head.updated,
        withheld=withheld,
    )
