"""The daemon with its feeds in a bucket."""

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import buckets
import pytest
import requests
from buckets import Answer, Bucket, Environ
from command import AT_ONCE, PATIENCE, Command, Hub, until

TOPICS = {f"{name}.{suffix}" for name in ("all", "category/news") for suffix in ("rss", "atom")}


@pytest.fixture
def bucket() -> Bucket:
    return buckets.storage().bucket()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


@pytest.fixture
def command(tmp_path: Path, bucket: Bucket, hub: Hub) -> Command:
    """A site that publishes to the bucket, with one post. It polls each second."""
    command = Command(tmp_path)
    command.environ |= buckets.CREDENTIALS
    command.configure(f'{bucket.settings}[push]\nhubs = ["{hub.url}"]\n', poll="1s")
    text = command.config.read_text()
    command.config.write_text(text.replace("[feeds]", '[feeds]\nformats = ["rss", "atom"]'))
    command.post("2026-01-01-one", "First news")
    return command


def test_save_put_ping(command: Command, bucket: Bucket, hub: Hub) -> None:
    """A hub that is pinged finds the new version in the bucket. The daemon serves it, too."""
    found: list[str] = []

    def look(topic: str) -> int:
        found.append(bucket.text(topic.removeprefix(command.url)))
        return 204

    hub.answer = look
    with command.running() as daemon:
        hub.topics(len(TOPICS))
        found.clear()
        command.post("2026-01-02-two", "Second news")
        hub.topics(len(TOPICS))
        assert all("Second news" in text for text in found)
        response = requests.get(f"{command.url}all.atom", timeout=5)
        assert response.text == bucket.text("all.atom")
        assert response.headers["content-encoding"] in ("gzip", "br")
        daemon.end()
    puts = len(bucket.storage.puts())
    with command.running():
        assert requests.get(f"{command.url}all.atom", timeout=5).text == bucket.text("all.atom")
    assert len(bucket.storage.puts()) == puts


def test_killed_while_it_puts(command: Command, bucket: Bucket, hub: Hub) -> None:
    """No half object is there, nothing was announced; the next start puts and pings the rest."""
    putting, killed = threading.Event(), threading.Event()

    def hold(environ: Environ) -> Answer | None:
        if environ["REQUEST_METHOD"] != "PUT" or not environ["PATH_INFO"].endswith("/all.atom"):
            return None
        putting.set()
        killed.wait(PATIENCE)
        return 503, "SlowDown"

    with command.running() as daemon:
        hub.topics(len(TOPICS))
        daemon.end()
    before = bucket.text("all.atom")
    with command.running() as daemon:
        bucket.storage.fault = hold
        command.post("2026-01-02-two", "Second news")
        assert putting.wait(PATIENCE)
        daemon.end(signal.SIGKILL)
        killed.set()
    assert bucket.text("all.atom") == before
    assert hub.pings.empty()
    bucket.storage.fault = lambda environ: None
    with command.running():
        hub.topics(len(TOPICS))
        assert all("Second news" in bucket.text(topic) for topic in TOPICS)


def test_a_writer_that_slept(command: Command, bucket: Bucket, hub: Hub) -> None:
    """Its put is refused (412), nothing is announced of it, and it looks anew at once."""
    newer = b"<feed xmlns='http://www.w3.org/2005/Atom'>newer</feed>"

    def overtake(environ: Environ) -> None:
        if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].endswith("/all.atom"):
            bucket.storage.fault = lambda environ: None
            bucket.put("all.atom", newer)

    command.config.write_text(command.config.read_text().replace('poll = "1s"', 'poll = "20s"'))
    with command.running() as daemon:
        hub.topics(len(TOPICS))
        bucket.storage.fault = overtake
        command.post("2026-01-02-two", "Second news")
        until(lambda: "Second news" in bucket.text("all.atom"), seconds=AT_ONCE)
        assert ("PUT", "all.atom", 412) in bucket.storage.requests
        topics = set()
        while not topics >= TOPICS:
            ping = hub.next()
            if "all." in ping.topic:
                assert b"Second news" in ping.body
            topics.add(ping.topic.removeprefix(command.url))
        assert not [line for line in daemon.err if 'level": "error' in line]


def test_a_bucket_that_is_down_at_the_start(command: Command, bucket: Bucket, hub: Hub) -> None:
    """The daemon starts, and says why nothing is served. Feeds that are served stay so."""
    bucket.storage.fault = lambda environ: (503, "SlowDown")
    with command.running() as daemon:
        daemon.line(lambda line: "answered 503 SlowDown" in line)
        assert requests.get(f"{command.url}all.atom", timeout=5).status_code == 503
        until(lambda: "runs have failed since" in command("status").stdout)
        bucket.storage.fault = lambda environ: None
        hub.topics(len(TOPICS))
        until(lambda: requests.get(f"{command.admin}readyz", timeout=5).ok, what="ready")
        served = requests.get(f"{command.url}all.atom", timeout=5).text
        bucket.storage.fault = lambda environ: (403, "AccessDenied")
        command.post("2026-01-02-two", "Second news")
        until(lambda: not requests.get(f"{command.admin}readyz", timeout=5).ok, seconds=AT_ONCE)
        assert requests.get(f"{command.url}all.atom", timeout=5).text == served
        errors = [line for line in daemon.err if re.search("level.*error", line)]
        assert len(errors) == len(set(errors)) <= 3
