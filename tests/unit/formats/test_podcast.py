"""The tags of podcasts: Apple's and those of Podcasting 2.0, in RSS only."""

from typing import Any

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from syndicator.formats import xml
from syndicator.model.content import Author, Entry, Feed, Media
from syndicator.model.podcast import Episode, Show, Transcript

from .samples import SITE, entry, feed, files_of

NAMES = {
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
}
EPISODE = Episode(
    seconds=3723,
    explicit=False,
    number=3,
    season=2,
    kind="bonus",
    image="https://news.example/ep.jpeg?v=2",
    transcripts=(
        Transcript("https://news.example/3.vtt", "text/vtt", None),
        Transcript("https://news.example/3.de.html", "text/html", "de"),
    ),
    chapters="https://news.example/3.json",
)
SOUND = Media(url="https://news.example/3.mp3", type="audio/mpeg", length=5)
SHOW = Show(
    author="The Crew",
    email="crew@news.example",
    image="https://news.example/cover.jpg",
    explicit=True,
    categories=(("Technology", None), ("Arts", "Books"), ("Arts", "Food"), ("TV & Film", None)),
    kind="serial",
)


def episode(number: int = 3, **fields: Any) -> Entry:
    given = {"enclosures": (SOUND,), "episode": EPISODE, "authors": (Author(name="Ann"),)}
    return entry(number, **(given | fields))


def rss(feed: Feed) -> etree._Element:
    return etree.fromstring(xml.rss(feed).document(1000))


def with_show(feed: Feed, show: Show | None) -> Feed:
    return replace(feed, site=replace(feed.site, show=show))


def texts(root: etree._Element, path: str) -> list[str]:
    return [
        element if isinstance(element, str) else element.text
        for element in root.xpath(path, namespaces=NAMES)
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("itunes:author", ["Ann"]),
        ("itunes:duration", ["3723"]),
        ("itunes:explicit", ["false"]),
        ("itunes:episode", ["3"]),
        ("itunes:season", ["2"]),
        ("itunes:episodeType", ["bonus"]),
        ("itunes:image/@href", ["https://news.example/ep.jpeg?v=2"]),
        (
            "podcast:transcript/@url",
            ["https://news.example/3.vtt", "https://news.example/3.de.html"],
        ),
        ("podcast:transcript/@type", ["text/vtt", "text/html"]),
        ("podcast:transcript/@language", ["de"]),
        ("podcast:chapters/@url", ["https://news.example/3.json"]),
        ("podcast:chapters/@type", ["application/json+chapters"]),
    ],
)
def test_every_tag_of_an_episode(path: str, expected: list[str]) -> None:
    """Apple's, and of Podcasting 2.0 what Apple has no tag for; a plain post beside it has none."""
    mixed = feed(episode(1), entry(2))
    assert texts(rss(mixed), f"channel/item[1]/{path}") == expected
    assert texts(rss(mixed), f"channel/item[2]/{path}") == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("itunes:author", ["The Crew"]),
        ("itunes:owner/itunes:name", ["The Crew"]),
        ("itunes:owner/itunes:email", ["crew@news.example"]),
        ("itunes:image/@href", ["https://news.example/cover.jpg"]),
        ("itunes:explicit", ["true"]),
        ("itunes:category/@text", ["Technology", "Arts", "TV & Film"]),
        ("itunes:category/itunes:category/@text", ["Books", "Food"]),
        ("itunes:type", ["serial"]),
    ],
)
def test_every_tag_of_a_show(path: str, expected: list[str]) -> None:
    """In the channel, from the site's config."""
    assert texts(rss(with_show(feed(episode()), SHOW)), f"channel/{path}") == expected


def test_a_show_without_a_config_is_the_site() -> None:
    """Its authors, and its logo if Apple has such images; without an e-mail it has no owner."""
    root = rss(feed(episode()))
    assert texts(root, "channel/itunes:author") == ["The Desk"]
    assert texts(root, "channel/itunes:image/@href") == ["https://news.example/logo.png"]
    assert texts(root, "channel/itunes:owner") == []
    site = replace(
        SITE,
        logo="https://news.example/logo.svg",
        authors=(Author(name="A"), Author(name="B", email="b@news.example")),
    )
    other = rss(replace(feed(episode()), site=site))
    assert texts(other, "channel/itunes:author") == ["A, B"]
    assert texts(other, "channel/itunes:image/@href") == ["https://news.example/icon.png"]
    assert texts(other, "channel/itunes:owner/itunes:email") == ["b@news.example"]


@pytest.mark.parametrize(
    ("of_show", "of_episodes", "expected"),
    [
        (None, [None, None], []),
        (None, [None, False], ["false"]),
        (None, [False, True], ["true"]),
        (False, [True], ["false"]),
        (True, [None], ["true"]),
    ],
)
def test_a_show_is_explicit_as_its_config_or_its_episodes_say(
    of_show: bool | None, of_episodes: list[bool | None], expected: list[str]
) -> None:
    """If one of its episodes is, it is; where nobody says, the feed doesn't."""
    entries = [
        episode(at, episode=replace(EPISODE, explicit=explicit))
        for at, explicit in enumerate(of_episodes)
    ]
    made = with_show(feed(*entries), Show(explicit=of_show))
    assert texts(rss(made), "channel/itunes:explicit") == expected


def test_no_feed_without_episodes_has_the_tags() -> None:
    """Nor their namespaces; nor have Atom, JSON and the page."""
    plain = files_of(with_show(feed(entry(1, enclosures=(SOUND,)), entry(2)), SHOW))[0]
    podcast = files_of(with_show(feed(episode()), SHOW))[0]
    for file in (*plain, *podcast[1:]):
        assert not [name for name in ("itunes", "podcastindex") if name in file.data.decode()]


def test_a_feed_that_the_size_limit_leaves_no_episode_has_no_tags() -> None:
    """The head is that of the entries that are in the file."""
    entries = [*(entry(number) for number in range(9)), episode(9)]
    whole, cut = (
        files_of(with_show(feed(*entries, max_bytes=size), SHOW))[0][0].data
        for size in (100_000, 8_000)
    )
    assert b"itunes" in whole
    assert b"itunes" not in cut
    assert len(feedparser.parse(cut).entries) in range(3, 9)


def test_cached_items_of_a_podcast_are_the_same_bytes() -> None:
    """Items are known from another feed, in which all are episodes."""
    files_of(feed(episode(1), episode(2)))
    both = rss(feed(entry(0), episode(2), episode(1)))
    assert texts(both, "channel/item/itunes:episode") == ["3", "3"]


def test_an_episode_without_a_length_is_an_enclosure() -> None:
    """With the length 0: podcast apps know enclosures only (RSS Profile)."""
    unknown = replace(SOUND, length=None)
    assert texts(rss(feed(episode(enclosures=(unknown,)))), "//enclosure/@length") == ["0"]
    assert texts(rss(feed(episode(enclosures=(unknown, SOUND)))), "//enclosure/@length") == ["5"]


def test_feedparser_reads_an_episode() -> None:
    """Its duration, image, number and author, and the image of the show."""
    parsed = feedparser.parse(xml.rss(with_show(feed(episode()), SHOW)).document(1))
    item = parsed.entries[0]
    assert not parsed.bozo
    assert item.itunes_duration == "3723"
    assert item.image.href == "https://news.example/ep.jpeg?v=2"
    assert item.itunes_episode == "3"
    assert "itunes_explicit" in item
    assert item.author == "Ann"
    assert parsed.feed.image.href == "https://news.example/cover.jpg"
