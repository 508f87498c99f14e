"""From the posts of a feed to its entries: remembered, or rendered."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render_cost import is_heavy
from syndicator.jekyll.sanitize import Policy
from syndicator.jekyll.site import ALWAYS, Site
from syndicator.model.content import Document, Entry, Post, PostHead, Problem, fingerprint
from syndicator.model.lookups import matches_name, path_endings
from syndicator.sources.folder import SourceFolder
from syndicator.sources.site_files import FolderFiles, Seen, look_again
from syndicator.store import entries, feeds, posts, problems
from syndicator.store.database import Database
from syndicator.store.entries import EntryRow
from syndicator.store.posts import PostRow

if TYPE_CHECKING:
    from syndicator.jekyll.render import Renderer, Rendering

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedEntries:
    """The entries of a feed, newest first, and what each was made from."""

    paths: tuple[str, ...]
    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    waits: bool  #: whether a post is left out, or stands as it was, until its turn comes
    fresh: bool  #: whether one of the entries was rendered in this run
    missed: tuple[str, ...]  #: posts whose file isn't, just now, the one that the index speaks of


class EntryLoader:
    """Turns posts into entries, each once. `version` changes when the same post would be rendered differently.

    `recent` lives longer than one run.
    """

    def __init__(
        self,
        database: Database,
        source: SourceFolder,
        site: Site,
        policy: Policy,
        version: str,
        recent: entries.Recent,
    ) -> None:
        self.database = database
        self.source = source
        self.site = site
        self._files = FolderFiles(source.root)
        self._posts = StoredPosts(database)
        self._policy = policy
        self._version = version
        self._recent = recent
        self._light_first = False
        self._heavy: dict[str, PostRow] = {}  #: posts that wait for their turn, by path
        self._turns: set[str] = set()  #: posts whose turn has come
        self._fresh: set[str] = set()  #: posts that were rendered in this run

    def begin(self, *, light_first: bool, at_once: str | None = None) -> None:
        """Begin a run. `light_first`: posts that may take long wait for their turn, except the one `at_once`."""
        self._light_first = light_first
        self._heavy, self._turns, self._fresh = {}, {at_once} if at_once else set(), set()

    @property
    def waiting(self) -> list[str]:
        """The posts that wait for their turn."""
        return sorted(self._heavy)

    def render_next(self, until: datetime) -> None:
        """Render the smallest of the posts that wait. It stands in the feeds that are gathered from now on."""
        path = min(self._heavy, key=lambda path: (self._heavy[path].stat.size, path))
        self._turns.add(path)
        self.gather([self._heavy.pop(path)], until)

    @cached_property
    def _renderer(self) -> "Renderer":
        # Liquid and Markdown take half a second to import, and most runs of most commands render nothing.
        from syndicator.jekyll.render import Renderer

        return Renderer(self.site, self._files, self._posts, policy=self._policy)

    def gather(self, rows: Iterable[PostRow], until: datetime) -> LoadedEntries:
        """The entries of these posts. A post that can't be rendered is left out, and a Problem says why.

        One that is missed is left out too, or stands as it was. `until` is the date of the newest posts they may show.
        """
        self._posts.until = until
        rows = list(rows)
        with self.database.read() as connection:
            remembered = entries.get(connection, [row.stat.path for row in rows], self._recent)
        made: list[EntryRow] = []
        found: dict[str, tuple[Problem, ...]] = {}
        gathered: list[EntryRow] = []
        missed: list[str] = []
        waits = False
        for row in rows:
            path = row.stat.path
            entry_row = remembered.get(path)
            # Of a post that can't be read just now, the last good entry stays.
            unreadable = row.digest not in ("", row.document_digest)
            if not unreadable and (entry_row is None or entry_row.key != self._key(row)):
                post = self._post(row)
                if post is None:
                    missed.append(path)
                elif self._light_first and path not in self._turns and is_heavy(post.body):
                    self._heavy[path] = row
                    waits = True
                else:
                    rendering = self._render(row, post)
                    entry_row = self._entry_row(row, rendering)
                    found[path] = rendering.problems
                    made.append(entry_row)
                    self._fresh.add(path)
            if entry_row and entry_row.entry:
                gathered.append(entry_row)
        if made:
            with self.database.begin(durable=False) as connection:
                entries.put(connection, made)
                problems.replace(connection, "render", found)
        return LoadedEntries(
            paths=tuple(row.path for row in gathered),
            entries=tuple(row.entry for row in gathered if row.entry),
            keys=tuple(
                # One that asked for other posts may differ though it was made from the same.
                f"{row.key} {sorted(row.needs.items())} {row.entry if row.uses_posts else ''}"
                for row in gathered
            ),
            missed=tuple(missed),
            waits=waits,
            fresh=any(row.path in self._fresh for row in gathered),
        )

    def _key(self, row: PostRow) -> str:
        return fingerprint(
            self._version, self._policy.key, self.site.digest, row.document_digest, row.head
        )

    def _post(self, row: PostRow) -> Post | None:
        """The post as the index speaks of it; None when its file isn't that version."""
        document = self.source.read(row.stat.path)
        if (
            not isinstance(document, Document)
            or document.digest != row.document_digest
            or row.head is None
        ):
            return None
        post = read_post(document, self.site).post
        return None if post is None else replace(post, head=row.head)

    def _render(self, row: PostRow, post: Post) -> "Rendering":
        self._files.needs = {}
        try:
            return self._renderer.render(post)
        except Exception as error:
            # A post is a stranger's word: whatever it does to a library, the others go out.
            log.exception("%s can't be rendered", row.stat.path)
            problem = Problem(
                path=row.stat.path,
                message=f"can't be rendered: {type(error).__name__}: {error}",
                hint="this is a fault of ours; the log has its trace",
                fatal=True,
            )
            from syndicator.jekyll.render import Rendering

            return Rendering(entry=None, problems=(problem,))

    def _entry_row(self, row: PostRow, rendering: "Rendering") -> EntryRow:
        return EntryRow(
            path=row.stat.path,
            key=self._key(row),
            entry=rendering.entry,
            uses_posts=rendering.uses_posts,
            needs=dict(self._files.needs),
        )


class StoredPosts:
    """`jekyll.asking.SitePosts` out of the index: those that are out `until` then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.until = ALWAYS

    def find(self, name: str) -> PostHead | None:
        with self._database.read() as connection:
            heads = posts.find_by_name(connection, path_endings(name), self.until)
        return next((head for head in heads if matches_name(head.path, name)), None)

    def newest(self, limit: int) -> tuple[PostHead, ...]:
        with self._database.read() as connection:
            return tuple(
                row.head for row in posts.newest_of_all(connection, self.until, limit) if row.head
            )


class Dependencies:
    """What the remembered entries asked their site for, kept at hand so that a poll reads no row for it."""

    def __init__(self, connection: Connection) -> None:
        self._askers: dict[str, dict[Seen, list[str]]] = {}  #: of each path, by what they saw
        for post, needs in entries.needs(connection).items():
            for path, seen in needs.items():
                self._askers.setdefault(path, {}).setdefault(seen, []).append(post)

    def outdated(self, root: str, told: Collection[str] | None) -> set[str]:
        """The posts whose entries would be made differently now, because a file they asked for changed.

        `told`: the only files that may have changed, or whose folders; None: any.
        """
        outdated: set[str] = set()
        for path, askers in self._askers.items():
            if told is None or path in told or path.endswith("/"):
                now = look_again(root, path)
                outdated.update(
                    post for seen, posts in askers.items() if seen != now for post in posts
                )
        return outdated


def prune(connection: Connection) -> None:
    """Forget the entries that stand in no feed."""
    entries.remove(connection, entries.paths(connection) - feeds.post_paths(connection))
