"""A killed run loses nothing: files are complete, and the next run builds and pings the rest."""

import json
import random
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from kills import run_and_kill
from support import Site

ROUNDS = 24


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    for day in range(10, 30):
        site.post(
            f"2026-01-{day}-post", "word " * 200, categories=["News" if day % 2 else "Business"]
        )
    site.build()
    site.take_queued_pings()
    return site


def assert_whole(site: Site) -> None:
    """Every feed on disk can be parsed."""
    for path in site.feeds.rglob("*"):
        if path.suffix in (".rss", ".atom"):
            ET.fromstring(path.read_bytes())
        elif path.suffix == ".json":
            json.loads(path.read_bytes())


def test_a_run_killed_at_any_time(site: Site) -> None:
    """Feeds are complete after each kill, and the next run queues a ping for each changed file."""
    dice = random.Random(7)
    site.post("2026-01-10-post", "Another.", categories=["News"])
    started = time.monotonic()
    site.build()
    usual = time.monotonic() - started
    site.take_queued_pings()
    announced = {path: data for path, (data, _) in site.tree().items()}
    over = 0
    for round_ in range(ROUNDS):
        site.clock.forward(minutes=1)
        day = dice.randrange(10, 30)
        categories = ["News" if dice.random() < 0.5 else "Business"]
        site.post(
            f"2026-01-{day}-post", f"Version {round_}. " + "word " * 200, categories=categories
        )
        ended = run_and_kill(site.build, dice.uniform(0, 2 * usual))
        over += ended
        usual *= 0.8 if ended else 1.2  # adapt to a busy machine
        assert_whole(site)
        if round_ % 4 == 3:
            site.build()
            now = {path: data for path, (data, _) in site.tree().items()}
            changed = {
                path
                for path in now
                if now[path] != announced.get(path) and path.endswith((".rss", ".atom", ".json"))
            }
            assert changed <= site.take_queued_pings()
            assert f"Version {round_}. " in (site.feeds / "all.json").read_text()
            announced = now
    assert 0 < over < ROUNDS  # some runs were killed, and some ended
    assert not list(site.feeds.rglob(".syndicator-[0-9]*"))
    site.build()
    assert site.take_queued_pings() == set()


def test_feeds_after_kills_equal_those_without(site: Site, tmp_path: Path) -> None:
    """The same posts at the same times have the same bytes in an undisturbed build."""
    calm = Site(tmp_path / "calm")
    calm.clock = site.clock
    for day in range(10, 30):
        calm.post(
            f"2026-01-{day}-post", "word " * 200, categories=["News" if day % 2 else "Business"]
        )
    calm.build()
    site.clock.forward(minutes=1)
    for day in range(10, 20):
        for each in (site, calm):
            each.post(f"2026-01-{day}-post", "edited " * 200, categories=["News"])
    for step in range(6):
        run_and_kill(site.build, 0.03 * step)
    site.build()
    calm.build()
    assert {path: data for path, (data, _) in site.tree().items()} == {
        path: data for path, (data, _) in calm.tree().items()
    }
