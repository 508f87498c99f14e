"""Sweeps: each subscriber gets the newest wave, and gets it once, however the topic changes."""

import random
from dataclasses import dataclass, field

import pytest

from syndicator.model.sweeps import (
    SHARD_SIZE,
    SHARDS,
    Sweep,
    advanced,
    interrupted,
    place_of,
    prepared,
    resting,
    shard_of,
)

SHARD = 3
START = SHARD * SHARD_SIZE
END = START + SHARD_SIZE - 1


@dataclass
class Shard:
    """Subscribers by place, what each received, and the sweep that the state knows."""

    places: list[int]
    page: int
    sweep: Sweep = field(default_factory=lambda: resting(SHARD, 0))
    newest: int = 0  #: the topic's wave, and also the version of its bytes
    changed: int = 0

    def __post_init__(self) -> None:
        self.received: dict[int, list[int]] = {place: [] for place in self.places}

    def change(self) -> None:
        self.newest += 1
        self.changed = self.newest

    def search(self) -> None:
        """A publish request: a wave that is not a change."""
        self.newest += 1

    def send_page(self, *, crash: bool = False) -> bool:
        """Send one page; whether there was one. After a crash the state does not know of it."""
        sweep = prepared(self.sweep, self.newest, self.changed)
        if sweep is None:
            return False
        page = [place for place in self.places if sweep.cursor < place <= sweep.limit][: self.page]
        end = page[-1] if len(page) == self.page else sweep.limit
        for place in page:
            assert not sweep.is_reached(place)
            if sweep.has(place)[1] != str(self.changed):
                self.received[place].append(self.changed)
        self.sweep = (
            interrupted(sweep, self.changed) if crash else advanced(sweep, end, str(self.changed))
        )
        return True

    def finish(self) -> None:
        for _ in range(10_000):
            if not self.send_page():
                return
        raise AssertionError("the sweep does not end")


def a_shard(seed: int) -> tuple[random.Random, Shard]:
    draw = random.Random(seed)
    edges = [START + 1, END] * draw.randint(0, 1)
    places = {draw.randint(START + 1, END) for _ in range(draw.randint(0, 30))}.union(edges)
    return draw, Shard(sorted(places), page=draw.randint(1, 7))


@pytest.mark.parametrize("seed", range(300))
def test_each_subscriber_ends_with_the_newest_and_gets_no_version_twice(seed: int) -> None:
    """Whatever comes when; and what the sweep says of each is what it has."""
    draw, shard = a_shard(seed)
    shard.change()
    for _ in range(draw.randint(1, 40)):
        step = draw.random()
        if step < 0.2:
            shard.change()
        elif step < 0.25:
            shard.search()
        else:
            shard.send_page()
        for place, versions in shard.received.items():
            wave, digest = shard.sweep.has(place)
            assert digest is None or digest == str(versions[-1])
            assert not versions or versions[-1] <= wave
    shard.finish()
    for place, versions in shard.received.items():
        assert versions == sorted(set(versions))
        assert versions[-1] == shard.changed
        assert shard.sweep.has(place) == (shard.newest, str(shard.changed))


@pytest.mark.parametrize("seed", range(100))
def test_five_changes_in_a_sweep_are_twice_the_subscribers_at_most(seed: int) -> None:
    draw, shard = a_shard(seed)
    shard.change()
    pages = len(shard.places) // shard.page + 1
    for _ in range(5):
        for _ in range(draw.randint(0, max(pages // 6, 1))):
            shard.send_page()
        shard.change()
    shard.finish()
    sent = sum(map(len, shard.received.values()))
    assert sent <= 2 * len(shard.places) + 5 * shard.page


@pytest.mark.parametrize("seed", range(100))
def test_a_crash_sends_one_page_again(seed: int) -> None:
    """And the sweep does not claim to know which of its subscribers have what."""
    draw, shard = a_shard(seed)
    shard.change()
    crashes = 0
    for _ in range(20):
        crash = draw.random() < 0.2
        crashes += crash
        shard.send_page(crash=crash)
        if draw.random() < 0.1:
            shard.search()
    shard.finish()
    sent = sum(map(len, shard.received.values()))
    assert sent <= len(shard.places) + crashes * shard.page
    assert all(versions[-1] == shard.changed for versions in shard.received.values())


def test_a_version_that_all_have_again_is_not_sent() -> None:
    """A topic that changes back before its sweep began has the bytes that they have."""
    shard = Shard([START + 5, START + 9], page=1)
    shard.change()
    shard.finish()
    sweep = prepared(shard.sweep, 3, 3)
    assert sweep is not None
    assert [sweep.has(place) for place in shard.places] == [(1, "1"), (1, "1")]


def test_a_place_is_in_the_shard_of_its_host() -> None:
    """All callbacks of a host are in one shard, at places of their own."""
    callbacks = [f"https://a{host}.example:{n}/cb?{n}" for host in range(200) for n in range(5)]
    places = [place_of(callback) for callback in callbacks]
    assert len(set(places)) == len(callbacks)
    shards = [shard_of(place) for place in places]
    assert all(len(set(shards[n : n + 5])) == 1 for n in range(0, 1000, 5))
    assert set(shards) == set(range(SHARDS))
    assert all(
        shard * SHARD_SIZE < place < (shard + 1) * SHARD_SIZE
        for shard, place in zip(shards, places, strict=True)
    )
