"""The daemon with real clients: curl, feedparser, subscribers, hubs, and many readers at once."""

import asyncio
import gzip
import itertools
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import feedparser
import pytest
import requests
from command import PATIENCE, Command, Daemon, Hub, until
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


@contextmanager
def with_hub(root: Path, hub: Hub) -> Iterator[Command]:
    """A running daemon that pings a hub."""
    command = Command(root, f'{SETTINGS}[push]\nhubs = ["{hub.url}"]')
    command.post("2026-01-02-one", "First news")
    command.post("2026-01-03-two", "Second news", categories="Åäö")
    with command.running():
        yield command


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Command]:
    """A running daemon, shared by tests that only send requests."""
    with with_hub(tmp_path_factory.mktemp("served"), hub) as command:
        yield command


def get(command: Command, path: str, method: str = "GET", **headers: str) -> requests.Response:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(
        method, command.url + quote(path), headers=lines, timeout=10, allow_redirects=False
    )


def feeds_of(command: Command) -> list[str]:
    """The paths of all feed files."""
    files = [path.relative_to(command.feeds).as_posix() for path in command.feeds.rglob("*")]
    return sorted(path for path in files if path.endswith((".rss", ".atom", ".json", ".xml")))


def links_in(feed: requests.Response) -> tuple[list[str], str]:
    """Hubs and self link in a document (WebSub §4; in RSS as Atom's element)."""
    if "json" in feed.headers["content-type"]:
        document = feed.json()
        hubs = [each["url"] for each in document["hubs"] if each["type"] == "WebSub"]
        return hubs, document["feed_url"]
    root = ElementTree.fromstring(feed.content)
    parent = root.find("channel") if root.tag == "rss" else root
    assert parent is not None
    links = [(link.get("rel"), link.get("href") or "") for link in parent.findall(f"{ATOM}link")]
    ((_, topic),) = [link for link in links if link[0] == "self"]
    return [href for rel, href in links if rel == "hub"], topic


def links_of(response: requests.Response) -> tuple[list[str], str]:
    """Hubs and self link in the Link header."""
    links = [
        (link["rel"], link["url"]) for link in parse_header_links(response.headers.get("link", ""))
    ]
    ((_, topic),) = [link for link in links if link[0] == "self"]
    return [url for rel, url in links if rel == "hub"], topic


def test_every_feed_names_its_hubs_and_self(command: Command, hub: Hub) -> None:
    """W3C WebSub §4: header and body agree in every feed and format, for GET, HEAD and 304."""
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
def test_other_responses_have_no_link_header(command: Command, path: str) -> None:
    """Pages, the OPML list, redirects, 404."""
    assert "link" not in get(command, path).headers


def test_a_moved_feed_is_redirected(command: Command) -> None:
    """To its public address. The Host header is ignored."""
    response = get(command, "category/old.rss", Host="evil.example")
    assert (response.status_code, response.headers["location"]) == (
        301,
        f"{command.url}category/%C3%A5%C3%A4%C3%B6.rss",
    )


@pytest.mark.parametrize(
    ("path", "page"),
    [("category/news.atom", "news.html#atom"), ("feed.xml", "all.html#atom"), ("all.html", None)],
)
def test_browsers_are_redirected_to_the_page_of_a_feed(
    command: Command, path: str, page: str | None
) -> None:
    """Under its aliases, too. A page itself is not redirected."""
    response = get(command, path, Sec_Fetch_Dest="document")
    location = response.headers.get("location") or "/"
    assert response.status_code == (200 if page is None else 303)
    assert (location.rpartition("/")[2] or None) == page


def test_feedparser_gets_a_304(command: Command) -> None:
    """With the ETag or the date of its first request."""
    first = feedparser.parse(f"{command.url}all.rss")
    assert [entry.title for entry in first.entries] == ["Second news", "First news"]
    again = feedparser.parse(f"{command.url}all.rss", etag=first.etag)
    dated = feedparser.parse(f"{command.url}all.rss", modified=first.modified)
    assert (again.status, dated.status) == (304, 304)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_curl_gets_a_304(command: Command, tmp_path: Path, version: str) -> None:
    """With the ETag that it saved, or the date of the file. Compression works."""
    url = f"{command.url}all.json"

    def curl(*options: str) -> str:
        always = ["-s", version, "-o", tmp_path / "copy", "-w", "%{http_code} %{size_download}"]
        run = subprocess.run(
            ["curl", *always, *options, url],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return run.stdout

    etag = str(tmp_path / "etag")
    tags = ["--compressed", "--etag-save", etag, "--etag-compare", etag]
    status, size = curl(*tags).split()
    whole = (tmp_path / "copy").read_bytes()
    assert (status, whole) == ("200", (command.feeds / "all.json").read_bytes())
    assert int(size) < len(whole)
    assert curl(*tags) == "304 0"
    assert curl("-R") == f"200 {len(whole)}"
    assert curl("-z", str(tmp_path / "copy")) == "304 0"


def test_the_fetch_of_a_hub_is_detected(tmp_path: Path) -> None:
    """`status` and a metric show that the hub was pinged and fetched the feed."""
    with Hub() as hub, with_hub(tmp_path, hub) as command:
        fetches = f'syndicator_hub_fetches_total{{hub="{hub.url}"}}'
        command.post("2026-01-04-three", "Third news")
        until(lambda: b"Third news" in hub.next().body, what="the ping")
        until(
            lambda: fetches in requests.get(f"{command.admin}metrics", timeout=10).text,
            what="the count",
        )
        with closing(sqlite3.connect(command.root / "var/syndicator.db")) as state:
            until(
                lambda: state.execute("SELECT fetched FROM hubs WHERE fetched > 0").fetchone(),
                what="the row in the state",
            )
        line = next(line for line in command("status").stdout.splitlines() if "pinged" in line)
    assert re.search(r"pinged \d\d:\d\d:\d\d UTC, fetched \d\d:\d\d:\d\d UTC", line)


# ------------------------------------------------------------ without a hub


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Command, Daemon]]:
    """A daemon without any hub, which the test may change."""
    command = Command(tmp_path, f"{SETTINGS}[hub]\nenabled = false")
    for name in ("News", "Sport"):
        command.post(
            f"2026-01-01-{name}", categories=name, text="A sentence of some length. " * 200
        )
    with command.running() as daemon:
        yield command, daemon


def test_without_a_hub_a_feed_still_has_a_self_link(alone: tuple[Command, Daemon]) -> None:
    """Only `rel=self`, in the header and in the document."""
    command, _ = alone
    for path in ("all.rss", "all.atom"):
        feed = get(command, path)
        assert links_of(feed) == links_in(feed) == ([], command.url + path)


def test_many_readers_while_posts_are_saved(alone: tuple[Command, Daemon]) -> None:
    """Ten posts a second, 50 readers: each response is one complete version, or a correct 304."""
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

    saving = threading.Thread(target=save, daemon=True)
    saving.start()
    try:
        seen = asyncio.run(_read_all(command, seconds=4, unchanged=500, versions=10))
    finally:
        over.set()
        saving.join(PATIENCE)
    assert not saving.is_alive()
    assert seen[304] > 500
    assert seen["versions"] > 10
    assert set(seen) == {200, 304, "versions"}, seen


def test_removed_feeds_are_410(alone: tuple[Command, Daemon]) -> None:
    """From the reload of the config on, and after a restart, until they are published again."""
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


async def _read_all(
    command: Command, *, seconds: float, unchanged: int, versions: int
) -> Counter[object]:
    """Read for some seconds, and until there were more than `unchanged` 304s and `versions`.

    Returns after `PATIENCE` at the latest.
    """
    paths = [
        f"/{name}.{suffix}"
        for name in ("all", "category/news", "category/sport")
        for suffix in ("rss", "json")
    ]
    seen: Counter[object] = Counter()
    etags: set[str] = set()
    begun = time.monotonic()

    def is_enough() -> bool:
        passed = time.monotonic() - begun
        complete = seen[304] > unchanged and len(etags) > versions
        return passed > (seconds if complete else PATIENCE)

    async def reader(path: str, coding: str) -> None:
        stream_in, stream_out = await asyncio.open_connection("127.0.0.1", command.port)
        etag = '"none"'
        while not is_enough():
            conditions = f"Accept-Encoding: {coding}\r\nIf-None-Match: {etag}\r\n"
            stream_out.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{conditions}\r\n".encode())
            head = (await stream_in.readuntil(b"\r\n\r\n")).decode().lower()
            status = int(head.split()[1])
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
            body = await stream_in.readexactly(int(headers.get("content-length", 0)))
            if status == 304 and headers["etag"] != etag:
                seen["a 304 for another version"] += 1
            if status == 200:
                etag = headers["etag"]
                whole = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
                if digest_of(whole) != etag.strip('"').removesuffix("-gz"):
                    seen["a body that does not match its tag"] += 1
                if f"{command.url.rstrip('/')}{path}".encode() not in whole:
                    seen["another feed"] += 1
                etags.add(etag)
            seen[status] += 1
        stream_out.close()

    codings = ("gzip", "identity")
    readers = itertools.islice(
        zip(itertools.cycle(paths), itertools.cycle((*codings, *codings[::-1]))), 50
    )
    async with asyncio.timeout(2 * PATIENCE):  # for a response that never comes
        await asyncio.gather(*(reader(*each) for each in readers))
    seen["versions"] = len(etags)
    return seen
