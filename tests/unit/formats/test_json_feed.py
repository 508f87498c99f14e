import json
from typing import Any

import pytest

from syndicator.formats import json_feed
from syndicator.model.content import Feed, Media
from syndicator.model.podcast import Episode

from .samples import RICH, entry, feed


def rendered(feed: Feed) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(json_feed.render(feed).document(1000))
    return parsed


def test_every_field_of_the_feed() -> None:
    """The top level of JSON Feed 1.1."""
    top = rendered(feed(RICH))
    top.pop("items")
    assert top == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "The Daily: Köln",
        "home_page_url": "https://news.example/",
        "feed_url": "https://feeds.example/category/k%C3%B6ln%20news.json",
        "description": "News & more",
        "icon": "https://news.example/icon.png",
        "authors": [{"name": "The Desk", "url": "https://news.example/desk"}],
        "language": "en-GB",
        "hubs": [
            {"type": "WebSub", "url": "https://feeds.example/hub"},
            {"type": "WebSub", "url": "https://hub.example/"},
        ],
    }


def test_every_field_of_an_item() -> None:
    """Items of JSON Feed 1.1; texts are text, content is HTML."""
    (item,) = rendered(feed(RICH))["items"]
    assert item == {
        "id": "https://news.example/2026/01/15/shot",
        "url": "https://news.example/shot/",
        "title": "Shots & “silence” at <Köln>",
        "content_html": RICH.content,
        "summary": "A man < 40 & a dog",
        "image": "https://news.example/i.jpg",
        "date_published": "2026-01-15T05:39:13+00:00",
        "date_modified": "2026-01-15T06:39:13+00:00",
        "authors": [{"name": "newsdesk", "url": "https://news.example/d"}, {"name": "Zoë"}],
        "tags": ["News", "Köln", "dog"],
        "language": "de",
        "attachments": [
            {"url": "https://news.example/a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5},
            {"url": "https://news.example/b.mp4", "mime_type": "video/mp4"},
        ],
    }


@pytest.mark.parametrize("content", ["", "<p>x</p>"])
def test_every_item_has_an_id_and_exactly_one_content(content: str) -> None:
    """Both are required; no other member is null or empty."""
    (item,) = rendered(feed(entry(content=content, summary="s", title="")))["items"]
    assert ("content_html" in item) != ("content_text" in item)
    assert item["id"]
    assert all(value not in (None, "", []) for value in item.values())


def test_an_attachment_needs_its_type() -> None:
    """It is required; one without a known type is left out."""
    (item,) = rendered(feed(entry(enclosures=(Media(url="https://news.example/x"),))))["items"]
    assert "attachments" not in item


def test_a_link_post_names_the_page_elsewhere() -> None:
    """As `external_url`, beside the address of the post itself."""
    linked = entry(external_url="https://other.example/é?a=1&b=2")
    (item,) = rendered(feed(linked))["items"]
    assert item["url"] == linked.url
    assert item["external_url"] == "https://other.example/%C3%A9?a=1&b=2"


def test_an_attachment_has_the_duration_of_its_episode() -> None:
    """In seconds; unknown durations are left out."""
    sound = Media(url="https://news.example/x.mp3", type="audio/mpeg")
    episodes = [Episode(seconds=90), Episode(number=2)]
    entries = [entry(at, enclosures=(sound,), episode=e) for at, e in enumerate(episodes)]
    attachments = [item["attachments"][0] for item in rendered(feed(*entries))["items"]]
    assert [each.get("duration_in_seconds") for each in attachments] == [90, None]


def test_compact_utf8_cut_between_items() -> None:
    """One line for each item; with fewer items it is still JSON."""
    rendered_feed = json_feed.render(feed(*(entry(n, title="Köln") for n in range(5))))
    assert "Köln".encode() in rendered_feed.document(1000)
    for limit in range(0, 6000, 100):
        kept = json.loads(rendered_feed.document(rendered_feed.fitting(limit)))["items"]
        assert [item["url"] for item in kept] == [
            f"https://news.example/{n}" for n in range(len(kept))
        ]
