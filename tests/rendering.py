"""A small site in memory, and its rendered posts."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from reading import Files, document, site_of

from syndicator.jekyll.markup import markup_of
from syndicator.jekyll.posts import read_post
from syndicator.jekyll.render import Renderer, Rendering
from syndicator.liquid import Liquid, LiquidResult
from syndicator.model.content import Entry, Post, PostHead, Term

CONFIG = (
    "title: Times\nurl: https://e.com\nbaseurl: /b\ntimezone: America/New_York\n"
    "nested: {a: {b: [1, 2, {c: d}]}}\nlist: [3, 1, 2]\nwords: [b, a, C]\n"
)


class Posts:
    """`model.lookups.SitePosts` of heads, newest first."""

    def __init__(self, *heads: PostHead, texts: Mapping[str, str] | None = None) -> None:
        self.heads = heads
        self.texts = texts or {}  #: front matter and text of the posts that can be read, by path
        self.now = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)

    def find(self, name: str) -> PostHead | None:
        return next((head for head in self.heads if name in head.path), None)

    def newest(self, limit: int) -> Iterable[PostHead]:
        return self.heads[:limit]

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        others = [one for one in self.heads if one.path != head.path]
        newer_ones = [one for one in others if one.published > head.published]
        older = [one for one in others if one.published < head.published]
        return (newer_ones or [None])[-1] if newer else (older or [None])[0]

    def read(self, head: PostHead) -> Post | None:
        text = self.texts.get(head.path)
        return read_post(document(head.path, text), site_of(CONFIG)).post if text else None


def head(slug: str, day: int, *categories: str) -> PostHead:
    """Another post of the site, in January 2026."""
    address = f"https://e.com/b/2026/01/{day:02}/{slug}"
    return PostHead(
        path=f"_posts/2026-01-{day:02}-{slug}.md",
        id=address,
        own_id=False,
        url=f"{address}.html",
        title=slug.title(),
        published=datetime(2026, 1, day, 12, tzinfo=UTC),
        updated=None,
        terms=tuple(Term(kind="category", label=category) for category in categories),
        text_digest="",
    )


OTHERS = Posts(head("third", 9, "News"), head("second", 8), head("first", 7, "News"))


def post_of(
    body: str, front: str = "", *, path: str = "_posts/2026-01-09-third.md", config: str = CONFIG
) -> Post:
    """A post with this text and these lines of front matter besides its title."""
    post = read_post(
        document(path, f"---\ntitle: Third\n{front}\n---\n{body}"), site_of(config)
    ).post
    assert post is not None
    return post


def liquid(
    body: str,
    front: str = "",
    *,
    files: Mapping[str, str] | None = None,
    theme: Mapping[str, str] | None = None,
    path: str = "_posts/2026-01-09-third.md",
    config: str = CONFIG,
) -> LiquidResult:
    """The result of rendering a post's Liquid."""
    site = site_of(config)
    engine = Liquid(
        site=site, files=Files(files or {}, theme), posts=OTHERS, markup=markup_of(site)
    )
    post = post_of(body, front, path=path, config=config)
    return engine.render(post.body, post=post, first_line=post.body_line)


def rendering(
    body: str,
    front: str = "",
    *,
    files: Mapping[str, str] | None = None,
    path: str = "_posts/2026-01-09-third.md",
    config: str = CONFIG,
) -> Rendering:
    """The result of rendering the post."""
    renderer = Renderer(site_of(config), Files(files or {}), OTHERS)
    return renderer.render(post_of(body, front, path=path, config=config))


def entry(body: str, front: str = "", **more: Any) -> Entry:
    """The post as an entry."""
    result = rendering(body, front, **more).entry
    assert result is not None
    return result
