"""`syndicator check`: reads every post and lists the problems of a build. Writes nothing."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from syndicator.build import identity
from syndicator.build.aliases import aliases_without_target
from syndicator.build.assemble import FUTURE_TOLERANCE
from syndicator.build.feed_names import ALL, FeedNames
from syndicator.build.options import BuildOptions
from syndicator.build.site_reader import SiteReader
from syndicator.build.stored_posts import CACHED_POSTS
from syndicator.cache import LruCache
from syndicator.jekyll.fallbacks import may_apply
from syndicator.jekyll.media import ENCLOSURE_KEYS
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render_cost import MAX_LIGHT
from syndicator.jekyll.site import ALWAYS, Site
from syndicator.model.content import Document, Post, PostHead, Problem, Report, Term
from syndicator.model.lookups import matches_name
from syndicator.model.progress import Phase, Progress
from syndicator.sources.folder import SourceFolder
from syndicator.sources.referenced_files import FolderFiles


def check(options: BuildOptions, now: datetime, progress: Progress) -> Report:
    """Every problem of the site and its posts. Raises SourceError when the site can't be read.

    Only posts of which rendering may find problems or notes are rendered.
    """
    started = perf_counter()
    reader = SiteReader(options.source, options.overrides)
    site = reader.read()
    source = SourceFolder(options.source, options.scope_of(site))
    read = _read(source, site, progress)
    names = FeedNames((), options.kinds_of(site), site.plugins.default_language)
    feeds = {ALL}.union(*(names.of_all(head.terms) for head in read.heads.values()))
    misnamed = aliases_without_target(
        {"feeds.aliases": options.aliases},
        {f"{name}.{suffix}" for name in feeds for suffix in options.formats},
    )
    problems = [
        *reader.problems,
        *read.problems,
        *misnamed,
        *_duplicate_problems(read.heads.values()),
        *_future_update_problems(read.heads.values(), now),
        *names.problems,
        *_render(options, site, source, read, now, progress),
    ]
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.path, problem.line or 0))
    return Report(
        started=now,
        seconds=perf_counter() - started,
        posts=len(read.heads),
        problems=tuple(problem for problem in ordered if not problem.note),
        notes=tuple(problem for problem in ordered if problem.note),
    )


@dataclass(frozen=True)
class _ReadPosts:
    """The posts of a site, by path, and the problems of reading them."""

    heads: Mapping[str, PostHead]
    to_render: Sequence[str]  #: paths of the posts that have to be rendered
    problems: Sequence[Problem]


def _read(source: SourceFolder, site: Site, progress: Progress) -> _ReadPosts:
    paths = source.scan(known=()).fresh
    problems: list[Problem] = []
    if not paths:
        hint = "check that it is mounted, and that it contains _posts/ or the posts themselves"
        message = f"{source.root} contains no posts"
        problems.append(Problem(path="source.path", message=message, hint=hint))
    heads: dict[str, PostHead] = {}
    to_render: list[str] = []
    for done, path in enumerate(paths, 1):
        document = source.read(path)
        if isinstance(document, Problem):
            problems.append(document)
        elif document:
            result = read_post(document, site)
            problems += result.problems
            if result.post:
                heads[path] = result.post.head
                if _may_have_problems(result.post):
                    to_render.append(path)
        progress(done, len(paths), Phase.READING)
    return _ReadPosts(heads, to_render, problems)


def _render(
    options: BuildOptions,
    site: Site,
    source: SourceFolder,
    read: _ReadPosts,
    now: datetime,
    progress: Progress,
) -> Iterator[Problem]:
    """Render the posts `to_render`, for the problems that only this finds."""
    # Importing this takes half a second, which other commands need not wait for.
    from syndicator.jekyll.render import Renderer

    posts = _Posts(read.heads, source, site, now)
    files = FolderFiles(options.source, options.theme)
    renderer = Renderer(site, files, posts, policy=options.policy)
    for done, path in enumerate(read.to_render, 1):
        document = source.read(path)
        post = read_post(document, site).post if isinstance(document, Document) else None
        if post:
            # A future post is rendered once it is published, with the posts that are out by then.
            posts.until = site.until(max(now, post.head.published))
            yield from renderer.render(post).problems
        progress(done, len(read.to_render), Phase.RENDERING)


def _may_have_problems(post: Post) -> bool:
    """Whether rendering a post may find problems or notes: Liquid, limits, HTML, an episode."""
    body = post.body
    return (
        "{%" in body
        or "{{" in body
        or len(body) > MAX_LIGHT
        or may_apply(body)
        or any(key in post.front for key in ENCLOSURE_KEYS)
    )


def _duplicate_problems(heads: Iterable[PostHead]) -> list[Problem]:
    """Posts that share an id, as in a build, or an address, which only `check` reports."""
    paths_by_id: dict[str, str] = {}
    paths_by_url: dict[str, str] = {}
    problems = []
    for head in heads:
        identified = identity.identify(head, None, head.published)
        problem = identity.conflict(head, identified, paths_by_id)
        paths_by_id.setdefault(head.id, head.path)
        first = paths_by_url.setdefault(head.url, head.path)
        if problem is None and first != head.path:
            message = f"has the same address as {first}: {head.url}"
            hint = "give it another permalink or file name"
            problem = Problem(path=head.path, message=message, hint=hint)
        if problem:
            problems.append(problem)
    return problems


def _future_update_problems(heads: Iterable[PostHead], now: datetime) -> list[Problem]:
    """Posts whose last_modified_at is later than both now and their own date."""
    return [
        Problem(
            path=head.path,
            message=f"last_modified_at is in the future: {head.updated:%Y-%m-%d}",
            hint="correct it: until that day its feeds carry this date too",
        )
        for head in heads
        if head.updated and head.updated > max(now, head.published) + FUTURE_TOLERANCE
    ]


class _Posts:
    """The posts that a template can look up: those published by `until`.

    Implements `model.lookups.SitePosts`.
    """

    def __init__(
        self, heads: Mapping[str, PostHead], source: SourceFolder, site: Site, now: datetime
    ) -> None:
        self._heads = heads
        self._source = source
        self._site = site
        self._ordered = sorted(heads.values(), key=_place)
        self._read: LruCache[str, None, Post] = LruCache(CACHED_POSTS)
        self.now = now
        self.until = ALWAYS

    @property
    def _published(self) -> list[PostHead]:
        """Oldest first."""
        end = bisect_right(self._ordered, self.until, key=lambda head: head.published)
        return self._ordered[:end]

    def find(self, name: str) -> PostHead | None:
        return min(
            (head for head in self._published if matches_name(head.path, name)),
            key=lambda head: head.path,
            default=None,
        )

    def newest(self, limit: int) -> list[PostHead]:
        return self._published[: -limit - 1 : -1]

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        published = self._published
        at = bisect_left(published, _place(head), key=_place)
        others = published[at + 1 :] if newer else published[:at][::-1]
        return next((one for one in others if _series(one) == _series(head)), None)

    def read(self, head: PostHead) -> Post | None:
        post = self._read.get(head.path, None)
        document = None if post else self._source.read(head.path)
        if isinstance(document, Document):
            post = read_post(document, self._site).post
            if post:
                self._read.put(head.path, None, post, len(document.data))
        return post


def _series(head: PostHead) -> list[Term]:
    return [term for term in head.terms if term.kind in ("collection", "language")]


def _place(head: PostHead) -> tuple[datetime, str]:
    return head.published, head.path
