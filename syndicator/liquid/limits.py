"""How much work and how much text the Liquid of one post may make. Counted, not timed: same input, same end."""

from collections.abc import Sized
from io import StringIO
from typing import cast

from liquid.exceptions import ResourceLimitError

#: Nodes, look-ups, filter calls and rounds of loops, and what they carry. About half a second's worth.
STEPS = 100_000
#: Characters of one value, and of the whole output.
TEXT = 2 * 1024 * 1024
#: Includes and loops inside each other; each costs about ten frames of Python's stack.
DEPTH = 50
#: Tags and outputs that are parsed, of the post and of each file it includes, counted once for each 16 characters of
#: what they hold. 20,000 take about a second; a long post has some hundred.
TAGS = 20_000
_CHARACTERS_A_TAG = 16
#: Characters of malformed markup that count as a tag, beside the others: it is read several times.
_MENDED_A_TAG = 2
#: Characters that python-liquid looks ahead from each parenthesis and bracket.
_LOOKED_AHEAD_A_TAG = 2_000
_CHARACTERS_A_STEP = 64
_VALUES_IN_A_HASH = 4  #: each may be one itself
_SEARCHED_A_STEP = 1024
_DIGITS = 4096


class LiquidLimitError(ResourceLimitError):
    """The post's Liquid does more than any page needs."""


class Group(dict[str, object]):
    """What `group_by` makes. Its items are counted with the list it stands in, since a template can nest it."""


class Meter:
    """Counts down what is left to spend."""

    def __init__(self, steps: int = STEPS) -> None:
        self._steps = steps
        self._text = TEXT
        self._tags = TAGS

    def parse(self, markup: str) -> None:
        """Count a tag or an output before it is parsed. Raises LiquidLimitError when there are too many."""
        self._tags -= (
            1 + len(markup) // _CHARACTERS_A_TAG + looks_ahead(markup) // _LOOKED_AHEAD_A_TAG
        )
        if self._tags < 0:
            raise LiquidLimitError(
                f"the Liquid has more than {TAGS:,} tags, or as much in them", token=None
            )

    def mended(self, markup: str) -> None:
        """Count markup that had to be mended. Raises LiquidLimitError."""
        self._tags -= len(markup) // _MENDED_A_TAG
        if self._tags < 0:
            raise LiquidLimitError(
                f"the Liquid has more than {TAGS:,} tags, or as much in them", token=None
            )

    def spend(self, steps: int = 1) -> None:
        """Raises LiquidLimitError when nothing is left."""
        self._steps -= steps
        if self._steps < 0:
            raise LiquidLimitError("the Liquid does too much work: an endless loop?", token=None)

    def written(self, characters: int) -> None:
        """Count what was written, wherever to. Raises LiquidLimitError."""
        self.spend(1 + characters // _CHARACTERS_A_STEP)
        self._text -= characters
        if self._text < 0:
            raise LiquidLimitError("the Liquid writes too much text", token=None)

    def weigh(self, value: object) -> None:
        """Count what it costs to handle a value. Raises LiquidLimitError for one that is too large by itself."""
        if isinstance(value, str):
            check(len(value))
            self.spend(len(value) // _CHARACTERS_A_STEP)
        elif isinstance(value, list):
            characters = self._weigh_list(value)
            check(characters)
            self.spend(characters // _CHARACTERS_A_STEP)
        elif isinstance(value, int):
            if value.bit_length() > _DIGITS:
                raise LiquidLimitError("the Liquid makes a number that is too large", token=None)
        elif isinstance(value, range):
            self.spend(length(value))
        elif isinstance(value, Sized):
            self.spend(_VALUES_IN_A_HASH * len(value))

    def glance(self, value: object) -> None:
        """Count what it costs to compare a value or to search it, which is little."""
        if isinstance(value, str):
            self.spend(len(value) // _SEARCHED_A_STEP)
        elif isinstance(value, Group):
            self.glance([value])
        elif isinstance(value, list) and value:
            self.spend(self._weigh_list(value) // _SEARCHED_A_STEP)

    def _weigh_list(self, value: list[object]) -> int:
        """Count the items of a list and of the lists in it. Return the characters of its texts.

        A list of a list twice over, and so on, is small to make and endless to read; so is one text many times over.
        """
        characters = 0
        todo = [value]
        while todo:
            many = todo.pop()
            self.spend(1 + len(many) // 8)
            characters += sum(len(item) for item in many if isinstance(item, str))
            for item in many:
                if isinstance(item, list):
                    todo.append(item)
                elif isinstance(item, Group):
                    todo.append(cast("list[object]", item["items"]))
        return characters


class Allowance:
    """Counts down the values and the characters that one text may be made of."""

    def __init__(self, values: int = STEPS) -> None:
        self._values = values
        self._characters = TEXT

    def take(self, characters: int = 0, *, values: int = 1) -> None:
        """Count a value and its characters before they are copied. Raises LiquidLimitError."""
        self._values -= values
        self._characters -= characters
        if self._values < 0:
            raise LiquidLimitError("the Liquid prints a value that is too large", token=None)
        if self._characters < 0:
            raise LiquidLimitError("the Liquid makes a text that is too long", token=None)


def looks_ahead(markup: str) -> int:
    """The most characters that python-liquid's pattern for ranges and indexes looks at: each `(` may see the end."""
    return (markup.count("(") + markup.count("[")) * len(markup)


def check(characters: int) -> None:
    """Refuse a text before it is made. Raises LiquidLimitError."""
    if characters > TEXT:
        raise LiquidLimitError("the Liquid makes a text that is too long", token=None)


def length(numbers: range) -> int:
    """The length of a range; STEPS + 1 for any that is longer than that (`len` fails on the longest)."""
    return min(max(numbers.stop - numbers.start, 0), STEPS + 1)


class MeteredOutput(StringIO):
    """Text that is counted as it is written."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def write(self, text: str) -> int:
        """Raises LiquidLimitError."""
        self._meter.written(len(text))
        return super().write(text)
