"""Rounds of requests for pages, against a real server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from builds import NOW, a_state, head, post_row, store
from msgspec.structs import replace
from site_pages import Page, PageServer
from support import Clock

from syndicator.live.asker import AT_ONCE, PAUSE, PageAsker
from syndicator.live.asking import PAGE_LIMIT
from syndicator.live.decision import ROUND
from syndicator.model.awaited import AwaitedPage, LiveRules, PageAnswer
from syndicator.outbound.client import Client
from syndicator.store import awaited_pages
from syndicator.store.database import Database

LIVE = LiveRules(wanted=True, trusted_hosts=frozenset({"127.0.0.1"}))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with a_state(tmp_path) as state:
        yield state


def wait_for(database: Database, *urls: str) -> None:
    """Await these pages, each of a post of its own."""
    rows = [
        post_row(f"{n:03}.md", head=head(f"{n:03}.md")._replace(url=url), held=True)
        for n, url in enumerate(urls)
    ]
    store(database, *rows)
    with database.begin() as connection:
        awaited_pages.put(
            connection, [(row.stat.path, row.head.url, NOW) for row in rows if row.head]
        )


def pages(database: Database) -> dict[str, AwaitedPage]:
    with database.read() as connection:
        return {page.path: page for page in awaited_pages.all_pages(connection)}


@contextmanager
def an_asker(database: Database, clock: Clock, rules: LiveRules = LIVE) -> Iterator[PageAsker]:
    timeout = timedelta(seconds=5)
    client = Client(user_agent="test", timeout=timeout, stranger_timeout=timeout)
    with closing(PageAsker(database, client, rules, clock)) as asker:
        yield asker


def test_a_round_is_small(database: Database) -> None:
    """A few requests at a time, and few in a round. Those of the next round follow later."""
    clock = Clock(NOW)
    with PageServer(delay=0.01) as site, an_asker(database, clock) as asker:
        wait_for(database, *(f"{site.url}/{number}" for number in range(ROUND + 5)))
        found = asker.round()
        assert (found.asked, found.live, found.again, found.changed) == (ROUND, 0, False, False)
        assert found.next_at == NOW + PAUSE
        assert site.at_once <= AT_ONCE
        first = set(site.take())
        clock.now = found.next_at
        asker.round()
        assert len(set(site.take()) - first) == 5, "those that were not asked for come first"


def test_a_live_page_is_followed_by_the_others(database: Database) -> None:
    """A site is often published as a whole: rounds follow at once while pages are live."""
    clock = Clock(NOW)
    paths = [f"/{number}" for number in range(2 * ROUND)]
    with PageServer() as site, an_asker(database, clock) as asker:
        wait_for(database, *(site.url + path for path in paths))
        asker.round()
        clock.forward(seconds=2)
        site.pages |= dict.fromkeys(paths, Page())
        rounds = [asker.round(), asker.round()]
        assert [(found.live, found.again, found.changed) for found in rounds] == [
            (ROUND, True, True),
            (ROUND, False, True),
        ]
    assert all(page.live for page in pages(database).values())


def test_a_host_that_is_down_is_not_asked_for_each_page(database: Database) -> None:
    """The pages of a round share the error."""
    with PageServer() as site:
        url = site.url
    clock = Clock(NOW)
    with an_asker(database, clock) as asker:
        wait_for(database, *(f"{url}/{number}" for number in range(10)))
        assert asker.round().next_at == NOW + PAUSE
    found = pages(database).values()
    assert {page.answer for page in found} == {"it refused the connection"}
    assert {page.asked for page in found} == {NOW}


def test_a_host_that_asks_for_a_pause_gets_it(database: Database) -> None:
    clock = Clock(NOW)
    busy = Page(503, {"Retry-After": "60"})
    minute = NOW + timedelta(minutes=1)
    with PageServer(default=busy) as site, an_asker(database, clock) as asker:
        wait_for(database, f"{site.url}/a")
        assert asker.round().next_at == minute
        clock.forward(seconds=30)
        assert (asker.round().asked, asker.round().next_at) == (0, minute)
        clock.now = minute
        assert asker.round().asked == 1


def test_a_redirect_reaches_no_other_host(database: Database) -> None:
    """Nor another port of the same one; to the page's own address with a slash it is followed."""
    with PageServer(default=Page()) as other, PageServer() as site:
        site.pages = {
            "/a": Page(301, {"Location": f"{other.url}/a"}),
            "/b": Page(302, {"Location": f"{other.url.replace('127.0.0.1', 'localhost')}/b"}),
            "/c": Page(301, {"Location": "/c/"}),
            "/c/": Page(),
            "/d": Page(307, {"Location": "/d"}),
        }
        with an_asker(database, Clock(NOW)) as asker:
            wait_for(database, *(site.url + path for path in ("/a", "/b", "/c", "/d")))
            assert asker.round().live == 1
        assert other.requests == []
        assert site.take().count("/d") <= 4
    answers = [page.answer for page in pages(database).values()]
    assert sorted(map(str, answers)) == [
        "None",
        "it redirects to another host: localhost",
        "it redirects to another port or scheme",
        "it redirects to itself",
    ]


def test_a_text_on_the_page(database: Database) -> None:
    """It is looked for in the first bytes of the page, in any encoding that it asked for."""
    rules = replace(LIVE, text="By the harbour")
    late = b"x" * PAGE_LIMIT + b"By the harbour"
    chunked = Page(200, {"Transfer-Encoding": "chunked"}, b"e\r\nBy the harbour\r\n0\r\n\r\n")
    with PageServer(default=Page(body=b"Welcome")) as site:
        site.pages = {
            "/a": Page(body=b"x" * (PAGE_LIMIT - 20) + b"By the harbour"),
            "/b": Page(body=late),
            "/c": Page(200, {"Transfer-Encoding": "chunked", "Connection": "close"}, chunked.body),
        }
        with an_asker(database, Clock(NOW), rules) as asker:
            wait_for(database, *(site.url + path for path in ("/a", "/b", "/c", "/d")))
            assert asker.round().live == 2
    found = {page.url[-1]: page.live for page in pages(database).values()}
    assert found == {"a": True, "b": False, "c": True, "d": False}


def test_a_post_with_another_address_by_now(database: Database) -> None:
    """The answer for its earlier address is not recorded."""
    with PageServer(default=Page()) as site, an_asker(database, Clock(NOW)) as asker:
        wait_for(database, f"{site.url}/a")
        (old,) = pages(database).values()
        with database.begin() as connection:
            awaited_pages.put(connection, [(old.path, f"{site.url}/b", NOW)])
            awaited_pages.record(connection, [(old, PageAnswer(live=True))], NOW)
        assert asker.round().asked == 0, "no post has this address yet"


def test_a_closed_asker_asks_for_nothing(database: Database) -> None:
    """Requests under way are aborted, and their pages count as not asked for."""
    with PageServer(default=Page()) as site, an_asker(database, Clock(NOW)) as asker:
        wait_for(database, f"{site.url}/a")
        asker.close()
        assert asker.round().asked == 0
        assert site.requests == []
    assert [page.asked for page in pages(database).values()] == [None]


def test_a_host_inside_the_network_is_refused(database: Database) -> None:
    """If only the site's own config names it."""
    rules = replace(LIVE, trusted_hosts=frozenset())
    with PageServer(default=Page()) as site, an_asker(database, Clock(NOW), rules) as asker:
        wait_for(database, f"{site.url}/a")
        assert asker.round().live == 0
        assert site.requests == []
    (page,) = pages(database).values()
    assert str(page.answer).startswith("refused: ")
