"""Values as Ruby reads and prints them."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from liquid import Undefined
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow

from syndicator.liquid.limits import STEPS, Allowance, LiquidLimitError, length

Number = int | float
_PRINTED = 20_000
_LEADING_INTEGER = re.compile(r"\s*([+-]?\d{1,1000})")
_DECIMAL = re.compile(r"-?\d{1,1000}\.\d{1,1000}")


def nil(value: object) -> object:
    """None for what is not defined, else the value."""
    return None if isinstance(value, Undefined) else value


def is_array(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def to_s(value: object, left: Allowance | None = None) -> str:
    """As Ruby's `to_s`. Raises LiquidLimitError for a hash or an array of more than is `left`."""
    match nil(value):
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
        case Mapping() | Sequence() as many:
            return inspect(many, left)
        case other:
            return str(other)


def output(value: object) -> str:
    """As an output tag prints it: an array is its items one after the other (`Array#join`)."""
    if is_array(value) and not isinstance(value, range):
        return "".join(texts(flatten(value)))
    return to_s(value)


def texts(many: Iterable[object]) -> list[str]:
    """Each value as `to_s` has it. Raises LiquidLimitError before all together are longer than one text may be."""
    left = Allowance()
    found: list[str] = []
    for item in many:
        if isinstance(item, str):
            left.take(len(item), values=0)
        found.append(to_s(item, left))
    return found


def inspect(value: object, left: Allowance | None = None) -> str:
    """As Ruby's `inspect`. Raises LiquidLimitError for what holds more than is `left`; None: than anyone prints."""
    written: list[str] = []
    _inspect(value, Allowance(_PRINTED) if left is None else left, written.append)
    return "".join(written)


def _inspect(value: object, left: Allowance, write: Callable[[str], None]) -> None:
    left.take(len(value) if isinstance(value, str) else 0)
    value = nil(value)
    if isinstance(value, Mapping) and not isinstance(
        value, ForLoop | TableRow
    ):  # those can't be gone through
        write("{")
        for number, (key, item) in enumerate(value.items()):
            write(", " if number else "")
            _inspect(key, left, write)
            write("=>")
            _inspect(item, left, write)
        write("}")
    elif is_array(value) and not isinstance(value, range):
        write("[")
        for number, item in enumerate(value):  # type: ignore[arg-type]
            write(", " if number else "")
            _inspect(item, left, write)
        write("]")
    elif isinstance(value, str):
        write('"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"')
    else:
        write("nil" if value is None else to_s(value))


def flatten(value: object) -> list[object]:
    """All items of an array and of the arrays in it. Raises LiquidLimitError."""
    found: list[object] = []
    todo: list[object] = [value]
    while todo:
        if len(found) + len(todo) > STEPS:
            raise LiquidLimitError("the Liquid makes an array that is too large", token=None)
        item = todo.pop()
        if isinstance(item, range) and length(item) > STEPS:
            raise LiquidLimitError("the Liquid counts too far", token=None)
        if is_array(item):
            todo.extend(reversed(item))  # type: ignore[call-overload]
        else:
            found.append(item)
    return found


def items(value: object) -> list[object]:
    """What an array filter works on: an array's items, else the value alone; nothing for nil."""
    value = nil(value)
    if value is None:
        return []
    return flatten(value) if is_array(value) else [value]


def to_number(value: object) -> Number:
    """As Liquid's `to_number`: what doesn't begin with a number is 0."""
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
    """As Ruby's `to_i`."""
    if isinstance(value, (bool, int, float)):
        return int(value)
    found = _LEADING_INTEGER.match(to_s(value))
    return int(found.group(1)) if found else 0


def to_integer(value: object) -> int:
    """As Liquid's `to_integer`: raises ValueError for what isn't written as one."""
    return value if isinstance(value, int) else int(to_s(value)[:1000])


def get(item: object, name: object) -> object:
    """A property of an item; None when it has none."""
    try:
        return nil(item[name])  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _float(number: float) -> str:
    text = repr(number)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        mantissa += "" if "." in mantissa else ".0"
        return f"{mantissa}e{exponent}"
    return text
