"""Decides the borders of a feed's archive pages, from nothing but the places of its posts.

A page is the largest interval of `model.places` that has at most so many posts. So borders don't
depend on the order of changes. A change affects the page of its place, which may be halved, or
joined with its neighbour. New posts at the end change no page but the newest.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syndicator.model.places import EVERYTHING, Interval, Place, common_bits, interval_of


class Block(NamedTuple):
    """An interval that is one page, or several if its files would be too large."""

    interval: Interval
    places: tuple[Place, ...]  #: oldest first; never empty


def blocks(places: Sequence[Place], most: int, within: Interval = EVERYTHING) -> Iterator[Block]:
    """Divide places, oldest first, into blocks of at most `most`, oldest first.

    `within`: the interval of these places. No other place of the feed may be in it.
    """
    waiting = [Block(within, tuple(places))] if places else []
    while waiting:
        block = waiting.pop()
        if len(block.places) <= most:
            yield block
        else:
            waiting += reversed(halves(block.places))


def halves(places: Sequence[Place]) -> tuple[Block, Block]:
    """Divide two or more places at the highest bit in which they differ."""
    bits = common_bits(places[0].key, places[-1].key) + 1
    border = interval_of(places[-1], bits)
    at = bisect_left(places, True, key=border.holds)
    older = interval_of(places[0], bits)
    return Block(older, tuple(places[:at])), Block(border, tuple(places[at:]))


def block_around(place: Place, neighbours: Sequence[Place], most: int) -> Block:
    """The block that a place is in, or would be in: then it may have no places.

    `neighbours`: `most` + 1 older places and as many newer ones, or all there are, oldest first;
    and the place itself if it is in the feed.
    """
    key = place.key
    common = sorted((common_bits(other.key, key) for other in neighbours), reverse=True)
    bits = common[most] + 1 if len(common) > most else 0
    interval = interval_of(place, bits)
    return Block(interval, tuple(other for other in neighbours if interval.holds(other)))
