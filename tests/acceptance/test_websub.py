"""The real daemon as publisher and hub: what a feed says, who hears of a change, and what a crash leaves.

P-1 to P-11 are what W3C WebSub §4 and §6 ask of a publisher, in the order of the text.
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
from hubsite import Asked, Reply, Subscriber

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
    """A site that runs, with another hub besides ours and a feed that moved."""
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
    """As the strictest of readers sees them: absolute, rel first and alone, one separator."""
    found = [
        re.fullmatch(r'<(https?://[^>]+)>; rel="([a-z]+)"', link) for link in header.split(", ")
    ]
    assert all(found), header
    return [(match[2], match[1]) for match in found if match]


def subscribe(
    command: Command, topic: str, callback: str, mode: str = "subscribe", **more: object
) -> int:
    form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback}
    form |= {f"hub.{name}": str(value) for name, value in more.items()}
    return SESSION.post(f"{command.url}hub", data=form, timeout=4).status_code


def subscribers(command: Command) -> float:
    """Those that hold, of all topics."""
    text = requests.get(f"{command.admin}metrics", timeout=5).text
    return sum(
        float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("syndicator_subscribers")
    )


def owed(command: Command) -> int:
    """Requests that are still to be made."""
    return int(requests.get(f"{command.admin}readyz", timeout=5).json()["owed"])


def test_p1_p2_p6_each_feed_names_its_hub_and_itself(served: Command) -> None:
    """In the header of GET and of HEAD: our hub first, and exactly one self, which is the address served."""
    for path in FEEDS:
        for method in ("GET", "HEAD"):
            response = requests.request(method, served.url + path, timeout=5)
            assert links(response.headers["Link"]) == [
                ("hub", f"{served.url}hub"),
                ("hub", "https://other.example/"),
                ("self", served.url + path),
            ]


def test_p3_the_same_links_stand_in_the_document(served: Command) -> None:
    """As atom:link in the feed or the channel, for who reads no headers."""
    for path, where in (("all.atom", "."), ("all.rss", "channel")):
        root = ElementTree.fromstring(requests.get(served.url + path, timeout=5).content)
        element = root.find(where)
        assert element is not None
        said = [(link.get("rel"), link.get("href")) for link in element.findall(f"{ATOM}link")]
        assert sorted(link for link in said if link[0] in ("hub", "self")) == [
            ("hub", f"{served.url}hub"),
            ("hub", "https://other.example/"),
            ("self", served.url + path),
        ]


def test_p4_pages_lead_to_the_feeds_and_are_no_topics(served: Command) -> None:
    """A page names the feeds; a hub link in it would make the page itself the topic."""
    found: list[tuple[str | None, str | None]] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "link":
                found.append((dict(attrs).get("rel"), dict(attrs).get("href")))

    response = requests.get(f"{served.url}all.html", timeout=5)
    Links().feed(response.text)
    assert {rel for rel, _ in found} & {"hub", "self"} == set()
    assert len([rel for rel, _ in found if rel == "alternate"]) >= 3
    assert "hub" not in response.headers.get("Link", "")


def test_p5_json_feed_names_hub_and_self(served: Command) -> None:
    """WebSub finds them in the header; JSON Feed has its own place for them besides."""
    feed = requests.get(f"{served.url}all.json", timeout=5).json()
    assert feed["feed_url"] == f"{served.url}all.json"
    assert [hub["url"] for hub in feed["hubs"]] == [f"{served.url}hub", "https://other.example/"]


def test_p7_p8_every_hub_is_told_of_every_topic(command: Command, reader: Subscriber) -> None:
    """Hubs that are configured get a ping for each file that changed; ours needs none, it knows."""
    other = Subscriber()
    command.configure(SETTINGS + f'[push]\nhubs = ["{reader.url}/a", "{other.url}/b"]')
    with command.running():
        for hub in (reader, other):
            told = {asked.body for asked in hub.wait(len(FEEDS))}
            assert len(told) == len(FEEDS)
    other.close()


def test_p9_one_address_is_one_representation(served: Command) -> None:
    """Whatever a client says it accepts: each format has its own address and is its own topic."""
    for accept in ("application/atom+xml", "text/html", "*/*"):
        headers = {"Accept": accept, "Accept-Language": "de"}
        response = requests.get(f"{served.url}all.rss", headers=headers, timeout=5)
        assert response.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
        assert dict(links(response.headers["Link"]))["self"] == f"{served.url}all.rss"


def test_p10_a_topic_that_moved_leads_to_the_new_one(served: Command) -> None:
    """By 301, without links of its own: who renews finds the new hub and self there, and subscribes to that."""
    moved = requests.get(f"{served.url}category/old.rss", timeout=5, allow_redirects=False)
    assert (moved.status_code, "Link" in moved.headers) == (301, False)
    followed = requests.get(f"{served.url}category/old.rss", timeout=5)
    assert dict(links(followed.headers["Link"]))["self"] == f"{served.url}category/news.rss"
    assert subscribe(served, f"{served.url}category/old.rss", "http://127.0.0.1:9/") == 404


@pytest.mark.parametrize("path", ["nothing.rss", "category/none.atom", ".well-known/host-meta"])
def test_p11_what_is_no_topic_names_no_hub(served: Command, path: str) -> None:
    """Neither what isn't there, nor host-meta, by which an older draft discovered hubs."""
    response = requests.get(served.url + path, timeout=5, allow_redirects=False)
    assert (response.status_code, "Link" in response.headers) == (404, False)


def test_a_saved_post_is_with_its_readers_at_once(command: Command, reader: Subscriber) -> None:
    """Subscribe as a reader does, save a post: what comes is, byte for byte, what the topic then is."""
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


def test_a_hanging_reader_holds_neither_the_others_nor_the_end(
    command: Command, reader: Subscriber
) -> None:
    """The others have it at once; SIGTERM ends the daemon within five seconds; nothing is lost."""
    over = threading.Event()
    slow = Subscriber(receive=lambda asked: (200 if over.wait(20) else 500, {}, b""))
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
    slow.receive = lambda asked: (200, {}, b"")
    slow.asked.clear()
    with command.running():
        slow.wait(20)
    assert len(reader.of("POST")) == 1
    slow.close()


def test_killed_in_the_middle_of_a_fan_out(command: Command, reader: Subscriber) -> None:
    """kill -9: after the restart each of two hundred has the newest version, and few of them twice."""
    got: Counter[str] = Counter()

    def slowly(asked: Asked) -> Reply:
        time.sleep(0.02)
        got[asked.target] += b"Second news" in asked.body
        return 200, {}, b""

    reader.receive = slowly
    topic = f"{command.url}all.rss"
    with command.running() as daemon:
        for number in range(200):
            assert subscribe(command, topic, f"{reader.url}/{number}", secret="hush") == 202
        until(lambda: subscribers(command) == 200)
        command.post("2026-01-03-two", "Second news")
        until(lambda: len(got) >= 50)
        daemon.end(signal.SIGKILL)
    before = len(got)
    with command.running():
        until(lambda: len(got) == 200)
        until(lambda: owed(command) == 0)  # whoever is sent it twice was by then
        assert subscribers(command) == 200
    doubled = sum(got.values()) - 200
    print(f"killed after {before} of 200; {doubled} were sent it twice")
    assert (before < 200, 0 <= doubled <= 100) == (True, True)
    assert all("X-Hub-Signature" in delivery.headers for delivery in reader.of("POST"))


def test_a_verification_outlives_a_crash(command: Command, reader: Subscriber) -> None:
    """Who was answered 202 is asked, whatever happens in between."""
    stuck = threading.Event()

    def answer(asked: Asked) -> Reply:
        if not stuck.is_set():
            stuck.wait(10)
            return 500, {}, b""
        return 200, {}, asked["challenge"].encode()

    reader.verify = answer
    with command.running() as daemon:
        assert subscribe(command, f"{command.url}all.rss", f"{reader.url}/cb") == 202
        reader.wait(1, "GET")
        daemon.end(signal.SIGKILL)
    stuck.set()
    with command.running():
        reader.wait(2, "GET")
        until(lambda: subscribers(command) == 1)


def test_a_feed_that_is_no_longer_made_ends_its_subscriptions(
    command: Command, reader: Subscriber
) -> None:
    """Its readers are told `denied`, its address says 410 without links, and nobody can subscribe to it."""
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


def test_operators_see_their_readers_and_no_secrets(command: Command, reader: Subscriber) -> None:
    """status, hub list and /metrics show who follows what and what fails; secrets and tokens are nowhere."""
    reader.receive = lambda asked: (500, {}, b"")
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
