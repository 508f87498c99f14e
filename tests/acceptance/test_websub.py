"""The real daemon as publisher and hub: the links of a feed, the requests of a change, crashes.

P-1 to P-11 are the requirements of W3C WebSub §4 and §6 on a publisher, in the order of the text.
"""

import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from command import AT_ONCE, Command, until
from hubsite import Received, Reply, Subscriber

SETTINGS = """
[hub]
allow_private = ["127.0.0.0/8"]
timeout = "2s"
retry = ["300ms", "300ms"]
"""
SESSION = requests.Session()
ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = (
    "all.rss",
    "all.atom",
    "all.json",
    "category/news.rss",
    "category/news.atom",
    "category/news.json",
)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path, SETTINGS)
    command.post("2026-01-02-one", "First news")
    return command


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A running site, with another hub besides ours and a feed that moved."""
    command = Command(tmp_path_factory.mktemp("served"))
    command.configure(SETTINGS + '[push]\nhubs = ["https://other.example/"]')
    moved = '[feeds]\nmoved = {"category/old.rss" = "category/news.rss"}\n'
    command.config.write_text(command.config.read_text().replace("[feeds]\n", moved))
    command.post("2026-01-02-one", "First news")
    with command.running():
        yield command


@pytest.fixture
def reader() -> Iterator[Subscriber]:
    reader = Subscriber()
    yield reader
    reader.close()


def links(header: str) -> list[tuple[str, str]]:
    """The links for the strictest reader: absolute, `rel` the only parameter, one separator."""
    matches = [
        re.fullmatch(r'<(https?://[^>]+)>; rel="([a-z]+)"', link) for link in header.split(", ")
    ]
    assert all(matches), header
    return [(match[2], match[1]) for match in matches if match]


def subscribe(
    command: Command, topic: str, callback: str, mode: str = "subscribe", **more: object
) -> int:
    form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback}
    form |= {f"hub.{name}": str(value) for name, value in more.items()}
    return SESSION.post(f"{command.url}hub", data=form, timeout=4).status_code


def subscribers(command: Command) -> float:
    """The number of live subscriptions to all topics."""
    text = requests.get(f"{command.admin}metrics", timeout=5).text
    return sum(
        float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("syndicator_subscribers")
    )


def queued(command: Command) -> int:
    """The number of jobs queued or claimed."""
    return int(requests.get(f"{command.admin}readyz", timeout=5).json()["queued"])


def test_p1_p2_p6_each_feed_links_to_its_hubs_and_itself(served: Command) -> None:
    """In the header of GET and HEAD: our hub first, and exactly one self, the URL itself."""
    for path in FEEDS:
        for method in ("GET", "HEAD"):
            response = requests.request(method, served.url + path, timeout=5)
            assert links(response.headers["Link"]) == [
                ("hub", f"{served.url}hub"),
                ("hub", "https://other.example/"),
                ("self", served.url + path),
            ]


def test_p3_the_same_links_are_in_the_document(served: Command) -> None:
    """As atom:link in the feed or the channel, for readers that ignore headers."""
    for path, where in (("all.atom", "."), ("all.rss", "channel")):
        root = ElementTree.fromstring(requests.get(served.url + path, timeout=5).content)
        element = root.find(where)
        assert element is not None
        links_in_feed = [
            (link.get("rel"), link.get("href")) for link in element.findall(f"{ATOM}link")
        ]
        assert sorted(link for link in links_in_feed if link[0] in ("hub", "self")) == [
            ("hub", f"{served.url}hub"),
            ("hub", "https://other.example/"),
            ("self", served.url + path),
        ]


def test_p4_pages_link_to_the_feeds_and_are_not_topics(served: Command) -> None:
    """A hub link in a page would make the page itself the topic."""
    page_links: list[tuple[str | None, str | None]] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "link":
                page_links.append((dict(attrs).get("rel"), dict(attrs).get("href")))

    response = requests.get(f"{served.url}all.html", timeout=5)
    Links().feed(response.text)
    assert {rel for rel, _ in page_links} & {"hub", "self"} == set()
    assert len([rel for rel, _ in page_links if rel == "alternate"]) >= 3
    assert "hub" not in response.headers.get("Link", "")


def test_p5_a_json_feed_names_hub_and_self(served: Command) -> None:
    """In JSON Feed's own fields, besides the header."""
    feed = requests.get(f"{served.url}all.json", timeout=5).json()
    assert feed["feed_url"] == f"{served.url}all.json"
    assert [hub["url"] for hub in feed["hubs"]] == [f"{served.url}hub", "https://other.example/"]


def test_p7_p8_every_hub_gets_a_ping_for_every_topic(command: Command, reader: Subscriber) -> None:
    """Each configured hub gets one for each changed file; our own hub needs none."""
    other = Subscriber()
    command.configure(SETTINGS + f'[push]\nhubs = ["{reader.url}/a", "{other.url}/b"]')
    with command.running():
        for hub in (reader, other):
            pings = {received.body for received in hub.wait(len(FEEDS))}
            assert len(pings) == len(FEEDS)
    other.close()


def test_p9_one_url_has_one_representation(served: Command) -> None:
    """Whatever the client accepts: each format has its own URL and is a topic of its own."""
    for accept in ("application/atom+xml", "text/html", "*/*"):
        headers = {"Accept": accept, "Accept-Language": "de"}
        response = requests.get(f"{served.url}all.rss", headers=headers, timeout=5)
        assert response.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert dict(links(response.headers["Link"]))["self"] == f"{served.url}all.rss"


def test_p10_a_moved_topic_redirects_to_the_new_one(served: Command) -> None:
    """By 301, without links: a renewal finds hub and self at the new URL, and subscribes there."""
    moved = requests.get(f"{served.url}category/old.rss", timeout=5, allow_redirects=False)
    assert (moved.status_code, "Link" in moved.headers) == (301, False)
    followed = requests.get(f"{served.url}category/old.rss", timeout=5)
    assert dict(links(followed.headers["Link"]))["self"] == f"{served.url}category/news.rss"
    assert subscribe(served, f"{served.url}category/old.rss", "http://127.0.0.1:9/") == 404


@pytest.mark.parametrize("path", ["nothing.rss", "category/none.atom", ".well-known/host-meta"])
def test_p11_other_urls_link_to_no_hub(served: Command, path: str) -> None:
    """Neither missing files nor host-meta, by which an older draft discovered hubs."""
    response = requests.get(served.url + path, timeout=5, allow_redirects=False)
    assert (response.status_code, "Link" in response.headers) == (404, False)


def test_a_hub_without_feeds_yet_is_asked_again(command: Command, reader: Subscriber) -> None:
    """503 until the first run is complete: at a 404 a subscriber takes the feed for unknown."""
    away = command.site.rename(command.root / "away")
    command.configure(SETTINGS, poll="100ms")
    with command.running() as daemon:
        daemon.line(lambda line: "build failed" in line)
        for mode in ("subscribe", "publish"):
            form = {"hub.mode": mode, "hub.callback": f"{reader.url}/cb"}
            form["hub.topic"] = f"{command.url}all.atom"
            response = SESSION.post(f"{command.url}hub", data=form, timeout=5)
            assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
        away.rename(command.site)
        daemon.line(lambda line: "build works again" in line)
        assert subscribe(command, form["hub.topic"], form["hub.callback"]) == 202
        assert subscribe(command, f"{command.url}none.atom", form["hub.callback"]) == 404


def test_a_saved_post_reaches_its_readers_at_once(command: Command, reader: Subscriber) -> None:
    """Subscribe, and save a post: the delivery is, byte for byte, the topic as it is then."""
    with command.running():
        topics = [command.url + path for path in FEEDS]
        for number, topic in enumerate(topics):
            assert subscribe(command, topic, f"{reader.url}/cb?k={number}", verify="sync") == 202
        until(lambda: subscribers(command) == len(FEEDS))
        saved = time.monotonic()
        command.post("2026-01-03-two", "Second news")
        reader.wait(len(FEEDS))
        assert time.monotonic() - saved < AT_ONCE
        for delivery in reader.of("POST"):
            served = requests.get(topics[int(delivery.query["k"][0])], timeout=5)
            assert (delivery.body, delivery.headers["Content-Type"], delivery.headers["Link"]) == (
                served.content,
                served.headers["Content-Type"],
                served.headers["Link"],
            )
            assert b"Second news" in delivery.body
        assert len(reader.of("POST")) == len(FEEDS)


def test_a_hanging_reader_delays_neither_the_others_nor_the_end(
    command: Command, reader: Subscriber
) -> None:
    """The others get it at once; SIGTERM ends the daemon within 5 s; no delivery is lost."""
    over = threading.Event()
    slow = Subscriber(receive=lambda received: (200 if over.wait(20) else 500, {}, b""))
    command.configure(SETTINGS.replace('"2s"', '"30s"'))
    topic = f"{command.url}all.rss"
    with command.running() as daemon:
        for number in range(20):
            subscribe(command, topic, f"{slow.url}/{number}")
        subscribe(command, topic, f"{reader.url}/cb")
        until(lambda: subscribers(command) == 21)
        command.post("2026-01-03-two", "Second news")
        reader.wait(1)
        slow.wait(20)
        code, seconds = daemon.end()
        assert (code, seconds < 5) == (0, True)
    over.set()
    slow.receive = lambda received: (200, {}, b"")
    slow.received.clear()
    with command.running():
        slow.wait(20)
    assert len(reader.of("POST")) == 1
    slow.close()


def test_a_kill_in_the_middle_of_a_fan_out(command: Command, reader: Subscriber) -> None:
    """kill -9: after the restart all 200 subscribers have the newest version.

    They are one page, which is sent again: no subscriber gets it more than twice.
    """
    deliveries: Counter[str] = Counter()

    def slowly(received: Received) -> Reply:
        time.sleep(0.02)
        deliveries[received.target] += b"Second news" in received.body
        return 200, {}, b""

    reader.receive = slowly
    topic = f"{command.url}all.rss"
    with command.running() as daemon:
        for number in range(200):
            assert subscribe(command, topic, f"{reader.url}/{number}", secret="hush") == 202
        until(lambda: subscribers(command) == 200)
        command.post("2026-01-03-two", "Second news")
        until(lambda: len(deliveries) >= 50)
        daemon.end(signal.SIGKILL)
    before = len(deliveries)
    with command.running():
        until(lambda: len(deliveries) == 200)
        until(lambda: queued(command) == 0)  # all second deliveries are sent by then
        assert subscribers(command) == 200
    assert before < 200
    assert set(deliveries.values()) <= {1, 2}
    assert all("X-Hub-Signature" in delivery.headers for delivery in reader.of("POST"))


def test_a_verification_survives_a_crash(command: Command, reader: Subscriber) -> None:
    """After the answer 202 the callback is verified, even if the daemon is killed."""
    stuck = threading.Event()

    def answer(received: Received) -> Reply:
        if not stuck.is_set():
            stuck.wait(10)
            return 500, {}, b""
        return 200, {}, received["challenge"].encode()

    reader.verify = answer
    with command.running() as daemon:
        assert subscribe(command, f"{command.url}all.rss", f"{reader.url}/cb") == 202
        reader.wait(1, "GET")
        daemon.end(signal.SIGKILL)
    stuck.set()
    with command.running():
        reader.wait(2, "GET")
        until(lambda: subscribers(command) == 1)


def test_a_removed_feed_ends_its_subscriptions(command: Command, reader: Subscriber) -> None:
    """Its readers get `denied`, its URL answers 410 without links, and subscribing is refused."""
    topic = f"{command.url}all.json"
    with command.running():
        subscribe(command, topic, f"{reader.url}/cb")
        until(lambda: subscribers(command) == 1)
    command.configure(SETTINGS)
    config = command.config.read_text().replace("[feeds]\n", '[feeds]\nformats = ["rss", "atom"]\n')
    command.config.write_text(config)
    with command.running():
        denied = reader.wait(2, "GET")[1]
        assert (denied["mode"], denied["topic"]) == ("denied", topic)
        gone = requests.get(topic, timeout=5)
        assert (gone.status_code, "Link" in gone.headers) == (410, False)
        assert subscribe(command, topic, f"{reader.url}/cb") in (404, 410)
        assert subscribers(command) == 0


def test_operators_see_their_subscribers_and_no_secrets(
    command: Command, reader: Subscriber
) -> None:
    """status, hub list and /metrics show subscribers and failures, but no secret and no token."""
    reader.receive = lambda received: (500, {}, b"")
    command.configure(SETTINGS.replace('"300ms", "300ms"', ", ".join(['"200ms"'] * 5)))
    topic, callback = f"{command.url}all.rss", f"{reader.url}/cb?token=hush"
    with command.running("-v") as daemon:
        subscribe(command, topic, callback, secret="hushhush")
        until(lambda: subscribers(command) == 1)
        command.post("2026-01-03-two", "Second news")
        reader.wait(6, within=AT_ONCE)  # a wait of 200 ms is one of 200 ms
        until(
            lambda: 'outcome="given_up"' in requests.get(f"{command.admin}metrics", timeout=5).text
        )
        status, facts = (
            command("hub", "list").stdout,
            json.loads(command("hub", "list", "--json").stdout),
        )
        page = command("status").stdout
        metrics = requests.get(f"{command.admin}metrics", timeout=5).text
        (listed,) = facts["subscriptions"]
        removed, again = (
            command("hub", "remove", listed["callback"]),
            command("hub", "remove", callback),
        )
        denied = reader.wait(2, "GET")[1]
        daemon.end()
    assert (listed["topic"], listed["failures"], listed["error"]) == (topic, 6, "it answered 500")
    assert listed["callback"].startswith(reader.url.removeprefix("http://") + "#")
    assert topic in status
    assert "it answered 500 (6 in a row)" in status
    assert f"{topic}: 1 subscriber, 1 failing" in page
    assert f'syndicator_subscribers{{topic="{topic}"}} 1.0' in metrics
    assert (removed.returncode, removed.stdout, again.returncode) == (0, "1 removed\n", 1)
    assert (denied["mode"], denied["topic"]) == ("denied", topic)
    assert "hush" not in "".join(
        [status, page, metrics, json.dumps(facts), *daemon.out, *daemon.err]
    )
