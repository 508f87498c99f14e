"""Converts and prints values as Ruby does."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from liquid import Undefined
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow

from syndicator.liquid.limits import STEPS, Allowance, LiquidLimitError, range_length

Number = int | float
_MAX_PRINTED = 20_000  #: values in a hash or an array that is printed
_LEADING_INTEGER = re.compile(r"\s*([+-]?\d{1,1000})")
_DECIMAL = re.compile(r"-?\d{1,1000}\.\d{1,1000}")


def undefined_to_none(value: object) -> object:
    """The value, or None if it is undefined."""
    return None if isinstance(value, Undefined) else value


def is_array(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def to_s(value: object, allowance: Allowance | None = None) -> str:
    """Convert as Ruby's `to_s`. Raises LiquidLimitError if `allowance` is used up."""
    match undefined_to_none(value):
        case None:
            return ""
        case str() as text:
            return text
        case bool() as flag:
            return "true" if flag else "false"
        case float() | Decimal() as number:
            return _float(float(number))
        case dt.datetime() as time:
            return time.strftime("%Y-%m-%d %H:%M:%S ") + (time.strftime("%z") or "+0000")
        case range() as numbers:
            return f"{numbers.start}..{numbers.stop - 1}"
        case ForLoop() | TableRow():
            return "Liquid::ForloopDrop"
        case Mapping() | Sequence() as collection:
            return inspect(collection, allowance)
        case other:
            return str(other)


def output(value: object) -> str:
    """Print a value as an output tag does: the items of an array are joined (`Array#join`)."""
    if is_array(value) and not isinstance(value, range):
        return "".join(texts(flatten(value)))
    return to_s(value)


def texts(values: Iterable[object]) -> list[str]:
    """Convert each value by `to_s`. Raises LiquidLimitError if all together are too long."""
    allowance = Allowance()
    result: list[str] = []
    for value in values:
        if isinstance(value, str):
            allowance.spend(len(value), values=0)
        result.append(to_s(value, allowance))
    return result


def inspect(value: object, allowance: Allowance | None = None) -> str:
    """Print as Ruby's `inspect`. Raises LiquidLimitError if `allowance` is used up.

    None: an allowance of 20,000 values.
    """
    pieces: list[str] = []
    _inspect(value, Allowance(_MAX_PRINTED) if allowance is None else allowance, pieces.append)
    return "".join(pieces)


def _inspect(value: object, allowance: Allowance, write: Callable[[str], None]) -> None:
    allowance.spend(len(value) if isinstance(value, str) else 0)
    value = undefined_to_none(value)
    # ForLoop and TableRow are mappings that can't be iterated.
    if isinstance(value, Mapping) and not isinstance(value, ForLoop | TableRow):
        write("{")
        for number, (key, item) in enumerate(value.items()):
            write(", " if number else "")
            _inspect(key, allowance, write)
            write("=>")
            _inspect(item, allowance, write)
        write("}")
    elif is_array(value) and not isinstance(value, range):
        write("[")
        for number, item in enumerate(value):  # type: ignore[arg-type]
            write(", " if number else "")
            _inspect(item, allowance, write)
        write("]")
    elif isinstance(value, str):
        write('"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"')
    else:
        write("nil" if value is None else to_s(value))


def flatten(value: object) -> list[object]:
    """All items of an array and of nested arrays. Raises LiquidLimitError."""
    result: list[object] = []
    remaining: list[object] = [value]
    while remaining:
        if len(result) + len(remaining) > STEPS:
            raise LiquidLimitError(
                f"the Liquid creates an array of more than {STEPS:,} values", token=None
            )
        item = remaining.pop()
        if isinstance(item, range) and range_length(item) > STEPS:
            raise LiquidLimitError(
                f"the Liquid has a range of more than {STEPS:,} numbers", token=None
            )
        if is_array(item):
            remaining.extend(reversed(item))  # type: ignore[call-overload]
        else:
            result.append(item)
    return result


def items(value: object) -> list[object]:
    """The input of an array filter: the items of an array, else the single value. Empty for nil."""
    value = undefined_to_none(value)
    if value is None:
        return []
    return flatten(value) if is_array(value) else [value]


def to_number(value: object) -> Number:
    """Convert as Liquid's `to_number`: a text that does not begin with a number is 0."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str):
        return 0
    text = value.strip()
    if _DECIMAL.fullmatch(text):
        return float(text)
    return to_i(text)


def to_i(value: object) -> int:
    """Convert as Ruby's `to_i`."""
    if isinstance(value, (bool, int, float)):
        return int(value)
    digits = _LEADING_INTEGER.match(to_s(value))
    return int(digits.group(1)) if digits else 0


def to_integer(value: object) -> int:
    """Convert as Liquid's `to_integer`. Raises ValueError for a text that is not an integer."""
    return value if isinstance(value, int) else int(to_s(value)[:1000])


def get(item: object, name: object) -> object:
    """A property of an item; None if the item does not have it."""
    try:
        return undefined_to_none(item[name])  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _float(number: float) -> str:
    text = repr(number)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        mantissa += "" if "." in mantissa else ".0"
        return f"{mantissa}e{exponent}"
    return text
