"""Searches ahead in a text that are made once, however often a rule asks for them."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable

#: Characters searched for one step of work: for a string, which is fast, and for a pattern.
_SEARCHED_PER_STEP = 4096
_MATCHED_PER_STEP = 128


class Lookahead:
    """Finds the next place of strings and patterns in one text.

    A result holds from the start of its search up to the place that was found, so a second search
    from between them costs nothing.
    """

    __slots__ = ("_results", "_spend", "_src")

    def __init__(self, src: str, spend: Callable[[int], None]) -> None:
        self._src = src
        self._spend = spend
        self._results: dict[str | re.Pattern[str], tuple[int, int]] = {}  #: start and place

    def find(self, text: str, pos: int) -> int:
        """The first place of a string at or after `pos`; -1: not found."""
        start, place = self._results.get(text, (-1, 0))
        if 0 <= start <= pos and (place < 0 or pos <= place):
            return place
        place = self._src.find(text, pos)
        self._store(text, pos, place, _SEARCHED_PER_STEP)
        return place

    def search(self, pattern: re.Pattern[str], pos: int) -> int:
        """The first place at or after `pos` where a pattern matches; -1: not found."""
        start, place = self._results.get(pattern, (-1, 0))
        if 0 <= start <= pos and (place < 0 or pos <= place):
            return place
        match = pattern.search(self._src, pos)
        place = match.start() if match else -1
        self._store(pattern, pos, place, _MATCHED_PER_STEP)
        return place

    def _store(self, key: str | re.Pattern[str], pos: int, place: int, per_step: int) -> None:
        self._results[key] = (pos, place)
        distance = (place if place >= 0 else len(self._src)) - pos
        if distance >= per_step:
            self._spend(distance // per_step)


class LongestRuns:
    """The length of the longest run of a character at or after each place of a text."""

    __slots__ = ("_lengths", "_places")

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        """`runs` are places and lengths in text order. Runs before a longer one are dropped."""
        self._places: list[int] = []
        self._lengths: list[int] = []
        for place, length in runs:
            while self._lengths and self._lengths[-1] <= length:
                self._lengths.pop()
                self._places.pop()
            self._places.append(place)
            self._lengths.append(length)

    def after(self, pos: int) -> int:
        """The length of the longest run that begins at or after `pos`; 0: not found."""
        number = bisect_left(self._places, pos)
        return self._lengths[number] if number < len(self._lengths) else 0
