"""A feed that uses every field."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from syndicator import formats
from syndicator.model.content import (
    Author,
    Entry,
    Feed,
    FeedFile,
    FeedSpec,
    Media,
    Problem,
    SiteInfo,
    Term,
)

THEN = datetime(2026, 1, 15, 5, 39, 13, 500_000, tzinfo=UTC)

SITE = SiteInfo(
    title="The Daily",
    url="https://news.example/",
    description="News & more",
    language="en_GB",
    authors=(Author(name="The Desk", uri="https://news.example/desk"),),
    logo="https://news.example/logo.png",
    icon="https://news.example/icon.png",
)

SPEC = FeedSpec(
    name="category/köln news",
    title="The Daily: Köln",
    term=Term(kind="category", label="Köln news"),
    formats=("rss", "atom", "json"),
    base="https://feeds.example/",
    hubs=("https://feeds.example/hub", "https://hub.example/"),
    limit=50,
    max_bytes=1 << 20,
    full=True,
)

RICH = Entry(
    id="https://news.example/2026/01/15/shot",
    url="https://news.example/shot/",
    title="Shots & “silence” at <Köln>",
    published=THEN,
    updated=THEN + timedelta(hours=1),
    content='<p>Caf\xe9 &amp; <a href="https://news.example/x?a=1&amp;b=2">more</a> ]]&gt;</p>',
    summary="A man < 40 & a dog",
    authors=(
        Author(name="newsdesk", email="desk@news.example", uri="https://news.example/d"),
        Author(name="Zoë"),
    ),
    categories=("News", "Köln"),
    tags=("dog", "News"),
    image=Media(url="https://news.example/i.jpg", type="image/jpeg", length=1234, alt="A dog"),
    enclosures=(
        Media(url="https://news.example/a.mp3", type="audio/mpeg", length=5),
        Media(url="https://news.example/b.mp4", type="video/mp4"),
    ),
    language="de",
)


def entry(number: int = 0, **fields: Any) -> Entry:
    """An entry with few fields; the higher its number, the older."""
    plain: dict[str, Any] = {
        "id": f"https://news.example/{number}",
        "url": f"https://news.example/{number}",
        "title": f"Post {number}",
        "published": THEN - timedelta(hours=number),
        "updated": THEN - timedelta(hours=number),
        "content": f"<p>{number} " + "word " * 100 + "</p>",
        "summary": f"About {number}",
        "authors": (),
        "categories": (),
        "tags": (),
        "path": f"_posts/{number}.md",
        "line": 3,
    }
    return Entry(**(plain | fields))


def feed(*entries: Entry, **spec: Any) -> Feed:
    return Feed(
        spec=replace(SPEC, **spec),
        site=SITE,
        updated=entries[0].updated if entries else None,
        entries=entries,
    )


def files_of(feed: Feed) -> tuple[tuple[FeedFile, ...], tuple[Problem, ...]]:
    """The files of a feed, and the problems of its entries."""
    selection = formats.select_entries(feed)
    return formats.files_of(selection), selection.problems
