"""Reads and compares the properties of items, for filters on arrays (Jekyll, `filters.rb`)."""

import re
from collections.abc import Iterator
from typing import Any

from syndicator.liquid.limits import LiquidLimitError, Meter
from syndicator.liquid.values import flatten, get, is_array, to_s

_MAX_PARTS = 32  #: parts of a dotted name; real data is never nested so deep
_READ_PER_STEP = 4  #: properties that are read for one step
_PRINTED_PER_STEP = 16  #: characters of an array or a hash that is compared as text
_NUMBER = re.compile(r"\s*-?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})\s*")
_INTEGER = re.compile(r"\s*-?\d{1,300}\s*")


def properties(meter: Meter, items: list[object], name: object) -> Iterator[object]:
    """The property of each item with a dotted name. Raises LiquidLimitError if it is too long."""
    text = to_s(name)
    if text.count(".") >= _MAX_PARTS:
        raise LiquidLimitError(
            f"the Liquid has a property name of more than {_MAX_PARTS} parts", token=None
        )
    parts = text.split(".")
    meter.spend(len(items) * len(parts) // _READ_PER_STEP)
    return (_property(meter, item, parts) for item in items)


def _property(meter: Meter, item: object, parts: list[str]) -> object:
    """The property of an item. A text that is a number becomes a number."""
    value = item
    for part in parts:
        value = get(value, part)
    meter.count_search(value)
    text = (
        to_s(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    )
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else value


def _text(meter: Meter, value: object) -> str:
    """Convert by `to_s`, and count the steps to print an array or a hash."""
    text = to_s(value)
    if not isinstance(value, str):
        meter.spend(len(text) // _PRINTED_PER_STEP)
    return text


def equals(meter: Meter, value: object, target: object) -> bool:
    """Whether a property, or an item of it if it is an array, equals `target` as text."""
    if target is None:
        return value is None
    if isinstance(value, str) or not is_array(value):
        return value is not None and _text(meter, value) == to_s(target)
    return any(_text(meter, item) == to_s(target) for item in flatten(value))


def compare(meter: Meter, left: Any, right: Any, order: int) -> int:
    """-1, 0 or 1, as text if the types differ. `order` is the result if only `left` is nil."""
    if left is None or right is None:
        return 0 if left is right else (order if left is None else -order)
    try:
        return int(left > right) - int(left < right)
    except TypeError:
        one, other = _text(meter, left), _text(meter, right)
        return int(one > other) - int(one < other)
