"""`feeds.when = "live"`: a new post goes out when its page answers, and what waiting means."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from site_pages import Page, PageServer
from support import Site

from syndicator.live_pages import build_and_ask
from syndicator.model.report import Report

LIVE = Page()


class LiveSite(Site):
    """A site whose pages are live as `pages` says, with feeds since noon."""

    def __init__(self, root: Path, server: PageServer, settings: str = "") -> None:
        self.server = server
        config = f"title: The Daily\nurl: {server.url}\npermalink: /:title/\n"
        super().__init__(root, site_config=config, settings=self.settings(settings))
        self.post("2026-01-01-old", categories=["News"])
        self.run()
        self.take_queued_pings()

    def settings(self, more: str) -> str:
        feeds = f'[feeds]\nurl = "http://127.0.0.1:8080/"\nwhen = "live"\n{more}\n'
        return f'{feeds}[push]\nhubs = ["http://127.0.0.1:9/hub"]\n'

    def run(self, **later: float) -> Report:
        """`syndicator build`, with a round of requests, some time later."""
        self.clock.forward(**later)
        with self.service() as service:
            return build_and_ask(service, clock=self.clock)

    def live(self, *names: str) -> None:
        self.server.pages |= {f"/{name}/": LIVE for name in names}

    def shown(self, feed: str = "all") -> list[str]:
        """The names of the posts in a feed."""
        return [title[11:] for title in self.titles(feed)]


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, server: PageServer) -> LiveSite:
    return LiveSite(tmp_path, server)


@pytest.mark.parametrize("wait", [{"seconds": 5}, {"minutes": 5}])
def test_a_new_post_goes_out_when_its_page_is_live(site: LiveSite, wait: dict[str, float]) -> None:
    """Not before, with its ping; a page that goes then takes nothing back."""
    site.post("2026-02-01-new", categories=["News", "Fresh"])
    report = site.run()
    assert report.held == 1
    assert report.summary() == ("2 posts (1 new); 0 of 2 feeds changed; 1 new post held until live")
    assert site.shown() == ["old"]
    site.configure(site.settings("limit = 7"))
    site.run()
    assert not (site.feeds / "category/fresh.rss").exists(), "nor is its new category announced"
    assert site.take_queued_pings() == set()
    site.live("new")
    assert site.run(**wait).held == 0
    assert site.shown() == site.shown("category/news") == ["new", "old"]
    assert {"all.rss", "category/fresh.rss"} < site.take_queued_pings()
    site.server.pages.clear()
    site.run(hours=1)
    assert site.shown() == ["new", "old"]
    assert "/old/" not in site.server.take(), "posts of the first run are not asked for"


def test_a_page_that_is_live_already_costs_no_run(site: LiveSite) -> None:
    """A site that is deployed before the feeds are built goes out in the same run."""
    site.live("new")
    site.post("2026-02-01-new")
    report = site.run()
    assert (report.new, report.held, report.pings) == (1, 0, 3)
    assert site.shown() == ["new", "old"]


@pytest.mark.parametrize(
    ("page", "settings", "shown", "fatal"),
    [
        (Page(500), "", ["new", "old"], False),
        (Page(302, {"Location": "/"}), 'when_late = "hold"', ["old"], True),
    ],
)
def test_a_page_that_never_comes(
    tmp_path: Path, server: PageServer, page: Page, settings: str, shown: list[str], fatal: bool
) -> None:
    """It is a problem after `when_patience`: the post goes out or is held, as the config says."""
    site = LiveSite(tmp_path, server, f'when_patience = "30m"\n{settings}')
    server.pages |= {"/": LIVE, "/new/": page}
    site.post("2026-02-01-new")
    first = site.run()
    assert (site.shown(), first.problems, len(first.notes)) == (["old"], (), 1)
    assert site.run(minutes=29).problems == ()
    (problem,) = site.run(minutes=1).problems
    assert (site.shown(), problem.fatal) == (shown, fatal)
    site.live("new")
    assert site.run(hours=1).problems == ()
    assert site.shown() == ["new", "old"]


def test_an_edit_waits_for_nothing(site: LiveSite) -> None:
    """Nor does a renamed post, one with a new address, and one that was removed for a time."""
    path = site.post("2026-01-01-old", "Edited.", categories=["Other"])
    site.run()
    assert site.shown("category/other") == ["old"]
    text = path.read_text()
    path.rename(path.with_name("2026-01-01-renamed.md"))
    site.run()
    site.post("2026-01-02-keeper")
    site.live("keeper")
    site.run()
    path.with_name("2026-01-01-renamed.md").unlink()
    site.run()
    assert site.shown() == ["keeper"]
    path.with_name("2026-01-01-renamed.md").write_text(text)
    site.run(days=1)
    assert site.shown() == ["keeper", "old"]


def test_a_post_that_waits_may_change(site: LiveSite) -> None:
    """It waits on under another name, address or text, and goes out in its last version."""
    path = site.post("2026-02-01-draft", "First.")
    site.run()
    path.rename(path.with_name("2026-02-01-second.md"))
    site.run(seconds=10)
    site.server.take()
    site.live("draft")
    site.run(seconds=10)
    assert site.server.take() == ["/second/"], "its old page is not asked for any more"
    path.with_name("2026-02-01-second.md").unlink()
    site.run(seconds=10)
    path = site.post("2026-02-01-second", "Second.", permalink="/third/")
    site.run(seconds=10)
    assert site.shown() == ["old"], "a post that was removed while it waited still waits"
    site.live("third")
    site.run(seconds=10)
    (new, _) = site.feed("all.atom").entries
    assert new.link == f"{site.server.url}/third/"
    assert "Second." in new.content[0].value
    assert new.updated == new.published, "nobody saw the first version"


def test_a_post_that_is_deleted_while_it_waits(site: LiveSite) -> None:
    path = site.post("2026-02-01-new")
    site.run()
    path.unlink()
    before = site.tree()
    report = site.run(hours=2)
    assert (report.held, report.problems, report.notes) == (0, (), ())
    assert site.tree() == before


def test_a_future_post_waits_from_its_date(site: LiveSite) -> None:
    site.post("2026-03-02-future")
    report = site.run()
    assert (report.held, report.notes, site.server.requests) == (0, (), [])
    report = site.run(days=1)  # Noon of its day.
    assert (site.server.take(), report.held, report.problems) == (["/future/"], 1, ())
    site.live("future")
    site.run(minutes=1)
    assert site.shown() == ["future", "old"]


def test_other_posts_do_not_announce_it(site: LiveSite) -> None:
    """A list of the site's posts has it when feeds do. A link that its author writes works."""
    listing = "{% for p in site.posts %}[{{ p.title }}]{% endfor %} {{ page.next.title }}"
    link = "{% post_url 2026-02-01-new %}"
    site.post("2026-01-01-old", listing)
    site.post("2026-02-01-new")
    site.run()
    assert "2026-02-01-new" not in site.feed("all.atom").entries[0].content[0].value
    site.post("2026-01-01-old", f"{listing} {link}")
    assert not [found for found in site.run().problems if found.fatal]
    assert "/new/" in site.feed("all.atom").entries[0].content[0].value
    site.live("new")
    site.run(minutes=1)
    old = site.feed("all.atom").entries[1].content[0].value
    assert "[2026-02-01-new]" in old
    assert old.rstrip("</p>\n").count("2026-02-01-new") == 2


def test_posts_that_no_feed_has_are_not_asked_for(site: LiveSite) -> None:
    site.post("2026-02-01-hidden", hidden=True)
    site.post("2026-02-02-draft", published=False)
    assert site.run().held == 0
    assert site.server.requests == []


def test_an_older_backup_takes_nothing_back(site: LiveSite) -> None:
    """Readers saw the post, which the restored state holds still, in the feed files."""
    site.post("2026-02-01-new")
    site.run()
    backup = site.state.read_bytes()
    site.live("new")
    site.run(minutes=1)
    before = site.feed("all.atom").entries[0]
    site.state.write_bytes(backup)
    site.server.pages.clear()
    assert site.run(minutes=1).held == 0
    assert site.shown() == ["new", "old"]
    assert site.feed("all.atom").entries[0].id == before.id


def test_two_posts_of_one_address(site: LiveSite) -> None:
    """Each asks for it. That they share it is a problem as ever."""
    site.post("2026-02-01-new")
    site.post("2026-02-02-new")
    assert site.run().held == 2
    site.live("new")
    report = site.run(minutes=1)
    assert (report.held, len(report.problems)) == (0, 1)
    assert len(site.shown()) == 3


def test_posts_that_wait_go_out_when_nothing_is_awaited_any_more(site: LiveSite) -> None:
    site.post("2026-02-01-new")
    site.run()
    site.configure(site.settings("").replace('"live"', '"saved"'))
    assert site.run().held == 0
    assert site.shown() == ["new", "old"]


def test_a_text_that_must_be_on_the_page(tmp_path: Path) -> None:
    """For a proxy that answers 200 to everything."""
    with PageServer(default=Page(body=b"Welcome to the daily.")) as server:
        site = LiveSite(tmp_path, server, 'when_text = "Read more"')
        site.post("2026-02-01-new")
        assert site.run().held == 1
        server.pages["/new/"] = Page(body=b"<html> Read more </html>")
        assert site.run(minutes=1).held == 0


def test_no_address_of_a_post_leads_to_another_host(site: LiveSite) -> None:
    """Whatever its permalink is."""
    with PageServer(default=LIVE) as other:
        for number, start in enumerate(
            (other.url, other.url[5:], f"@{other.url[7:]}", "//x/../..")
        ):
            site.post(f"2026-02-0{number + 1}-new", permalink=f"{start}/a")
        site.run()
        assert other.requests == []
    assert len(site.server.requests) == 4
