"""A daemon with `feeds.when = "live"`: woken by a page, through kill -9, for many posts at once."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from command import AT_ONCE, Command, Hub, until
from site_pages import Page, PageServer

LIVE = Page()
MANY = 200


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture
def syndicator(tmp_path: Path, server: PageServer) -> Command:
    """It polls so rarely that nothing is found by a poll."""
    command = Command(tmp_path)
    (command.site / "_config.yml").write_text(
        f"title: The Daily\nurl: {server.url}\npermalink: /:title/\n"
    )
    command.environ["SYNDICATOR_FEEDS__WHEN"] = "live"
    command.post("2026-01-01-old", "Old")
    return command


def titles(syndicator: Command) -> list[str]:
    return [item["title"] for item in json.loads(syndicator.feed("all.json"))["items"]]


def test_a_post_goes_out_as_soon_as_its_page_is_live(
    syndicator: Command, server: PageServer
) -> None:
    """With its ping, and without a poll in between. `status` shows it while it waits."""
    with Hub() as hub:
        syndicator.configure(f'[push]\nhubs = ["{hub.url}"]\n', poll="1h")
        with syndicator.running() as daemon:
            hub.topics(6)
            syndicator.post("2026-02-01-new", "New")
            until(lambda: ("HEAD", "/new/") in server.requests, what="a request for the page")
            until(lambda: b"syndicator_held_posts 1.0" in _metrics(syndicator))
            (held,) = _held(syndicator)
            assert (held["path"], held["out"]) == ("_posts/2026-02-01-new.md", False)
            page = syndicator("status").stdout
            assert "Waiting until live: 1 new post" in page
            assert "/new/: it answered 404" in page
            checked = syndicator("check")
            assert (checked.returncode, "has waited for its page since" in checked.stdout) == (
                0,
                True,
            )
            assert titles(syndicator) == ["Old"]
            assert hub.pings.empty()
            server.pages["/new/"] = LIVE
            ping = hub.next(AT_ONCE)
            assert b"/new/" in ping.body
            assert daemon.end()[0] == 0


def _metrics(syndicator: Command) -> bytes:
    return requests.get(f"{syndicator.admin}metrics", timeout=10).content


def _held(syndicator: Command) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = requests.get(f"{syndicator.admin}status", timeout=10).json()[
        "held"
    ]
    return held


def test_many_posts_wait_through_a_kill(syndicator: Command, server: PageServer) -> None:
    """Nothing goes out that is not live, nothing is forgotten, and requests stay few at a time."""
    server.delay = 0.005
    syndicator.configure("[log]\nlevel = 'debug'\n", poll="1h")
    with syndicator.running() as daemon:
        folder = syndicator.site / "_posts"
        _save(folder, MANY)
        until(lambda: len(server.requests) >= 30, what="requests for pages")
        daemon.end(signal.SIGKILL)
    asked = server.take()
    assert len(asked) < MANY, "they are not asked for all at once"
    assert titles(syndicator) == ["Old"]
    since = {
        post["path"]: post["since"]
        for post in json.loads(syndicator("status", "--json").stdout)["held"]
    }
    assert len(since) == MANY
    with syndicator.running() as daemon:
        until(lambda: len(server.requests) >= 10, what="requests after the restart")
        assert {post["path"]: post["since"] for post in _held(syndicator)} == since
        server.default = LIVE
        until(lambda: titles(syndicator)[:1] == [f"Post {MANY - 1}"], seconds=2 * AT_ONCE)
        until(lambda: b"syndicator_held_posts 0.0" in _metrics(syndicator))
        assert daemon.end()[0] == 0
    assert server.at_once <= 4
    assert "/old/" not in server.take()


def _save(folder: Path, number: int) -> None:
    """Save posts, all in one moment for the watcher: a folder is moved in."""
    new = folder.parent / "new"
    new.mkdir()
    for each in range(number):
        name = f"2026-{each // 28 % 12 + 1:02}-{each % 28 + 1:02}-post-{each}.md"
        date = f"2026-02-01 {each // 60:02}:{each % 60:02}"
        (new / name).write_text(f"---\ntitle: Post {each}\ndate: {date}\n---\nText.\n")
    os.rename(new, folder / "new")


def test_it_stops_while_a_page_is_asked_for(syndicator: Command, server: PageServer) -> None:
    """A page that does not answer delays neither the stop nor another post's edit."""
    server.delay = 60
    syndicator.configure(poll="1h")
    with syndicator.running() as daemon:
        syndicator.post("2026-02-01-new", "New")
        until(lambda: server.requests, what="a request for the page")
        syndicator.post("2026-01-01-old", "Edited")
        until(lambda: titles(syndicator) == ["Edited"], seconds=AT_ONCE)
        code, seconds = daemon.end()
        assert (code, seconds < 5) == (0, True)
