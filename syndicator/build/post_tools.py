"""Renders posts of one site, in a run's own process or in a worker's."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from syndicator.build.dependencies import TODAY, post_named, state_of_day, state_of_post
from syndicator.build.stored_posts import StoredPosts
from syndicator.jekyll.policy import Policy
from syndicator.jekyll.render_cost import is_heavy
from syndicator.jekyll.site import Site
from syndicator.model.content import Document, Entry, FileState, Post, PostHead, Problem, Scope
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from syndicator.jekyll.fast_heads import HeadReader
    from syndicator.jekyll.render import Renderer
    from syndicator.store.database import Database

log = logging.getLogger(__name__)


class Turn(Enum):
    """What becomes of a post whose entry is outdated or missing."""

    RENDER = 1
    WAIT = 2  #: it is heavy, and rendered after the others
    MISMATCHED = 3  #: its file has changed since it was indexed


def turn_of(post: Post | None, path: str, allowed: Collection[str] | None) -> Turn:
    """`post`: in its indexed version; None: its file has another.

    `allowed`: the heavy posts that may be rendered now; None: all of them.
    """
    if post is None:
        return Turn.MISMATCHED
    if allowed is None or path in allowed or not is_heavy(post.body):
        return Turn.RENDER
    return Turn.WAIT


class IndexedPost(NamedTuple):
    """A post to render, as the index has it."""

    path: str
    digest: str | None  #: of the document that the head describes
    head: PostHead | None


class RenderRequest(NamedTuple):
    """Posts to render, as of a time."""

    posts: tuple[IndexedPost, ...]
    allowed: Collection[str] | None  #: as in `turn_of`
    now: datetime
    until: datetime  #: the date of the newest posts that they may show


class RenderedPost(Struct, frozen=True):
    """What became of a post. Without a turn to be rendered, it has no entry and no problems."""

    turn: Turn
    entry: Entry | None = None  #: None: it can't be published; a problem has the reason
    problems: tuple[Problem, ...] = ()
    uses_posts: bool = False  #: any change of another post may change it
    #: What it depends on: files of the site, and what `build.dependencies` adds.
    needs: dict[str, FileState] = field(default_factory=dict)


class PostTools:
    """What reading and rendering the posts of a site needs, each made when it is first used.

    It is imported then, too: most runs read and render nothing. It lasts as long as the site is
    unchanged, since setting up Liquid is slow. Not thread-safe.
    """

    def __init__(
        self,
        source: SourceFolder,
        site: Site,
        posts: StoredPosts,
        policy: Policy,
        theme: Path | None,
    ) -> None:
        self.source = source
        self.site = site
        self.posts = posts
        self._files = FolderFiles(Path(source.real), theme)
        self._policy = policy
        self._theme = theme

    def for_worker(self, state: str) -> "WorkerTools":
        """What makes the same in a worker process. `state`: its URL, with its password."""
        return WorkerTools(
            source=Path(self.source.real),
            scope=self.source.scope,
            site=self.site,
            policy=self._policy,
            theme=self._theme,
            state=state,
        )

    @cached_property
    def heads(self) -> "HeadReader":
        from syndicator.jekyll.fast_heads import HeadReader

        return HeadReader(self.site)

    @cached_property
    def renderer(self) -> "Renderer":
        from syndicator.jekyll.render import Renderer

        return Renderer(self.site, self._files, self.posts, policy=self._policy)

    def render(self, indexed: IndexedPost, allowed: Collection[str] | None) -> RenderedPost:
        """Render a post that has its turn. One that can't be rendered has a Problem."""
        post = self._post(indexed)
        turn = turn_of(post, indexed.path, allowed)
        if post is None or turn is not Turn.RENDER:
            return RenderedPost(turn)
        self._files.needs = {}
        rendering = self.renderer.render(post)
        needs = dict(self._files.needs)
        if rendering.uses_day:
            needs[TODAY] = state_of_day(self.posts.now, self.site.timezone)
        for name, head in rendering.named_posts.items():
            needs[post_named(name)] = state_of_post(head)
        return RenderedPost(turn, rendering.entry, rendering.problems, rendering.uses_posts, needs)

    def _post(self, indexed: IndexedPost) -> Post | None:
        """The post in its indexed version; None if its file has another."""
        from syndicator.jekyll.posts import read_post

        document = self.source.read(indexed.path)
        if (
            not isinstance(document, Document)
            or document.digest != indexed.digest
            or indexed.head is None
        ):
            return None
        post = read_post(document, self.site).post
        return None if post is None else replace(post, head=indexed.head)


def render_posts(tools: PostTools, request: RenderRequest) -> list[RenderedPost]:
    """Render posts, in their order."""
    if tools.posts.now != request.now:
        tools.posts.begin(request.now)
    tools.posts.until = request.until
    return [tools.render(post, request.allowed) for post in request.posts]


def prepare_to_render(tools: PostTools, _request: None) -> None:
    """Import what rendering needs, and set it up."""
    from syndicator.jekyll.trial import render_trial

    assert tools.renderer
    render_trial()


def import_renderer() -> None:
    """Import what rendering any post needs, and set it up."""
    from syndicator import liquid
    from syndicator.jekyll import render
    from syndicator.jekyll.trial import render_trial

    assert liquid and render  # noqa: PT018
    render_trial()


class WorkerTools(Struct, frozen=True, kw_only=True):
    """Makes the PostTools of a worker process."""

    source: Path  #: without links
    scope: Scope
    site: Site
    policy: Policy
    theme: Path | None
    state: str  #: its URL, with its password

    def __call__(self) -> PostTools:
        source = SourceFolder(self.source, self.scope)
        posts = StoredPosts(_ReadOnlyState(self.state), source, self.site)
        return PostTools(source, self.site, posts, self.policy, self.theme)


class _ReadOnlyState:
    """A state that is opened, and SQLAlchemy imported, when a post first shows other posts."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _database(self) -> "Database":
        from syndicator.store.database import Database

        return Database(self._url, read_only=True)

    @contextmanager
    def read(self) -> "Iterator[Connection]":
        try:
            with self._database.read() as connection:
                yield connection
        except Exception:
            # Liquid makes a problem of an error. What is logged is done again by the run's process.
            log.exception("the state can't be read")
            raise
