"""The operator's page in a real browser: on each screen, live, without script, without a mouse."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from chromium import CONTRASTS, PROGRAM, Chromium
from healthy import HEALTHY
from msgspec.structs import replace
from overviews import OVERVIEWS

from syndicator.errors import StateError
from syndicator.inspection import Overview
from syndicator.web.catalogue import Catalogue, FeedCatalogue
from syndicator.web.health import admin_app
from syndicator.web.server import Server

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")


class Page:
    """A server of the page, with the overview that a test sets."""

    def __init__(self) -> None:
        self.overview: Overview | None = OVERVIEWS["healthy"]
        health = replace(HEALTHY, overview=self._read)
        app = FeedCatalogue(
            Catalogue(max_age=0), admin_app(health, ["127.0.0.1"]), on_request=lambda *_: None
        )
        self.server = Server(app, ("127.0.0.1", 0))
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}/"

    def _read(self) -> Overview:
        if self.overview is None:
            raise StateError("/var/x.db is locked", hint="end the program that holds it")
        return self.overview


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setattr("syndicator.web.health._CACHED_SECONDS", 0)
    page = Page()
    yield page
    page.server.stop()


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    window = Chromium(tmp_path_factory.mktemp("profile"))
    yield window
    window.close()


@pytest.fixture
def browser(window: Chromium) -> Iterator[Chromium]:
    window.requests.clear()
    window.complaints.clear()
    yield window
    window.do("Emulation.clearDeviceMetricsOverride")
    window.do("Emulation.setEmulatedMedia", features=[])
    window.do("Emulation.setScriptExecutionDisabled", value=False)


def headline(browser: Chromium) -> str:
    return str(browser.ask("document.querySelector('h1').textContent"))


#: Ask for the page at once, as the script does when its tab is shown.
REFRESH = "document.dispatchEvent(new Event('visibilitychange'))"


#: Wait until what changed is drawn.
FRAME = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"

#: Record each part that moves by itself (https://web.dev/articles/cls).
OBSERVE = """
  window.shifts = [];
  new PerformanceObserver(list => window.shifts.push(...list.getEntries()))
    .observe({type: "layout-shift", buffered: true});
"""


def shift(browser: Chromium, since: float) -> float:
    """How far parts of the page have moved since then, in milliseconds of its own clock."""
    browser.ask(FRAME)
    moved = f"window.shifts.filter(each => each.startTime > {since}).map(each => each.value)"
    return sum(browser.ask(moved))


def test_the_page_is_live(browser: Chromium, page: Page) -> None:
    """Only what differs changes: focus and open details stay, and nothing moves.

    All requests go to the operator's address, and the policy forbids nothing of the page.
    """
    page.overview = troubled = OVERVIEWS["troubled"]
    browser.do("Page.addScriptToEvaluateOnNewDocument", source=OBSERVE)
    browser.open(page.url)
    # Times get the reader's zone, on a busy machine after they were drawn.
    assert shift(browser, since=0) < 0.001
    browser.ask("document.querySelector('#notes summary').click()")
    browser.ask("document.querySelector('tbody th a').focus()")
    browser.ask(FRAME)
    opened = browser.ask("performance.now()")
    feeds = troubled.status.feeds
    status = replace(troubled.status, feeds=(replace(feeds[0], entries=7), *feeds[1:]))
    page.overview = replace(troubled, status=status)
    browser.ask(REFRESH)
    entries = "document.querySelector('tbody td.number:nth-child(2)').textContent"
    browser.wait(lambda: browser.ask(entries) == "7 entries")
    assert browser.ask("document.activeElement.textContent") == "tag/0"
    assert browser.ask("document.querySelector('#notes').open")
    assert shift(browser, since=opened) < 0.001  # the number itself is narrower
    assert {url for url in browser.requests if not url.startswith(("data:", page.url))} == set()
    assert browser.complaints == []


def test_the_daemon_ends_and_comes_back(browser: Chromium, page: Page) -> None:
    """The page says that it is old. A state that can't be read is on the page."""
    browser.open(page.url)
    browser.ask("window.answer = fetch; window.fetch = () => Promise.reject(new Error())")
    browser.ask(REFRESH)
    lost = "document.querySelector('[role=status]').textContent"
    browser.wait(lambda: browser.ask(lost) == "The daemon doesn’t answer. What follows is old.")
    assert headline(browser) == "All is well"
    page.overview = None
    browser.ask(f"window.fetch = window.answer; {REFRESH}")
    browser.wait(lambda: headline(browser) == "The state can’t be read")
    assert browser.ask(lost) == ""
    page.overview = OVERVIEWS["healthy"]
    browser.ask(REFRESH)
    browser.wait(lambda: headline(browser) == "All is well")
    assert browser.ask("document.title") == "All is well · syndicator"


def test_without_script(browser: Chromium, page: Page) -> None:
    """The page is complete."""
    browser.do("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page.url)
    assert headline(browser) == "All is well"
    assert browser.ask("document.querySelectorAll('.area[d]:not([d=\"\"])').length") == 6
    assert browser.ask("document.querySelector('#lost').getBoundingClientRect().height") == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_wider_than_the_screen(browser: Chromium, page: Page, width: int) -> None:
    """From a small phone to a desktop, with long paths and many problems, and with nothing."""
    browser.do(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=800, deviceScaleFactor=1, mobile=width < 600,
    )  # fmt: skip
    for page.overview in OVERVIEWS.values():
        browser.open(page.url)
        browser.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert browser.ask("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_plots_stand_out(browser: Chromium, page: Page, scheme: str) -> None:
    """A contrast of 4.5 for text and of 3 for plots (WCAG 2.2, 1.4.3 and 1.4.11)."""
    page.overview = OVERVIEWS["troubled"]
    preferences = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in preferences.items()]
    browser.do("Emulation.setEmulatedMedia", features=features)
    browser.open(page.url)
    browser.ask("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.ask(CONTRASTS) == []
    fills = "[...document.querySelectorAll('.area, .failures')].map(e => getComputedStyle(e).fill)"
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert min(contrast(fill, paper) for fill in browser.ask(fills)) >= 3


def test_everything_has_a_name(browser: Chromium, page: Page) -> None:
    """Plots, tables and parts, as a screen reader finds them. There is one h1, no level skipped."""
    browser.open(page.url)
    tree = browser.do("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"]
    }
    roles = ("image", "region", "link", "heading", "columnheader", "rowheader")
    assert {role for role, name in named if role in roles and not name} == set()
    assert ("region", "The last day") in named
    assert any(
        role == "image" and name.startswith("Deliveries in the last day: at most")
        for role, name in named
    )
    levels = browser.ask(
        "[...document.querySelectorAll('h1,h2,h3')].map(each => Number(each.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_by_keyboard(browser: Chromium, page: Page) -> None:
    """Each link can be reached, and shows that it has the focus."""
    browser.open(page.url)
    links = browser.ask("document.querySelectorAll('a, summary').length")
    seen = set()
    for _ in range(links):
        for kind in ("keyDown", "keyUp"):
            browser.do(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        seen.add(browser.ask("document.activeElement.href"))
        assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert len(seen) == links


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like `rgb(1, 2, 3)` (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
