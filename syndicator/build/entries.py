"""Loads the entries of a feed's posts from the cache in the state, or renders them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.build.options import BuildOptions
from syndicator.build.post_tools import IndexedPost, PostTools, RenderedPost, Turn
from syndicator.build.post_workers import PostWorkers
from syndicator.build.render_ahead import RenderAhead
from syndicator.build.stored_posts import StoredPosts
from syndicator.cache import LruCache
from syndicator.jekyll.site import Site
from syndicator.model.content import Entry, PostHead, Problem, fingerprint
from syndicator.sources.folder import SourceFolder
from syndicator.store import entries, feeds, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.post_rows import PostRow

#: Digests of posts that are kept between runs.
_KEYS = 1024


class LoadedEntries(Struct, frozen=True):
    """The entries of a feed, newest first, with the path and cache key of each."""

    paths: tuple[str, ...]
    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    incomplete: bool  #: whether a heavy post is missing or outdated because its turn is to come
    rendered: bool  #: whether one of the entries was rendered in this run
    mismatched: tuple[str, ...]  #: posts whose file changed after it was indexed


def is_current(row: PostRow, entry: EntryRow | None, key: str) -> bool:
    """Whether a post's cached entry is used as it is. None: there is no entry.

    `key`: the digest of everything that rendering it depends on. A post that can't be read now
    keeps its last good entry, or is left out.
    """
    unreadable = row.digest not in ("", row.document_digest)
    return unreadable or (entry is not None and entry.key == key)


def loaded(
    rows: Iterable[EntryRow | None],
    turns: Mapping[str, Turn],
    rendered: Collection[str],
) -> LoadedEntries:
    """What a feed shows. Posts that can't be rendered, or have no entry yet, are left out.

    `rows`: the entry of each post. `turns`: of posts that were not current. `rendered`: the posts
    rendered in this run.
    """
    shown = [row for row in rows if row and row.entry]
    return LoadedEntries(
        paths=tuple(row.path for row in shown),
        entries=tuple(row.entry for row in shown if row.entry),
        keys=tuple(
            # The same key doesn't mean the same entry if the entry shows other posts.
            f"{row.key} {sorted(row.needs.items())} {row.entry if row.uses_posts else ''}"
            for row in shown
        ),
        incomplete=Turn.WAIT in turns.values(),
        rendered=any(row.path in rendered for row in shown),
        mismatched=tuple(path for path, turn in turns.items() if turn is Turn.MISMATCHED),
    )


class EntryLoader:
    """Turns posts into entries, and renders each only once.

    `recent` is a cache that outlives a run.
    """

    def __init__(
        self,
        database: Database,
        source: SourceFolder,
        site: Site,
        options: BuildOptions,
        recent: entries.Recent,
    ) -> None:
        self.database = database
        self.source = source
        self.site = site
        self._posts = StoredPosts(database, source, site)
        self.tools = PostTools(source, site, self._posts, options.policy, options.theme)
        self._theme = str(options.theme or "")
        self._policy = options.policy
        self._version = options.version
        self._recent = recent
        self._keys: LruCache[str, tuple[str | None, PostHead | None], str] = LruCache(_KEYS)
        self._heavy: dict[str, PostRow] = {}  #: posts that wait for their turn, by path
        self._allowed: set[str] | None = None  #: heavy posts whose turn has come; None: all
        self._rendered: set[str] = set()  #: posts rendered in this run
        self._ahead: RenderAhead | None = None

    def begin(
        self,
        now: datetime,
        *,
        light_first: bool,
        at_once: str | None = None,
        workers: PostWorkers | None = None,
    ) -> None:
        """Begin a run. `light_first`: heavy posts wait for their turn, except the one `at_once`.

        `workers`: processes that may render ahead; None: this one renders what `load` needs.
        """
        self._posts.begin(now)
        self._heavy.clear()
        self._allowed = {path for path in (at_once,) if path} if light_first else None
        self._rendered.clear()
        self._ahead = RenderAhead(workers) if workers else None

    @property
    def rendered(self) -> Collection[str]:
        """The posts rendered in this run."""
        return self._rendered

    @property
    def waiting(self) -> list[str]:
        """The heavy posts that wait for their turn."""
        return sorted(self._heavy)

    def render_next(self, until: datetime) -> None:
        """Render the smallest of the waiting posts. Later calls of `load` include it."""
        path = min(self._heavy, key=lambda path: (self._heavy[path].stat.size, path))
        if self._allowed is not None:
            self._allowed.add(path)
        self.load([self._heavy.pop(path)], until)

    @property
    def renders_ahead(self) -> bool:
        """Whether more posts may be rendered by worker processes until they are needed."""
        return self._ahead is not None and self._ahead.wants_more

    @property
    def awaits_workers(self) -> bool:
        """Whether `load` may have to wait for posts that worker processes render."""
        return self._ahead is not None and self._ahead.is_begun

    def render_ahead(self, rows: Sequence[PostRow], until: datetime) -> None:
        """Have worker processes render what `load` will need of these posts."""
        assert self._ahead
        with self.database.read() as connection:
            shown = entries.get(connection, [row.stat.path for row in rows], self._recent)
        outdated = (
            row for row in rows if not is_current(row, shown.get(row.stat.path), self._key(row))
        )
        self._ahead.begin(map(_indexed, outdated), self._allowed, self._posts.now, until)

    def load(self, rows: Iterable[PostRow], until: datetime) -> LoadedEntries:
        """The entries of these posts, which may show other posts dated up to `until`.

        A post that can't be rendered is left out, with a Problem. A mismatched one keeps the entry
        it had, or is left out.
        """
        self._posts.until = until
        rows = list(rows)
        with self.database.read() as connection:
            shown = entries.get(connection, [row.stat.path for row in rows], self._recent)
        turns: dict[str, Turn] = {}
        rendered: list[EntryRow] = []
        render_problems: dict[str, tuple[Problem, ...]] = {}
        for row in rows:
            path = row.stat.path
            key = self._key(row)
            if is_current(row, shown.get(path), key):
                continue
            post = self._rendered_post(row)
            turns[path] = post.turn
            if post.turn is Turn.WAIT:
                self._heavy[path] = row
            elif post.turn is Turn.RENDER:
                shown[path] = EntryRow(
                    path=path,
                    key=key,
                    entry=post.entry,
                    uses_posts=post.uses_posts,
                    needs=post.needs,
                )
                render_problems[path] = post.problems
                rendered.append(shown[path])
                self._rendered.add(path)
        if rendered:
            with self.database.begin(durable=False) as connection:
                entries.put(connection, rendered)
                problems.replace(connection, "render", render_problems)
        return loaded((shown.get(row.stat.path) for row in rows), turns, self._rendered)

    def _rendered_post(self, row: PostRow) -> RenderedPost:
        ahead = self._ahead and self._ahead.take(row.stat.path)
        return ahead or self.tools.render(_indexed(row), self._allowed)

    def _key(self, row: PostRow) -> str:
        path, text = row.stat.path, (row.document_digest, row.head)
        key = self._keys.get(path, text)
        if key is None:
            settings = (self._version, self._policy.key, self._theme, self.site.digest)
            key = fingerprint(*settings, *text)
            self._keys.put(path, text, key, 1)
        return key


def _indexed(row: PostRow) -> IndexedPost:
    return IndexedPost(row.stat.path, row.document_digest, row.head)


def prune(connection: Connection) -> set[str]:
    """Delete the entries that are in no feed's document, and return their posts.

    Archives need all entries.
    """
    unused = entries.paths(connection) - feeds.post_paths(connection)
    entries.remove(connection, unused)
    return unused
