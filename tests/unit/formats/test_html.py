"""The pages for people."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from syndicator.formats import html
from syndicator.model.content import (
    Entry,
    Feed,
    FeedFile,
    FeedSpec,
    Media,
    SiteInfo,
    Term,
    digest_of,
)

BASE = "https://feeds.example.com/daily/"
SITE = SiteInfo(
    title="The Daily", url="https://news.example.com/", description="The Daily Blog", language="sv"
)


def spec(
    name: str = "all", title: str = "The Daily", term: Term | None = None, **changes: object
) -> FeedSpec:
    values: dict[str, object] = {
        "formats": ("rss", "atom", "json"),
        "base": BASE,
        "hubs": ("https://hub.example/",),
    }
    return FeedSpec(
        name=name, title=title, term=term, limit=50, max_bytes=1, full=True, **(values | changes)
    )  # type: ignore[arg-type]


ALL = spec()
NEWS = spec("category/news", "The Daily: News", Term(kind="category", label="News"))


def entry(title: str = "Update: Agent shoots man in the leg", **changes: object) -> Entry:
    when = datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC)
    values: dict[str, object] = {
        "summary": "The City confirmed.",
        "url": "https://news.example.com/update/",
    }
    return Entry(
        id="1", title=title, published=when, updated=when, content="", authors=(), categories=(),
        tags=(),
        **(values | changes),  # type: ignore[arg-type]
    )  # fmt: skip


class Page(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, file: FeedFile) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(file.data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag
            and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]


def feed(*entries: Entry, of: FeedSpec = NEWS, site: SiteInfo = SITE) -> FeedFile:
    return html.feed_page(Feed(spec=of, site=site, updated=None, entries=entries))


def index(
    *entries: Entry, feeds: tuple[FeedSpec, ...] = (ALL, NEWS), site: SiteInfo = SITE
) -> FeedFile:
    return html.index_page(feeds, site, entries, BASE)


def test_paths_of_pages() -> None:
    """Beside the feed's files, and at the root; without hubs."""
    for file, path in ((feed(), "category/news.html"), (index(), "index.html")):
        assert (path, BASE + path, "text/html; charset=utf-8", ()) == (
            file.path,
            file.url,
            file.media_type,
            file.hubs,
        )
        assert file.digest == digest_of(file.data)


def test_same_input_same_bytes() -> None:
    """Without a clock or randomness."""
    assert [feed(entry()), index(entry())] == [feed(entry()), index(entry())]


def test_a_feed_page() -> None:
    """Title, description, the newest entries, and each format's address to copy."""
    file = feed(entry())
    page = Page(file)
    for words in (
        "The Daily: News",
        "New posts in the category News.",
        "15 January 2026",
        "The City confirmed.",
    ):
        assert words in page.text
    assert page.all("time")[0]["datetime"] == "2026-01-15T05:39:13Z"
    assert page.all("a", href="https://news.example.com/update/")
    assert [link["href"] for link in page.all("a", class_="button")] == [
        "news.rss",
        "news.atom",
        "news.json",
    ]
    for suffix in ("rss", "atom", "json"):
        assert page.text.count(NEWS.url(suffix)) == 1
    assert b"feed:" not in file.data.replace(b": feed<", b"")


@pytest.mark.parametrize(
    ("file", "of"),
    [(feed(), NEWS), (index(), ALL), (feed(of=spec(formats=("json",))), spec(formats=("json",)))],
)
def test_autodiscovery(file: FeedFile, of: FeedSpec) -> None:
    """The feed's formats, at their own addresses, with their media types."""
    types = {
        "rss": "application/rss+xml",
        "atom": "application/atom+xml",
        "json": "application/feed+json",
    }
    links = Page(file).all("link", rel="alternate")
    assert [(types[name], of.url(name)) for name in of.formats] == [
        (link["type"], link["href"]) for link in links
    ]


@pytest.mark.parametrize("file", [feed(entry()), index(entry())])
def test_a_page_is_not_a_topic(file: FeedFile) -> None:
    """Without hub and self links: a subscriber to a page would get nothing."""
    assert b"hub" not in file.data
    assert not [link for link in Page(file).all("link") if link["rel"] in ("hub", "self")]


def test_the_index_names_every_feed_and_file() -> None:
    """With OPML for all of them, and the snippet for the site's owner."""
    tag = spec("tag/über uns", "Ü", Term(kind="tag", label="Über uns"))
    page = Page(index(entry(), feeds=(ALL, NEWS, tag)))
    links = {link["href"] for link in page.all("a")}
    for name in ("category/news", "tag/%C3%BCber%20uns"):
        assert {f"{name}.{suffix}" for suffix in ("html", "rss", "atom", "json")} <= links
    assert {"all.html", "all.rss", "feeds.opml", SITE.url} <= links
    snippet = (
        f'<link rel="alternate" type="application/rss+xml" title="The Daily (RSS)" '
        f'href="{BASE}all.rss">'
    )
    assert snippet in page.text


@pytest.mark.parametrize(("of", "up"), [(ALL, ""), (NEWS, "../"), (spec("a/b/c"), "../../")])
def test_pages_link_each_other_by_relative_addresses(of: FeedSpec, up: str) -> None:
    """The folder works below any path, in a bucket and from a disk."""
    assert f"{up}index.html" in {link["href"] for link in Page(feed(of=of)).all("a")}


def test_a_colon_in_a_name_is_not_a_scheme() -> None:
    """`a:b.rss` alone would be an address of the scheme `a`."""
    buttons = Page(feed(of=spec("tag/javascript:x"))).all("a", class_="button")
    assert buttons[0]["href"] == "javascript%3Ax.rss"


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "]]>", "&lt;b>"],
)
def test_hostile_text_is_escaped(hostile: str) -> None:
    """In a title, a summary, a category or the site's name."""
    site = replace(SITE, title=hostile, description=hostile, language=hostile)
    term = Term(kind="category", label=hostile)
    picture = Media(url=f"https://news.example.com/{hostile}", alt=hostile)
    entries = [
        entry(
            hostile,
            summary=hostile,
            language=hostile,
            image=picture,
            url=f"https://x.example/{hostile}",
        )
    ]
    of = spec("category/x", hostile, term)
    plain = [
        feed(entry(image=Media(url="https://news.example.com/x"))),
        index(entry(image=Media(url="https://news.example.com/x"))),
    ]
    files = [
        feed(*entries, of=of, site=site),
        index(*entries, feeds=(spec(title=hostile), of), site=site),
    ]
    for file, usual in zip(files, plain, strict=True):
        page = Page(file)
        assert hostile in page.text
        assert "49" not in page.text.replace("149", "")
        assert {tag for tag, _ in page.elements} == {tag for tag, _ in Page(usual).elements}
        assert len(page.all("script")) == 1
        assert not [
            key for _, attributes in page.elements for key in attributes if key.startswith("on")
        ]


def test_no_requests_to_other_hosts() -> None:
    """Pictures are on the site's hosts; style and script are inline, allowed by digest."""
    pictures = [
        "https://news.example.com/a.jpg",
        f"{BASE}b.jpg",
        "https://static.news.example.com:8443/e.jpg",
        "https://cdn.example.com/f.jpg",
        "https://x; script-src *.news.example.com/g.jpg",
        "https://tracker.example/c.gif",
        "http://[",
        "javascript:alert(1)",
        "https://news.example.com.evil.example/d.jpg",
    ]
    file = feed(*(entry(image=Media(url=url)) for url in pictures))
    page = Page(file)
    assert [image["src"] for image in page.all("img")] == pictures[:3]
    assert all(image["loading"] == "lazy" for image in page.all("img"))
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"] or ""
    origins = (
        "https://feeds.example.com https://news.example.com https://static.news.example.com:8443"
    )
    assert f"default-src 'none'; img-src data: {origins}; style-src" in policy
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", file.data.decode(), re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


def test_only_the_newest_are_shown() -> None:
    """A page is a preview of the feed."""
    entries = [entry(f"Post {number}") for number in range(50)]
    assert len(Page(feed(*entries)).all("time")) == html.MAX_ENTRIES


def test_an_empty_feed_says_so() -> None:
    """It can be followed all the same."""
    assert "There are no posts yet" in Page(feed()).text
    assert "There are no feeds yet" in Page(index(feeds=())).text


def test_language_of_entries() -> None:
    """The entry's, else the site's, for hyphens, voices and fonts; the page is in English."""
    page = Page(feed(entry(), entry(language="fr")))
    assert [text["lang"] for text in page.all("div", class_="text")] == ["sv", "fr"]
    assert page.all("html")[0]["lang"] == "en"


@pytest.mark.parametrize(
    "page",
    [
        html.message_page("A <title>", "A <text>", home='https://a.example/"x"/'),
        html.hub_page(home='https://a.example/"x"/'),
    ],
)
def test_a_message_allows_its_style_only(page: bytes) -> None:
    """No script, no canonical address, and everything escaped."""
    text = page.decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "script-src" not in policy[1]
    assert "default-src &#39;none&#39;" in policy[1]
    assert "<script" not in text
    assert "canonical" not in text
    assert 'href="https://a.example/&#34;x&#34;/"' in text
    assert "<title>A <title>" not in text
    assert "<text>" not in text
