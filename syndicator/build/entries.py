"""Loads the entries of a feed's posts from the cache in the state, or renders them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from syndicator.build.dependencies import TODAY, state_of_day
from syndicator.build.options import BuildOptions
from syndicator.build.stored_posts import StoredPosts
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render_cost import is_heavy
from syndicator.jekyll.site import Site
from syndicator.model.content import (
    Document,
    Entry,
    Post,
    Problem,
    fingerprint,
)
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles
from syndicator.store import entries, feeds, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.post_rows import PostRow

if TYPE_CHECKING:
    from syndicator.jekyll.render import Renderer, Rendering


@dataclass(frozen=True, slots=True)
class LoadedEntries:
    """The entries of a feed, newest first, with the path and cache key of each."""

    paths: tuple[str, ...]
    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    incomplete: bool  #: whether a heavy post is missing or outdated because its turn is to come
    rendered: bool  #: whether one of the entries was rendered in this run
    mismatched: tuple[str, ...]  #: posts whose file changed after it was indexed


class Turn(Enum):
    """What becomes of a post whose entry is outdated or missing."""

    RENDER = 1
    WAIT = 2  #: it is heavy, and rendered after the others
    MISMATCHED = 3  #: its file has changed since it was indexed


def is_current(row: PostRow, entry: EntryRow | None, key: str) -> bool:
    """Whether a post's cached entry is used as it is. None: there is no entry.

    `key`: the digest of everything that rendering it depends on. A post that can't be read now
    keeps its last good entry, or is left out.
    """
    unreadable = row.digest not in ("", row.document_digest)
    return unreadable or (entry is not None and entry.key == key)


def turn_of(post: Post | None, path: str, allowed: Collection[str] | None) -> Turn:
    """`post`: in its indexed version; None: its file has another.

    `allowed`: the heavy posts that may be rendered now; None: all of them.
    """
    if post is None:
        return Turn.MISMATCHED
    if allowed is None or path in allowed or not is_heavy(post.body):
        return Turn.RENDER
    return Turn.WAIT


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
        self._files = FolderFiles(Path(source.real), options.theme)
        self._posts = StoredPosts(database, source, site)
        self._theme = str(options.theme or "")
        self._policy = options.policy
        self._version = options.version
        self._recent = recent
        self._heavy: dict[str, PostRow] = {}  #: posts that wait for their turn, by path
        self._allowed: set[str] | None = None  #: heavy posts whose turn has come; None: all
        self._rendered: set[str] = set()  #: posts rendered in this run

    def begin(self, now: datetime, *, light_first: bool, at_once: str | None = None) -> None:
        """Begin a run. `light_first`: heavy posts wait for their turn, except the one `at_once`."""
        self._posts.begin(now)
        self._heavy.clear()
        self._allowed = {path for path in (at_once,) if path} if light_first else None
        self._rendered.clear()

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

    @cached_property
    def _renderer(self) -> "Renderer":
        return import_renderer()(self.site, self._files, self._posts, policy=self._policy)

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
            post = self._post(row)
            turns[path] = turn_of(post, path, self._allowed)
            if turns[path] is Turn.WAIT:
                self._heavy[path] = row
            elif post is not None:
                rendering = self.render(post)
                shown[path] = self._entry_row(row, key, rendering)
                render_problems[path] = rendering.problems
                rendered.append(shown[path])
                self._rendered.add(path)
        if rendered:
            with self.database.begin(durable=False) as connection:
                entries.put(connection, rendered)
                problems.replace(connection, "render", render_problems)
        return loaded((shown.get(row.stat.path) for row in rows), turns, self._rendered)

    def _key(self, row: PostRow) -> str:
        return fingerprint(
            self._version,
            self._policy.key,
            self._theme,
            self.site.digest,
            row.document_digest,
            row.head,
        )

    def _post(self, row: PostRow) -> Post | None:
        """The post in its indexed version; None if its file has another."""
        document = self.source.read(row.stat.path)
        if (
            not isinstance(document, Document)
            or document.digest != row.document_digest
            or row.head is None
        ):
            return None
        post = read_post(document, self.site).post
        return None if post is None else replace(post, head=row.head)

    def render(self, post: Post) -> "Rendering":
        """Render a post. `load` renders those that stand in feeds, and stores their entries."""
        self._files.needs = {}
        return self._renderer.render(post)

    def _entry_row(self, row: PostRow, key: str, rendering: "Rendering") -> EntryRow:
        needs = dict(self._files.needs)
        if rendering.uses_day:
            needs[TODAY] = state_of_day(self._posts.now, self.site.timezone)
        return EntryRow(
            path=row.stat.path,
            key=key,
            entry=rendering.entry,
            uses_posts=rendering.uses_posts,
            needs=needs,
        )


def import_renderer() -> "type[Renderer]":
    """Import it. Liquid and Markdown take half a second, and most runs render nothing."""
    from syndicator.jekyll.render import Renderer

    return Renderer


def prune(connection: Connection) -> None:
    """Delete the entries that are in no feed."""
    entries.remove(connection, entries.paths(connection) - feeds.post_paths(connection))
