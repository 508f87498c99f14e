"""Liquid needs no Jekyll site: any settings, files, posts and converters will do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from syndicator.liquid import Liquid
from syndicator.liquid.context import Markup
from syndicator.model.content import Post, PostHead, SiteInfo
from syndicator.model.front_lines import FrontLines

HEAD = PostHead(
    path="a.md",
    id="a",
    own_id=True,
    url="https://e.com/a",
    title="A",
    published=datetime(2026, 1, 2, tzinfo=UTC),
    updated=None,
    terms=(),
    text_digest="",
)
POST = Post(
    head=HEAD,
    authors=(),
    categories=(),
    tags=(),
    language=None,
    front={"mood": "calm"},
    body="",
    body_line=1,
    document_digest="",
    front_lines=FrontLines("", 1),
)


@dataclass
class Settings:
    """The settings of a site, as plain values."""

    info: SiteInfo
    url: str = "https://e.com"
    baseurl: str = ""
    timezone: tzinfo = UTC
    config: Mapping[str, Any] = field(default_factory=lambda: {"title": "T", "n": [3, 1]})
    data: Mapping[str, Any] = field(default_factory=dict)
    highlighter: str | None = None


class Files:
    """A site with one file."""

    def text(self, path: str, max_bytes: int = 1024 * 1024) -> str | None:
        return "[{{ include.x }}]" if path == "_includes/box.html" else None

    has_theme = False

    def theme_text(self, path: str) -> str | None:
        return None

    def size(self, path: str) -> int | None:
        return None

    def names(self, folder: str) -> tuple[str, ...]:
        return ()


class Posts:
    """A site with one post."""

    def find(self, name: str) -> PostHead | None:
        return HEAD if name == "a" else None

    def newest(self, limit: int) -> Iterable[PostHead]:
        return [HEAD][:limit]

    now = HEAD.published

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        return None

    def read(self, head: PostHead) -> Post | None:
        return None


def test_plain_values_are_rendered() -> None:
    """Variables, filters, tags and the given converters work without a Jekyll site."""
    markup = Markup(
        markdown=lambda text: f"<p>{text}</p>",
        smartify=str.title,
        highlight=lambda code, language, before: None,
        excerpt=lambda post: "",
        address_of_file=lambda path, files, today: None,
    )
    info = SiteInfo(title="T", url="https://e.com/")
    engine = Liquid(site=Settings(info), files=Files(), posts=Posts(), markup=markup)
    text = (
        "{{ site.title }} {{ page.mood | upcase }} {{ site.n | sort | join: '-' }} "
        "{{ 'b' | markdownify }} {% include box.html x=2 %} {% post_url a %} {{ site.posts.size }}"
    )
    result = engine.render(text, post=POST, first_line=1)
    assert result.text == "T CALM 1-3 <p>b</p> [2] /a 1"
    assert result.problems == ()
