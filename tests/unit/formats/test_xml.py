import locale
import threading
from datetime import datetime, timedelta, timezone
from html import unescape
from itertools import pairwise
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from syndicator.formats import json_feed, xml
from syndicator.model.content import Author, Entry, Feed, Media

from .samples import RICH, SITE, THEN, entry, feed

NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}


def rss(feed: Feed) -> etree._Element:
    return etree.fromstring(xml.rss(feed).document(1000))


def atom(feed: Feed) -> etree._Element:
    return etree.fromstring(xml.atom(feed).document(1000))


def texts(root: etree._Element, path: str) -> list[str]:
    return [
        element if isinstance(element, str) else element.text
        for element in root.xpath(path, namespaces=NAMES)
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("channel/title", ["The Daily: Köln"]),
        ("channel/link", ["https://news.example/"]),
        ("channel/description", ["News & more"]),
        ("channel/language", ["en-GB"]),
        ("channel/generator", ["syndicator"]),
        ("channel/lastBuildDate", ["Thu, 15 Jan 2026 06:39:13 GMT"]),
        (
            "channel/image/*",
            ["https://news.example/logo.png", "The Daily: Köln", "https://news.example/"],
        ),
        (
            "channel/atom:link[@rel='self']/@href",
            ["https://feeds.example/category/k%C3%B6ln%20news.rss"],
        ),
        (
            "channel/atom:link[@rel='hub']/@href",
            ["https://feeds.example/hub", "https://hub.example/"],
        ),
        ("channel/item/title", ["Shots & “silence” at <Köln>"]),
        ("channel/item/link", ["https://news.example/shot/"]),
        ("channel/item/guid", ["https://news.example/2026/01/15/shot"]),
        ("channel/item/guid/@isPermaLink", ["false"]),
        ("channel/item/pubDate", ["Thu, 15 Jan 2026 05:39:13 GMT"]),
        ("channel/item/atom:updated", ["2026-01-15T06:39:13+00:00"]),
        ("channel/item/description", ["A man &lt; 40 &amp; a dog"]),
        ("channel/item/content:encoded", [RICH.content]),
        ("channel/item/dc:creator", ["newsdesk", "Zoë"]),
        ("channel/item/dc:language", ["de"]),
        ("channel/item/author", []),
        ("channel/item/category", ["News", "Köln", "dog"]),
        ("channel/item/enclosure/@url", ["https://news.example/a.mp3"]),
        ("channel/item/enclosure/@length", ["5"]),
        ("channel/item/enclosure/@type", ["audio/mpeg"]),
        (
            "channel/item/media:content/@url",
            ["https://news.example/i.jpg", "https://news.example/b.mp4"],
        ),
        ("channel/item/media:content/@medium", ["image", "video"]),
        ("channel/item/media:content/@fileSize", ["1234"]),
        ("channel/item/media:content/@type", ["image/jpeg", "video/mp4"]),
        ("channel/item/media:thumbnail/@url", ["https://news.example/i.jpg"]),
        ("//media:group", []),
    ],
)
def test_every_field_of_rss(path: str, expected: list[str]) -> None:
    """RSS 2.0 with content, Dublin Core, Media RSS, Atom's links and `updated`. Titles are text."""
    assert expected == texts(rss(feed(RICH)), path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("atom:id", ["https://feeds.example/category/k%C3%B6ln%20news.atom"]),
        ("atom:title", ["The Daily: Köln"]),
        ("atom:subtitle", ["News & more"]),
        ("atom:updated", ["2026-01-15T06:39:13+00:00"]),
        ("atom:author/atom:name", ["The Desk"]),
        ("atom:author/atom:uri", ["https://news.example/desk"]),
        ("atom:generator", ["syndicator"]),
        ("atom:icon", ["https://news.example/icon.png"]),
        ("atom:logo", ["https://news.example/logo.png"]),
        ("@xml:lang", ["en-GB"]),
        ("atom:link[@rel='self']/@href", ["https://feeds.example/category/k%C3%B6ln%20news.atom"]),
        ("atom:link[@rel='hub']/@href", ["https://feeds.example/hub", "https://hub.example/"]),
        ("atom:link[@rel='alternate']/@href", ["https://news.example/"]),
        ("atom:entry/atom:id", ["https://news.example/2026/01/15/shot"]),
        ("atom:entry/atom:title", ["Shots &amp; “silence” at &lt;Köln&gt;"]),
        ("atom:entry/atom:title/@type", ["html"]),
        ("atom:entry/atom:summary", ["A man < 40 & a dog"]),
        ("atom:entry/atom:summary/@type", []),
        ("atom:entry/atom:content", [RICH.content]),
        ("atom:entry/atom:content/@type", ["html"]),
        ("atom:entry/atom:published", ["2026-01-15T05:39:13+00:00"]),
        ("atom:entry/atom:updated", ["2026-01-15T06:39:13+00:00"]),
        ("atom:entry/atom:author/atom:name", ["newsdesk", "Zoë"]),
        ("atom:entry/atom:author/atom:email", ["desk@news.example"]),
        ("atom:entry/atom:category/@term", ["News", "Köln", "dog"]),
        ("atom:entry/@xml:lang", ["de"]),
        (
            "atom:entry/atom:link[@rel='alternate'][@type='text/html']/@href",
            ["https://news.example/shot/"],
        ),
        (
            "atom:entry/atom:link[@rel='enclosure']/@href",
            ["https://news.example/a.mp3", "https://news.example/b.mp4"],
        ),
        ("atom:entry/atom:link[@rel='enclosure']/@length", ["5"]),
        ("atom:entry/atom:link[@rel='enclosure']/@type", ["audio/mpeg", "video/mp4"]),
        ("atom:entry/media:content/@url", ["https://news.example/i.jpg"]),
        ("atom:entry/media:thumbnail/@url", ["https://news.example/i.jpg"]),
    ],
)
def test_every_field_of_atom(path: str, expected: list[str]) -> None:
    """RFC 4287 with Media RSS. Text that looks like markup is written as HTML."""
    assert expected == texts(atom(feed(RICH)), path)


def test_a_guid_is_a_permalink_only_when_it_is_the_address() -> None:
    """A reader may open a guid that is marked as one (RSS 2.0, guid)."""
    root = rss(
        feed(
            entry(1),
            entry(2, id="42"),
            entry(3, url="https://news.example/ü", id="https://news.example/ü"),
        )
    )
    assert texts(root, "channel/item/guid/@isPermaLink") == ["true", "false", "true"]


def test_titles_follow_the_rss_profile() -> None:
    """`&` and `<` as hexadecimal references, which no reader decodes twice."""
    data = xml.rss(feed(entry(title="Q&A: <b> & &amp;"))).document(1000)
    assert b"<title>Q&#x26;A: &#x3C;b&gt; &#x26; &#x26;amp;</title>" in data


def test_an_entry_without_text_or_title() -> None:
    """It has its summary if the feed has no more, and its address as the title."""
    bare = feed(entry(content="", title="", summary="Only this"))
    assert texts(rss(bare), "channel/item/description") == ["Only this"]
    assert texts(rss(bare), "channel/item/content:encoded") == []
    assert texts(atom(bare), "atom:entry/atom:summary") == ["Only this"]
    assert texts(atom(bare), "atom:entry/atom:content") == []
    assert texts(atom(bare), "atom:entry/atom:title") == ["https://news.example/0"]


def test_a_feed_without_entries_has_a_fixed_date() -> None:
    """None in RSS; Atom requires one, and the current time would change at each build."""
    assert texts(rss(feed()), "channel/lastBuildDate") == []
    assert texts(atom(feed()), "atom:updated") == ["2005-12-01T00:00:00+00:00"]


def test_atom_always_has_an_author() -> None:
    """The entry's, else the feed's, else the site by its title (RFC 4287 §4.1.1)."""
    nobody = replace(feed(entry()), site=replace(SITE, authors=()))
    assert texts(atom(nobody), "atom:author/atom:name") == ["The Daily"]
    assert texts(atom(nobody), "atom:entry/atom:author") == []


def test_rss_has_no_enclosure_without_length_and_type() -> None:
    """Both are required; Media RSS has the others."""
    unknown = feed(entry(enclosures=(Media(url="https://news.example/a.mp3", type="audio/mpeg"),)))
    assert texts(rss(unknown), "//enclosure") == []
    assert texts(rss(unknown), "channel/item/media:content/@url") == ["https://news.example/a.mp3"]


def test_times_are_utc_and_whole_seconds() -> None:
    """From any zone; RFC 822 has no fractions, and all formats must agree."""
    when = datetime(2026, 1, 15, 1, 2, 3, 999_999, timezone(timedelta(hours=5)))
    there = feed(entry(published=when, updated=when))
    assert texts(rss(there), "channel/item/pubDate") == ["Wed, 14 Jan 2026 20:02:03 GMT"]
    assert texts(atom(there), "atom:entry/atom:updated") == ["2026-01-14T20:02:03+00:00"]


@pytest.mark.parametrize("render", [xml.rss, xml.atom])
def test_a_document_is_cut_where_its_entries_are(render: Any) -> None:
    """Whatever text looks like a cut, and however many entries are left."""
    tricky = "</channel></rss></feed><item><entry><entry xml:lang='x'>&lt;item&gt;"
    large_feed = feed(*(entry(n, title=tricky, content=tricky, summary=tricky) for n in range(5)))
    rendered = render(large_feed)
    assert len(rendered.items) == 5
    sizes = [len(rendered.document(rendered.fitting(limit))) for limit in range(0, 20_000, 500)]
    assert all(
        size <= max(limit, sizes[0])
        for size, limit in zip(sizes, range(0, 20_000, 500), strict=True)
    )
    for limit in range(0, 20_000, 500):
        parsed = feedparser.parse(rendered.document(rendered.fitting(limit)))
        assert not parsed.bozo
        assert [item.link for item in parsed.entries] == [
            e.url for e in large_feed.entries[: len(parsed.entries)]
        ]


@pytest.mark.parametrize("render", [xml.rss, xml.atom])
def test_feedparser_reads_the_same_values(render: Any) -> None:
    """The library that most readers use sees the same values in both formats."""
    parsed = feedparser.parse(render(feed(RICH)).document(1000), sanitize_html=False)
    item = parsed.entries[0]
    assert not parsed.bozo
    assert parsed.feed.link == "https://news.example/"
    assert parsed.feed.language == "en-GB"
    assert parsed.feed.updated_parsed[:6] == (2026, 1, 15, 6, 39, 13)
    assert (item.id, item.link) == (RICH.id, RICH.url)
    assert unescape(item.title) == RICH.title
    assert unescape(item.summary) == RICH.summary
    assert item.content[0].value == RICH.content
    assert item.published_parsed[:6] == (2026, 1, 15, 5, 39, 13)
    assert item.updated_parsed[:6] == (2026, 1, 15, 6, 39, 13)
    assert [tag.term for tag in item.tags] == ["News", "Köln", "dog"]
    assert [author.name for author in item.authors if author] == ["newsdesk", "Zoë"]
    assert item.media_content[0]["url"] == "https://news.example/i.jpg"
    assert item.media_thumbnail[0]["url"] == "https://news.example/i.jpg"
    assert item.enclosures[0].href == "https://news.example/a.mp3"


@pytest.mark.parametrize("render", [xml.rss, xml.atom, json_feed.render])
def test_same_input_same_bytes(render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without clock, zone and locale, in many threads; the process's locale is not changed."""
    large_feed = feed(*(replace(RICH, id=f"https://news.example/{n}") for n in range(10)))
    expected = render(large_feed)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    touched: list[Any] = []
    monkeypatch.setattr(locale, "setlocale", lambda *args: touched.append(args))
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(render(large_feed))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4
    assert touched == []


# Every text of an entry has been through `printable` (XML 1.0 §2.2).
PRINTABLE = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters=[*map(chr, {*range(32)} - {9, 10, 13}), "\ufffe", "\uffff"],
    )
)


@settings(max_examples=100)
@given(PRINTABLE, PRINTABLE, PRINTABLE, PRINTABLE, PRINTABLE)
def test_no_text_breaks_a_feed(
    title: str, content: str, summary: str, word: str, identity: str
) -> None:
    """Whatever an author writes, the document parses, with the entry and the id of JSON."""
    odd = entry(
        id=identity,
        title=title,
        content=content,
        summary=summary,
        authors=(Author(name=word),),
        categories=(word,),
        language=word,
    )
    odd_feed = feed(odd, title=title)
    items = [rss(odd_feed).find("channel/item"), atom(odd_feed).find("atom:entry", NAMES)]
    assert [item is not None for item in items] == [True, True]
    assert (
        items[0].findtext("guid")
        == items[1].findtext("atom:id", namespaces=NAMES)
        == json_feed._item(odd)["id"]
    )


@pytest.mark.parametrize("render", [xml.rss, xml.atom])
@pytest.mark.parametrize("field", ["title", "summary", "content", "id", "url"])
def test_what_xml_forbids_is_refused(render: Any, field: str) -> None:
    """With a ValueError, before anything is written."""
    if field in {"id", "url"}:
        assert render(feed(entry(**{field: "https://x.example/\x07"})))  # escaped on the way
    else:
        with pytest.raises(ValueError, match="XML compatible"):
            render(feed(entry(**{field: "a\x07b"})))


def test_then_is_not_whole_seconds() -> None:
    """Otherwise the samples would not show a lost rounding."""
    assert THEN.microsecond


def test_posts_of_one_day_are_set_apart_in_atom() -> None:
    """Posts without a time, by seconds that depend on each id alone; given times are kept."""
    midnight = THEN.replace(hour=22, minute=0, second=0, microsecond=0)
    day = [
        replace(entry(), id=f"https://x.example/{number}", updated=midnight)
        for number in range(300)
    ]
    with_time = [replace(one, updated=THEN) for one in day[:3]]
    some = [replace(entry(), id="https://x.example/other"), *day[:3]]

    def updated(entries: list[Entry]) -> dict[str, str]:
        root = atom(feed(*entries))
        ids, moments = texts(root, "atom:entry/atom:id"), texts(root, "atom:entry/atom:updated")
        return dict(zip(ids, moments, strict=True))

    assert len(set(updated(day).values())) == 300
    assert updated(day[:2]) == {
        id_: when for id_, when in updated(some).items() if id_ in updated(day[:2])
    }
    many = [updated(day[:number]) for number in range(20, 40)]
    kept = [(one.items() & more.items(), one) for one, more in pairwise(many)]
    assert all(len(same) >= len(one) - 2 for same, one in kept)  # two may want the same second
    assert updated(day[:1]) == {day[0].id: midnight.isoformat()}
    assert set(updated(with_time).values()) == {THEN.replace(microsecond=0).isoformat()}


def test_an_entry_without_any_text_has_its_title() -> None:
    """Atom requires content or a summary; in RSS the title is enough."""
    bare = feed(replace(entry(), content="", summary="", title="Bare"))
    assert texts(atom(bare), "atom:entry/atom:summary") == ["Bare"]
    assert texts(rss(bare), "channel/item/description") == []


@pytest.mark.parametrize(
    ("logo", "shown"),
    [
        ("logo.svg", 0),
        ("favicon.ICO", 0),
        ("logo.PNG", 1),
        ("logo.jpeg", 1),
        ("logo", 1),
        ("logo.svg?v=1", 1),
    ],
)
def test_rss_images(logo: str, shown: int) -> None:
    """RSS 2.0 has GIF, JPEG and PNG; Atom any."""
    address = f"https://news.example/{logo}"
    with_logo = replace(feed(entry()), site=replace(SITE, logo=address))
    assert len(rss(with_logo).xpath("channel/image")) == shown
    assert texts(atom(with_logo), "atom:logo") == [address]
