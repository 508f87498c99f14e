"""What the operator's page shows, and what it never shows."""

import re
from html import unescape

import pytest
from msgspec.structs import replace
from overviews import HEALTHY, OVERVIEWS, SECRET, URL

from syndicator.errors import StateError
from syndicator.web import operator_page


def text_of(page: bytes) -> str:
    """What a person reads: without tags, style and script."""
    html = re.sub(r"(?s)<(style|script)>.*?</\1>", "", page.decode())
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_what_is_looked_for_is_there() -> None:
    """Runs, feeds with their sizes, hubs, subscribers, what waits, and the daemon."""
    text = text_of(operator_page.page(OVERVIEWS["healthy"]))
    for part in (
        "All is well",
        "20,412 posts in 5 feeds at news.example/feeds , changed 3 minutes ago .",
        "20,412 posts (1 new); 4 of 5 feeds changed; 12 pings queued 0.08 s",
        "category/news changed 15 minutes ago 50 entries 130.2 KiB 300 subscribers",
        "hub.example Nothing queued Pinged 3 minutes ago , fetched 3 minutes ago",
        "all.rss delivered 3 minutes ago 812 3",
        "The island ferry appears in 3 hours",
        "3 deliveries queued",
        "process 4711 on harbour",
        "https://git.example/harbour/site.git, branch main commit 5ab35ab35ab3, fetched 4 minutes",
        "No post has a problem.",
    ):
        assert part in text


def test_trouble_comes_first() -> None:
    """What needs attention is the headline. Problems stand by file, with their hints."""
    text = text_of(operator_page.page(OVERVIEWS["troubled"]))
    assert "2 things need attention push.example/hub: 6 pings given up: it answered 503" in text
    assert "Failed now : /srv/feeds can't be written to: no space left free some space" in text
    assert "<b>0</b>.md the front matter is not valid YAML: mapping values" in text
    assert (
        "line 1 the front matter is not valid YAML: mapping values are not allowed here quote"
        in text
    )
    assert "Failed 1 minute ago : it answered 503 6 pings given up" in text
    assert "failing, first 1 hour ago : <b>https://git.example/harbour/site.git</b>: it " in text
    assert "went out, but its page is not live, since 2 hours ago https://x.example/0/" in text
    assert "<b>11</b>" not in text.partition("Waiting")[2]
    assert "2 more posts until live" in text


def test_no_secret_is_shown() -> None:
    """A hub's address may hold a password or a token."""
    assert SECRET.encode() not in operator_page.page(OVERVIEWS["troubled"])


def test_long_lists_are_cut() -> None:
    """The page stays small with any number of feeds and problems, and says what is left out."""
    page = operator_page.page(OVERVIEWS["troubled"])
    assert len(page) < 100_000
    assert "150 more: syndicator status lists all." in text_of(page)
    assert "70 more: syndicator status lists all." in text_of(page)


def test_long_texts_are_cut() -> None:
    """A title may be as long as its post's front matter."""
    (post,) = HEALTHY.future
    status = replace(HEALTHY, future=(replace(post, title="<b>" * 100_000),))
    page = operator_page.page(replace(OVERVIEWS["healthy"], status=status))
    assert page.count(b"&lt;b&gt;") == operator_page.MAX_TEXT / len("<b>")


def test_nothing_is_there_yet() -> None:
    """The page of a new daemon says so, in each of its parts."""
    text = text_of(operator_page.page(OVERVIEWS["new"]))
    for part in (
        "Nothing is published yet",
        "No run has changed anything yet.",
        "There are no feeds yet.",
        "No hub was pinged yet.",
        "No jobs queued",
    ):
        assert part in text


def test_the_state_can_not_be_read() -> None:
    """The page has the reason and what to do."""
    error = StateError("/var/x.db is full", hint="free some space")
    text = text_of(operator_page.failure_page(error))
    assert "The state can’t be read /var/x.db is full: free some space" in text


@pytest.mark.parametrize("name", OVERVIEWS)
def test_no_style_or_handler_that_the_policy_forbids(name: str) -> None:
    """Style and script are allowed by their digests: an attribute would have no effect."""
    page = operator_page.page(OVERVIEWS[name]).decode()
    assert not re.search(r"<[^>]* (style|on\w+)=", page)
    assert "frame-ancestors 'none'" in operator_page.HEADERS["content-security-policy"]


def test_a_feed_without_a_page() -> None:
    """Its name leads to the page of all feeds."""
    feed = replace(HEALTHY.feeds[0], urls={})
    status = replace(HEALTHY, feeds=(feed,))
    page = operator_page.page(replace(OVERVIEWS["healthy"], status=status)).decode()
    assert f'<a dir="auto" href="{URL}">all</a>' in page
