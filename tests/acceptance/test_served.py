"""The daemon as its readers meet it: curl, feedparser, subscribers, hubs, and many at once while posts are saved."""

import asyncio
import gzip
import itertools
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import feedparser
import pytest
import requests
from command import Command, Daemon, Hub, until
from requests.utils import parse_header_links

from syndicator.model.content import digest_of

ATOM = "{http://www.w3.org/2005/Atom}"
SETTINGS = """
[feeds.aliases]
"feed.xml" = "all.atom"
[feeds.moved]
"category/old.rss" = "category/åäö.rss"
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Command]:
    """A running daemon that a test only asks."""
    command = Command(tmp_path_factory.mktemp("served"), f'{SETTINGS}[push]\nhubs = ["{hub.url}"]')
    command.post("2026-01-02-one", "First news")
    command.post("2026-01-03-two", "Second news", categories="Åäö")
    with command.running():
        yield command


def get(command: Command, path: str, method: str = "GET", **headers: str) -> requests.Response:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(
        method, command.url + quote(path), headers=said, timeout=10, allow_redirects=False
    )


def feeds_of(command: Command) -> list[str]:
    """Every feed file there is, by its path."""
    found = [path.relative_to(command.feeds).as_posix() for path in command.feeds.rglob("*")]
    return sorted(path for path in found if path.endswith((".rss", ".atom", ".json", ".xml")))


def links_in(feed: requests.Response) -> tuple[list[str], str]:
    """Hubs and self as the document names them (WebSub §4; in RSS as Atom's own element)."""
    if "json" in feed.headers["content-type"]:
        said = feed.json()
        return [each["url"] for each in said["hubs"] if each["type"] == "WebSub"], said["feed_url"]
    root = ElementTree.fromstring(feed.content)
    place = root.find("channel") if root.tag == "rss" else root
    assert place is not None
    links = [(link.get("rel"), link.get("href") or "") for link in place.findall(f"{ATOM}link")]
    ((_, topic),) = [link for link in links if link[0] == "self"]
    return [href for rel, href in links if rel == "hub"], topic


def links_of(response: requests.Response) -> tuple[list[str], str]:
    """Hubs and self as the Link header names them."""
    links = [
        (link["rel"], link["url"]) for link in parse_header_links(response.headers.get("link", ""))
    ]
    ((_, topic),) = [link for link in links if link[0] == "self"]
    return [url for rel, url in links if rel == "hub"], topic


def test_a_subscriber_finds_one_hub_and_self_everywhere(command: Command, hub: Hub) -> None:
    """W3C WebSub §4: header and body agree for every feed and format, by GET and HEAD, and for 304 too."""
    paths = feeds_of(command)
    assert len(paths) == 10
    for path in paths:
        feed = get(command, path)
        canonical = "all.atom" if path == "feed.xml" else path
        expected = ([f"{command.url}hub", hub.url], command.url + quote(canonical))
        assert expected == links_in(feed)
        again = get(command, path, If_None_Match=feed.headers["etag"])
        assert (again.status_code, links_of(again)) == (304, expected)
        assert expected == links_of(feed) == links_of(get(command, path, "HEAD"))


@pytest.mark.parametrize(
    "path", ["", "all.html", "category/news.html", "feeds.opml", "category/old.rss", "none.rss"]
)
def test_what_is_no_topic_names_none(command: Command, path: str) -> None:
    """Pages, the list of feeds, a redirect, a refusal."""
    assert "link" not in get(command, path).headers


def test_a_feed_that_moved_sends_readers_on(command: Command) -> None:
    """To its public address, whatever Host says."""
    answer = get(command, "category/old.rss", Host="evil.example")
    assert (answer.status_code, answer.headers["location"]) == (
        301,
        f"{command.url}category/%C3%A5%C3%A4%C3%B6.rss",
    )


@pytest.mark.parametrize(
    ("path", "page"),
    [("category/news.atom", "news.html#atom"), ("feed.xml", "all.html#atom"), ("all.html", None)],
)
def test_people_are_sent_to_the_page_about_a_feed(
    command: Command, path: str, page: str | None
) -> None:
    """Under every name that it has; and a page is itself."""
    answer = get(command, path, Sec_Fetch_Dest="document")
    status = 200 if page is None else 303
    assert (status, page) == (
        answer.status_code,
        (answer.headers.get("location") or "/").rpartition("/")[2] or None,
    )


def test_feedparser_asks_once_for_what_it_has(command: Command) -> None:
    """The second time by what the first one gave it."""
    first = feedparser.parse(f"{command.url}all.rss")
    assert [entry.title for entry in first.entries] == ["Second news", "First news"]
    again = feedparser.parse(f"{command.url}all.rss", etag=first.etag)
    dated = feedparser.parse(f"{command.url}all.rss", modified=first.modified)
    assert (again.status, dated.status) == (304, 304)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_curl_keeps_a_copy_up_to_date(command: Command, tmp_path: Path, version: str) -> None:
    """It compresses, saves the tag and the date, and comes again with each."""
    url = f"{command.url}all.json"

    def curl(*words: str) -> str:
        said = [
            "curl",
            "-s",
            version,
            "-o",
            tmp_path / "copy",
            "-w",
            "%{http_code} %{size_download}",
            *words,
            url,
        ]
        return subprocess.run(said, capture_output=True, text=True, check=True, timeout=20).stdout

    tags = [
        "--compressed",
        "--etag-save",
        str(tmp_path / "etag"),
        "--etag-compare",
        str(tmp_path / "etag"),
    ]
    status, size = curl(*tags).split()
    whole = (tmp_path / "copy").read_bytes()
    assert (status, whole) == ("200", (command.feeds / "all.json").read_bytes())
    assert int(size) < len(whole)
    assert curl(*tags) == "304 0"
    assert curl("-R") == f"200 {len(whole)}"
    assert curl("-z", str(tmp_path / "copy")) == "304 0"


def test_a_hub_that_comes_is_seen(command: Command, hub: Hub) -> None:
    """It was pinged, and fetched: `status` and a metric say so, of that hub."""
    fetches = f'syndicator_hub_fetches_total{{hub="{hub.url}"}}'
    command.post("2026-01-04-three", "Third news")
    until(lambda: b"Third news" in hub.next().body, what="the ping")
    until(
        lambda: fetches in requests.get(f"{command.admin}metrics", timeout=10).text,
        what="the count",
    )

    with sqlite3.connect(command.root / "var/syndicator.db") as state:
        until(
            lambda: state.execute("SELECT fetched FROM hubs WHERE fetched > 0").fetchone(),
            what="the note of it",
        )
    line = next(line for line in command("status").stdout.splitlines() if "pinged" in line)
    assert re.search(r"pinged \d\d:\d\d:\d\d UTC, fetched \d\d:\d\d:\d\d UTC", line)


# ------------------------------------------------------------ by itself


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, Daemon]]:
    """A daemon without any hub."""
    command = Command(tmp_path_factory.mktemp("alone"), f"{SETTINGS}[hub]\nenabled = false")
    for name in ("News", "Sport"):
        command.post(
            f"2026-01-01-{name}", categories=name, text="A sentence of some length. " * 200
        )
    with command.running() as daemon:
        yield command, daemon


def test_without_any_hub_a_feed_still_says_who_it_is(alone: tuple[Command, Daemon]) -> None:
    """`rel=self` alone, in the header as in the document."""
    command, _ = alone
    for path in ("all.rss", "all.atom"):
        feed = get(command, path)
        assert links_of(feed) == links_in(feed) == ([], command.url + path)


def test_many_readers_while_posts_are_saved(alone: tuple[Command, Daemon]) -> None:
    """Ten posts a second and 50 readers: each answer is one version of the feed asked for, whole, or a true 304."""
    command, _ = alone
    over = threading.Event()

    def save() -> None:
        for number in itertools.count():
            command.post(
                f"2026-01-02-{number % 40}",
                f"Turn {number}",
                categories=("News", "Sport")[number % 2],
            )
            if over.wait(0.1):
                return

    saving = threading.Thread(target=save)
    saving.start()
    try:
        seen = asyncio.run(_read_all(command, seconds=4))
    finally:
        over.set()
        saving.join()
    assert seen[304] > 500
    assert seen["versions"] > 10
    assert set(seen) == {200, 304, "versions"}, seen


def test_what_the_config_drops_is_gone(alone: tuple[Command, Daemon]) -> None:
    """410 from the moment that the config is read again, after a restart too, and until it is made again."""
    command, daemon = alone
    dropped = ("category/news.rss", "category/news.html", "feed.xml")

    def statuses() -> set[int]:
        return {get(command, path).status_code for path in dropped}

    assert statuses() == {200}
    command.configure("[hub]\nenabled = false")
    command.config.write_text(command.config.read_text().replace("[feeds]", "[feeds]\nby = []"))
    daemon.send(signal.SIGHUP)
    until(lambda: statuses() == {410})
    assert get(command, "all.rss").status_code == 200
    assert "link" not in get(command, "category/news.rss").headers
    assert daemon.end()[0] == 0
    with command.running() as again:
        assert statuses() == {410}
        command.configure(SETTINGS)
        again.send(signal.SIGHUP)
        until(lambda: statuses() == {200})


async def _read_all(command: Command, seconds: float) -> Counter[object]:
    paths = [
        f"/{name}.{suffix}"
        for name in ("all", "category/news", "category/sport")
        for suffix in ("rss", "json")
    ]
    seen: Counter[object] = Counter()
    versions: set[str] = set()
    end = asyncio.get_running_loop().time() + seconds

    async def reader(path: str, coding: str) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", command.port)
        etag = '"none"'
        while asyncio.get_running_loop().time() < end:
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {coding}\r\nIf-None-Match: {etag}\r\n\r\n"
            back.write(request.encode())
            head = (await there.readuntil(b"\r\n\r\n")).decode().lower()
            status = int(head.split()[1])
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
            body = await there.readexactly(int(headers.get("content-length", 0)))
            if status == 304 and headers["etag"] != etag:
                seen["a 304 for what it does not have"] += 1
            if status == 200:
                etag = headers["etag"]
                whole = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
                if digest_of(whole) != etag.strip('"').removesuffix("-gz"):
                    seen["not what its tag says"] += 1
                if f"{command.url.rstrip('/')}{path}".encode() not in whole:
                    seen["another feed"] += 1
                versions.add(etag)
            seen[status] += 1
        back.close()

    codings = ("gzip", "identity")
    readers = itertools.islice(
        zip(itertools.cycle(paths), itertools.cycle((*codings, *codings[::-1]))), 50
    )
    await asyncio.gather(*(reader(*each) for each in readers))
    seen["versions"] = len(versions)
    return seen
