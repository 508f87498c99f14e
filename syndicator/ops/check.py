"""Reading everything and writing nothing: what would be wrong if this were built."""

from collections.abc import Iterable
from datetime import datetime
from time import perf_counter

from syndicator.build import identity
from syndicator.build.assemble import YET_TO_COME
from syndicator.build.feed_names import ALL, FeedNames
from syndicator.build.index import Progress
from syndicator.build.options import BuildOptions
from syndicator.build.publish import aliases_without_target
from syndicator.build.scan import SiteReader
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.site import ALWAYS
from syndicator.model.content import Document, PostHead, Problem, Report
from syndicator.model.lookups import is_named
from syndicator.sources.folder import SourceFolder
from syndicator.sources.site_files import FolderFiles


def check(plan: BuildOptions, now: datetime, progress: Progress) -> Report:
    """Every problem of the site and its posts. Raises SourceError when the site can't be read at all.

    A post is rendered only if it holds Liquid: nothing else in a text can be wrong without showing in its head.
    """
    begun = perf_counter()
    reader = SiteReader(plan.source, plan.overrides)
    site = reader.read()
    source = SourceFolder(plan.source, plan.scope_of(site))
    problems = list(reader.problems)
    paths = source.scan(known=()).fresh
    if not paths:
        hint = (
            "is it mounted, and is it the folder that holds _posts, or else the posts themselves?"
        )
        problems.append(
            Problem(path="source.path", message=f"{plan.source} holds no posts", hint=hint)
        )
    heads: dict[str, PostHead] = {}
    liquid: list[str] = []
    for done, path in enumerate(paths, 1):
        document = source.read(path)
        if isinstance(document, Problem):
            problems.append(document)
        elif document:
            reading = read_post(document, site)
            problems += reading.problems
            if reading.post:
                heads[path] = reading.post.head
                if "{%" in reading.post.body or "{{" in reading.post.body:
                    liquid.append(path)
        progress(done, len(paths), "reading posts")
    names = FeedNames((), plan.kinds_of(site))
    feeds = {ALL}.union(*(names.of_all(head.terms) for head in heads.values()))
    notes = aliases_without_target(
        {"feeds.aliases": plan.aliases},
        {f"{name}.{suffix}" for name in feeds for suffix in plan.formats},
    )
    problems += [*_of_ids(heads.values()), *_of_moments(heads.values(), now), *names.problems]
    from syndicator.jekyll.render import (
        Renderer,
    )  # half a second, which other commands need not wait for

    posts = _Posts(heads)
    renderer = Renderer(site, FolderFiles(plan.source), posts, policy=plan.policy)
    for done, path in enumerate(liquid, 1):
        document = source.read(path)
        post = read_post(document, site).post if isinstance(document, Document) else None
        if post:
            posts.until = site.until(
                max(now, post.head.published)
            )  # it is rendered when its time comes
            problems += renderer.render(post).problems
        progress(done, len(liquid), "rendering posts with Liquid")
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.path, problem.line or 0))
    return Report(
        started=now,
        seconds=perf_counter() - begun,
        posts=len(heads),
        problems=tuple(ordered),
        notes=notes,
    )


def _of_ids(heads: Iterable[PostHead]) -> list[Problem]:
    """Two posts with one id, as the index would find them; and two with one address, which it doesn't look for."""
    holders: dict[str, str] = {}
    pages: dict[str, str] = {}
    found = []
    for head in heads:
        problem = identity.conflict(head, identity.identify(head, None, head.published), holders)
        holders.setdefault(head.id, head.path)
        page = pages.setdefault(head.url, head.path)
        if problem is None and page != head.path:
            hint = "give it a permalink or a name of its own: a site has one page at an address"
            problem = Problem(
                path=head.path, message=f"has the same address as {page}: {head.url}", hint=hint
            )
        if problem:
            found.append(problem)
    return found


def _of_moments(heads: Iterable[PostHead], now: datetime) -> list[Problem]:
    """Posts that say they were changed on a day that hasn't come, and isn't that of their appearance either."""
    hint = "mend last_modified_at: until then the feeds it stands in say so too"
    return [
        Problem(
            path=head.path,
            message=f"says that it was changed on {head.updated:%Y-%m-%d}, yet to come",
            hint=hint,
        )
        for head in heads
        if head.updated and head.updated > max(now, head.published) + YET_TO_COME
    ]


class _Posts:
    """`jekyll.asking.SitePosts` of what was read just now: those that are out `until` then."""

    def __init__(self, heads: dict[str, PostHead]) -> None:
        self._heads = heads
        self.until = ALWAYS

    @property
    def _out(self) -> Iterable[PostHead]:
        return (head for head in self._heads.values() if head.published <= self.until)

    def find(self, name: str) -> PostHead | None:
        return min(
            (head for head in self._out if is_named(head.path, name)),
            key=lambda head: head.path,
            default=None,
        )

    def newest(self, limit: int) -> list[PostHead]:
        return sorted(self._out, key=lambda head: (head.published, head.path), reverse=True)[:limit]
