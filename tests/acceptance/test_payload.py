"""The real daemon sends its subscribers only what is new or changed, if it is configured to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from command import Command, until
from hubsite import Received, Subscriber

from syndicator.formats.read_back import parse
from syndicator.websub.signatures import signature

SETTINGS = """
[hub]
payload = "changes"
allow_private = ["127.0.0.0/8"]
timeout = "2s"
retry = ["300ms"]
"""
FORMATS = ("rss", "atom", "json")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path, SETTINGS)
    command.post("2026-01-01-one", "One")
    return command


@pytest.fixture
def reader() -> Iterator[Subscriber]:
    reader = Subscriber()
    yield reader
    reader.close()


def subscribe(command: Command, reader: Subscriber, name: str) -> None:
    form = {
        "hub.mode": "subscribe",
        "hub.topic": f"{command.url}all.{name}",
        "hub.callback": f"{reader.url}/{name}",
        "hub.secret": "hush",
    }
    assert requests.post(f"{command.url}hub", data=form, timeout=5).status_code == 202


def subscribers(command: Command) -> int:
    return len(json.loads(command("hub", "list", "--json").stdout)["subscriptions"])


def entries(delivery: Received) -> list[str]:
    """The last parts of the addresses of a delivery's entries, in its order."""
    shown = parse(delivery.target.removeprefix("/"), delivery.body)
    assert shown is not None
    return [entry.url.split("/")[-1].removesuffix(".html") for entry in shown.entries]


def delivered(reader: Subscriber) -> dict[str, list[str]]:
    """The entries of the next delivery in each format."""
    sent = {each.target.removeprefix("/"): entries(each) for each in reader.wait(len(FORMATS))}
    for each in reader.of("POST"):
        assert each.headers["X-Hub-Signature"] == signature(b"hush", each.body)
    reader.received.clear()
    return sent


def in_each(*names: str) -> dict[str, list[str]]:
    return {name: list(names) for name in FORMATS}


def test_what_a_subscriber_has_is_left_out(command: Command, reader: Subscriber) -> None:
    """All of the feed is sent to one that has nothing, and when an entry was only removed."""
    with command.running() as daemon:
        for name in FORMATS:
            subscribe(command, reader, name)
        reader.wait(len(FORMATS), "GET")
        until(lambda: subscribers(command) == len(FORMATS))
        command.post("2026-01-02-two", "Two")
        assert delivered(reader) == in_each("two", "one")
        command.post("2026-01-03-three", "Three")
        assert delivered(reader) == in_each("three")
        daemon.end()
    with command.running():
        # What the process before sent is known to this one.
        command.post("2026-01-01-one", "One, edited")
        assert delivered(reader) == in_each("one")
        (command.site / "_posts/2026-01-02-two.md").unlink()
        assert delivered(reader) == in_each("three", "one")


def test_a_subscriber_that_missed_some_gets_all(command: Command, reader: Subscriber) -> None:
    """What arrived of a delivery that failed is unknown."""
    with command.running():
        subscribe(command, reader, "atom")
        until(lambda: subscribers(command) == 1)
        command.post("2026-01-02-two", "Two")
        reader.wait(1)
        reader.receive = lambda received: (500, {}, b"")
        command.post("2026-01-03-three", "Three")
        reader.wait(2)
        reader.receive = lambda received: (200, {}, b"")
        assert entries(reader.wait(3)[-1]) == ["three", "two", "one"]
