"""The real daemon announces a feed that changes again and again at its pace, `push.pace`."""

import itertools
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from command import Command, Hub, until
from hubsite import Subscriber

TOPICS = 6  # two feeds in three formats


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


def paced(folder: Path, hub: Hub, pace: str) -> Command:
    private = '[hub]\nallow_private = ["127.0.0.0/8"]\n'
    command = Command(folder, f'[push]\npace = "{pace}"\nhubs = ["{hub.url}"]\n{private}')
    command.post("2026-01-02-one", "First")
    return command


def test_many_edits_are_few_pings_and_deliveries(tmp_path: Path, hub: Hub) -> None:
    """The first goes at once, then at most one a second for each topic, and the last is sent."""
    command, reader = paced(tmp_path, hub, "1s"), Subscriber()
    topic = f"{command.url}all.rss"
    with command.running():
        form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": f"{reader.url}/cb"}
        requests.post(f"{command.url}hub", data=form, timeout=5)
        reader.wait(1, "GET")
        pings = [hub.next() for _ in range(TOPICS)]
        began = time.monotonic()
        for number in range(20):
            command.post("2026-01-02-one", f"Edit {number}")
            until(lambda title=f"Edit {number}<": title in command.feed("all.rss"))
            until(lambda end=began + number / 10: time.monotonic() >= end)
        missing = TOPICS
        while missing:
            pings.append(hub.next())
            missing -= b"Edit 19" in pings[-1].body
        until(lambda: reader.of("POST") and b"Edit 19" in reader.of("POST")[-1].body)
        seconds = time.monotonic() - began
    times = defaultdict[str, list[float]](list)
    for ping in pings:
        times[ping.topic].append(ping.at)
    assert len(times) == TOPICS
    for at in times.values():
        assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(at)), at
    assert len(reader.of("POST")) <= seconds + 1
    reader.close()


def test_a_change_that_waits_for_its_pace_survives_a_crash(tmp_path: Path, hub: Hub) -> None:
    """Its pings are sent by the next process."""
    command = paced(tmp_path, hub, "3s")
    with command.running() as daemon:
        hub.topics(TOPICS)
        command.post("2026-01-02-one", "Changed")
        until(lambda: all("Changed" in command.feed(f"all.{name}") for name in ("rss", "json")))
        daemon.end(signal.SIGKILL)
    with command.running():
        told = set[str]()
        while len(told) < TOPICS:
            ping = hub.next()
            told |= {ping.topic} if b"Changed" in ping.body else set()
