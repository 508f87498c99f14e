"""What comes next in a text, searched once, however often and from wherever it is asked for."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable

#: Characters searched for a step: of a string, which is fast, and of a pattern.
_SEARCHED_A_STEP, _MATCHED_A_STEP = 4096, 128


class Lookahead:
    """Where strings and patterns are found next in one text.

    An answer holds from where it was asked for up to what was found, so asking again in between costs nothing.
    """

    __slots__ = ("_found", "_spend", "_src")

    def __init__(self, src: str, spend: Callable[[int], None]) -> None:
        self._src = src
        self._spend = spend
        self._found: dict[str | re.Pattern[str], tuple[int, int]] = {}

    def find(self, what: str, pos: int) -> int:
        """Where the string stands at or after `pos`; -1 if nowhere."""
        asked, found = self._found.get(what, (-1, 0))
        if 0 <= asked <= pos and (found < 0 or pos <= found):
            return found
        found = self._src.find(what, pos)
        self._remember(what, pos, found, _SEARCHED_A_STEP)
        return found

    def search(self, pattern: re.Pattern[str], pos: int) -> int:
        """Where the pattern matches at or after `pos`; -1 if nowhere."""
        asked, found = self._found.get(pattern, (-1, 0))
        if 0 <= asked <= pos and (found < 0 or pos <= found):
            return found
        match = pattern.search(self._src, pos)
        found = match.start() if match else -1
        self._remember(pattern, pos, found, _MATCHED_A_STEP)
        return found

    def _remember(self, what: str | re.Pattern[str], pos: int, found: int, speed: int) -> None:
        self._found[what] = (pos, found)
        distance = (found if found >= 0 else len(self._src)) - pos
        if distance >= speed:
            self._spend(distance // speed)


class Longest:
    """The longest run of a character at or after each place of a text."""

    __slots__ = ("_lengths", "_places")

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        """`runs`: places and lengths, in the text's order. A run before a longer one is never the longest."""
        self._places: list[int] = []
        self._lengths: list[int] = []
        for place, length in runs:
            while self._lengths and self._lengths[-1] <= length:
                self._lengths.pop()
                self._places.pop()
            self._places.append(place)
            self._lengths.append(length)

    def after(self, pos: int) -> int:
        """The length of the longest run that begins at or after `pos`; 0 if none does."""
        number = bisect_left(self._places, pos)
        return self._lengths[number] if number < len(self._lengths) else 0
