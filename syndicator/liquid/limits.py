"""Limits on the work and the text of one post's Liquid.

Work is counted in steps, not in seconds: the same text always ends in the same way.
"""

from collections.abc import Sized
from io import StringIO
from typing import cast

from liquid.exceptions import ResourceLimitError

#: Nodes, look-ups, filter calls and loop rounds, and the size of their values: about half a second.
STEPS = 100_000
#: Characters of one value, and of the whole output.
TEXT = 2 * 1024 * 1024
#: Levels of nested includes and loops. Each uses about ten frames of Python's stack.
DEPTH = 50
#: Tags and outputs that are parsed, in the post and in each included file. Each counts once, and
#: once more for each 16 characters in it. 20,000 take about a second; a long post has some hundred.
TAGS = 20_000
_CHARACTERS_PER_TAG = 16
#: Characters of malformed markup that count as one more tag: it is parsed several times.
_REPAIRED_PER_TAG = 2
#: Characters that python-liquid looks ahead, from all parentheses and brackets.
_LOOKED_AHEAD_PER_TAG = 2_000
_CHARACTERS_PER_STEP = 64
_STEPS_PER_HASH_VALUE = 4  #: a value may be a hash itself
_SEARCHED_PER_STEP = 1024
_MAX_NUMBER_BITS = 4096


class LiquidLimitError(ResourceLimitError):
    """The post's Liquid takes more than any page needs."""


class Group(dict[str, object]):
    """A group that `group_by` returns.

    Its items are counted with the list that contains the group, since a template can nest groups.
    """


class Meter:
    """Counts down the steps, the text and the tags of one post."""

    def __init__(self, steps: int = STEPS) -> None:
        self._steps = steps
        self._text = TEXT
        self._tags = TAGS

    def count_tag(self, markup: str) -> None:
        """Count a tag or an output before it is parsed. Raises LiquidLimitError."""
        self._tags -= (
            1
            + len(markup) // _CHARACTERS_PER_TAG
            + lookahead_length(markup) // _LOOKED_AHEAD_PER_TAG
        )
        self._check_tags()

    def count_repaired(self, markup: str) -> None:
        """Count markup that had to be repaired. Raises LiquidLimitError."""
        self._tags -= len(markup) // _REPAIRED_PER_TAG
        self._check_tags()

    def _check_tags(self) -> None:
        if self._tags < 0:
            raise LiquidLimitError(
                f"the Liquid has more than {TAGS:,} tags, or too much markup in them", token=None
            )

    def spend(self, steps: int = 1) -> None:
        """Count steps. Raises LiquidLimitError when none is left."""
        self._steps -= steps
        if self._steps < 0:
            raise LiquidLimitError(
                f"the Liquid takes more than {STEPS:,} steps (an endless loop?)", token=None
            )

    def count_output(self, characters: int) -> None:
        """Count text that is written to any output. Raises LiquidLimitError."""
        self.spend(1 + characters // _CHARACTERS_PER_STEP)
        self._text -= characters
        if self._text < 0:
            raise LiquidLimitError(f"the Liquid writes more than {TEXT:,} characters", token=None)

    def count_value(self, value: object) -> None:
        """Count the steps to process a value. Raises LiquidLimitError, also for a large value."""
        if isinstance(value, str):
            check_length(len(value))
            self.spend(len(value) // _CHARACTERS_PER_STEP)
        elif isinstance(value, list):
            characters = self._count_list(value)
            check_length(characters)
            self.spend(characters // _CHARACTERS_PER_STEP)
        elif isinstance(value, int):
            if value.bit_length() > _MAX_NUMBER_BITS:
                raise LiquidLimitError("the Liquid computes a number that is too large", token=None)
        elif isinstance(value, range):
            self.spend(range_length(value))
        elif isinstance(value, Sized):
            self.spend(_STEPS_PER_HASH_VALUE * len(value))

    def count_search(self, value: object) -> None:
        """Count the steps to compare or to search a value: fewer than to process it."""
        if isinstance(value, str):
            self.spend(len(value) // _SEARCHED_PER_STEP)
        elif isinstance(value, Group):
            self.count_search([value])
        elif isinstance(value, list) and value:
            self.spend(self._count_list(value) // _SEARCHED_PER_STEP)

    def _count_list(self, value: list[object]) -> int:
        """Count the items of a list and of nested lists. Returns the characters of their texts.

        A list may contain another list twice, and so on: it is created fast and takes too long to
        read. So does a list that repeats one long text.
        """
        characters = 0
        remaining = [value]
        while remaining:
            items = remaining.pop()
            self.spend(1 + len(items) // 8)
            characters += sum(len(item) for item in items if isinstance(item, str))
            for item in items:
                if isinstance(item, list):
                    remaining.append(item)
                elif isinstance(item, Group):
                    remaining.append(cast("list[object]", item["items"]))
        return characters


class Allowance:
    """Counts down the values and the characters of one text that is built from values."""

    def __init__(self, values: int = STEPS) -> None:
        self._values = values
        self._characters = TEXT

    def spend(self, characters: int = 0, *, values: int = 1) -> None:
        """Count a value and its characters before they are copied. Raises LiquidLimitError."""
        self._values -= values
        self._characters -= characters
        if self._values < 0:
            raise LiquidLimitError("the Liquid prints a value that is too large", token=None)
        if self._characters < 0:
            raise _too_long()


def lookahead_length(markup: str) -> int:
    """The most characters that python-liquid's pattern for ranges and indexes may look at.

    From each `(` and `[` it may look ahead to the end.
    """
    return (markup.count("(") + markup.count("[")) * len(markup)


def check_length(characters: int) -> None:
    """Raise LiquidLimitError if a text would be too long. Called before the text is built."""
    if characters > TEXT:
        raise _too_long()


def _too_long() -> LiquidLimitError:
    return LiquidLimitError(
        f"the Liquid creates a text of more than {TEXT:,} characters", token=None
    )


def range_length(numbers: range) -> int:
    """The length of a range, at most STEPS + 1: `len` fails for the longest ranges."""
    return min(max(numbers.stop - numbers.start, 0), STEPS + 1)


class MeteredOutput(StringIO):
    """An output whose text is counted as it is written."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def write(self, text: str) -> int:
        """Raises LiquidLimitError."""
        self._meter.count_output(len(text))
        return super().write(text)
