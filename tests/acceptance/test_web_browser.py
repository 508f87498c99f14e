"""The pages in a real browser: finding a feed, copying its address, reading a post."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from chromium import CONTRASTS, PROGRAM, Chromium
from healthy import HEALTHY
from msgspec.structs import replace
from starlette.responses import HTMLResponse
from starlette.routing import Route

from syndicator.formats import html
from syndicator.model.content import Entry, Feed, FeedSpec, Media, SiteInfo, Term
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue, PublishedFile
from syndicator.web.server import Server

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

WHEN = datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC)
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3"/></svg>'
)


def published(path: str, media_type: str, data: bytes, page: str | None = None) -> PublishedFile:
    return PublishedFile(
        path=path, media_type=media_type, updated=WHEN, digest=f"{path}{len(data)}", link=None,
        page=page, bodies={"identity": data},
    )  # fmt: skip


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A site of one post, its feeds and pages, served below a path of its own."""
    catalogue = Catalogue(max_age=60, home="/feeds/")
    app = make_app(
        catalogue,
        health=HEALTHY,
        on_request=lambda _status, _suffix, _scope: None,
        routes=[Route("/feeds/hub", lambda _: HTMLResponse(html.hub_page(home="/feeds/")))],
    )
    server = Server(app, ("127.0.0.1", 0))
    server.start()
    base = f"http://127.0.0.1:{server.port}/feeds/"
    site = SiteInfo(title="The Daily", url=base, description="The Daily Blog", language="en")
    entry = Entry(
        id="1", url=f"{base}post.html", title="The river came back", published=WHEN, updated=WHEN,
        content="", summary="A long word: " + "heron" * 40,
        authors=(), categories=("News",), tags=(),
        image=Media(url=f"{base}picture.svg"),
    )  # fmt: skip
    specs = [
        FeedSpec(
            name=name, title=title, term=term, formats=("rss", "atom", "json"), base=base, hubs=(),
            limit=50, max_bytes=1, full=True,
        )
        for name, title, term in (
            ("all", "The Daily", None),
            ("category/news", "The Daily: News", Term(kind="category", label="News")),
        )
    ]  # fmt: skip
    missing = [Media(url=f"{base}missing.png"), Media(url=f"{base}lost.png", alt="A grey heron")]
    pictures = [replace(entry, id=each.url, image=each) for each in missing]
    broken = Feed(
        spec=replace(specs[0], name="broken"), site=site, updated=WHEN, entries=(*pictures,)
    )
    pages = [html.index_page(specs, site, [entry], base), html.feed_page(broken)]
    pages += [
        html.feed_page(Feed(spec=spec, site=site, updated=WHEN, entries=(entry,))) for spec in specs
    ]
    catalogue.update(
        [
            *(published(page.path, page.media_type, page.data) for page in pages),
            published(
                "category/news.rss",
                "application/rss+xml; charset=utf-8",
                b"<rss/>",
                "category/news.html",
            ),
            published("post.html", "text/html; charset=utf-8", b"<title>The post</title>"),
            published("picture.svg", "image/svg+xml", PICTURE),
        ]
    )
    yield base
    server.stop()


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    window = Chromium(tmp_path_factory.mktemp("profile"))
    window.do(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    yield window
    window.close()


@pytest.fixture
def browser(window: Chromium) -> Chromium:
    window.requests.clear()
    window.complaints.clear()
    return window


def test_from_the_index_to_a_feed_to_a_post(browser: Chromium, base: str) -> None:
    """Three clicks, one of them copies the address; no request leaves the site."""
    browser.open(base)
    assert browser.ask("document.title") == "The Daily: feeds"
    browser.click('.feeds a[href="category/news.html"]')
    browser.wait(lambda: browser.address() == f"{base}category/news.html")
    browser.wait(lambda: browser.ask("document.readyState") == "complete")
    browser.click('[data-copy="address-rss"]')
    browser.wait(
        lambda: browser.ask("document.querySelector('[data-copy]').textContent") == "Copied"
    )
    browser.do("Page.bringToFront")
    assert browser.ask("navigator.clipboard.readText()") == f"{base}category/news.rss"
    browser.wait(lambda: browser.ask("document.querySelector('.entry img').naturalWidth") > 0)
    browser.click(".entry h3 a")
    browser.wait(lambda: browser.address() == f"{base}post.html")
    assert {url for url in browser.requests if not url.startswith(("data:", base))} == set()
    assert [text for text in browser.complaints if "favicon" not in text] == []


def test_a_picture_that_cannot_load_leaves_no_frame(browser: Chromium, base: str) -> None:
    """It has no size. With an alt text, Chromium's icon of 16 pixels is left, and covered."""
    browser.open(f"{base}broken.html")
    images = "[...document.querySelectorAll('.picture img')]"
    widths = f"{images}.map(image => image.getBoundingClientRect().width)"
    browser.wait(lambda: browser.ask(widths) == [0, 16])
    cover = browser.ask(f"getComputedStyle({images}[1], '::after').backgroundColor")
    assert cover == browser.ask("getComputedStyle(document.body).backgroundColor")
    browser.open(base)
    browser.wait(lambda: browser.ask(f"{images}[0].naturalWidth") > 0)
    assert browser.ask(f"{images}[0].getBoundingClientRect().width") > 80


def test_a_feed_opened_in_a_browser_is_its_page(browser: Chromium, base: str) -> None:
    """With a note on what to do with the address."""
    browser.open(f"{base}category/news.rss")
    browser.wait(lambda: browser.address() == f"{base}category/news.html#rss")
    assert (
        browser.ask("getComputedStyle(document.querySelector('#rss .opened')).display") == "block"
    )
    assert (
        browser.ask("getComputedStyle(document.querySelector('#atom .opened')).display") == "none"
    )
    assert browser.ask("scrollY") == 0


def test_a_program_in_a_browser_gets_the_feed(browser: Chromium, base: str) -> None:
    """A reader that is a web page or an extension gets the feed's bytes."""
    browser.open(base)
    browser.do("Page.setBypassCSP", enabled=True)
    browser.open(base)
    assert browser.ask("fetch('category/news.rss').then(r => r.text())") == "<rss/>"
    browser.do("Page.setBypassCSP", enabled=False)


@pytest.mark.parametrize("page", ["category/nothing.html", "hub"])
def test_a_page_without_a_feed_leads_to_the_feeds(browser: Chromium, base: str, page: str) -> None:
    """In the look of the others: its policy allows its style. No request leaves the site."""
    browser.open(f"{base}{page}")
    assert browser.ask("getComputedStyle(document.querySelector('.top nav a')).display") == (
        "inline-flex"
    )
    assert browser.ask("document.documentElement.scrollWidth") <= browser.ask("innerWidth")
    assert browser.ask(CONTRASTS) == []
    browser.click(".top nav a")
    browser.wait(lambda: browser.address() == base)
    assert {url for url in browser.requests if not url.startswith(("data:", base))} == set()
    assert [text for text in browser.complaints if "status of 404" not in text] == []


def test_without_scripts(browser: Chromium, base: str) -> None:
    """The page is complete, without the buttons that need a script."""
    browser.do("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{base}category/news.html")
    assert browser.ask("document.querySelectorAll('.copy:not([hidden])').length") == 0
    assert browser.ask("getComputedStyle(document.querySelector('.copy')).display") == "none"
    assert (
        browser.ask("document.getElementById('address-rss').innerText")
        == f"{base}category/news.rss"
    )
    browser.click("details summary")
    browser.wait(lambda: browser.ask("document.querySelector('details').open"))
    browser.do("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("page", ["", "category/news.html"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(
    browser: Chromium, base: str, page: str, width: int
) -> None:
    """From a small phone to a desktop, with long words and all details open."""
    browser.do(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 600,
    )
    browser.open(f"{base}{page}")
    browser.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.ask("document.documentElement.scrollWidth") <= width
    browser.do("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize(("width", "beside"), [(390, False), (800, False), (1600, True)])
def test_other_feeds_stand_beside_the_newest_posts(
    browser: Chromium, base: str, width: int, beside: bool
) -> None:
    """On a wide screen. On a narrow one they come after the posts."""
    browser.do(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=800, deviceScaleFactor=1, mobile=width < 600,
    )  # fmt: skip
    browser.open(base)
    box = "document.querySelector('{}').getBoundingClientRect()"
    groups, posts = box.format(".groups"), box.format("[aria-labelledby=newest]")
    assert browser.ask(f"{groups}.left >= {posts}.right") == beside
    assert browser.ask(f"{groups}.top >= {posts}.bottom") == (not beside)
    assert browser.ask(f"{groups}.top >= {box.format('aside')}.bottom")
    browser.do("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser: Chromium, base: str, scheme: str) -> None:
    """A contrast of at least 4.5 for every text, light and dark (WCAG 2.2, 1.4.3)."""
    preferences = {
        "prefers-color-scheme": scheme,
        "prefers-reduced-motion": "reduce",
    }  # no colour transition in progress
    features = [{"name": name, "value": value} for name, value in preferences.items()]
    browser.do("Emulation.setEmulatedMedia", features=features)
    browser.open(f"{base}category/news.html#rss")
    browser.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.ask(CONTRASTS) == []
    dark = browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(20, 21, 23)"
    assert dark == (scheme == "dark")
    browser.do("Emulation.setEmulatedMedia", features=[])
