"""Filters on arrays (Ruby Liquid, `standardfilters.rb`; Jekyll, `filters.rb` and `filters/grouping_filters.rb`).

Where both have a filter of one name (where, find, sort), Jekyll's holds.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any

from liquid import Token, TokenStream
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, tokenize
from liquid.token import TOKEN_EXPRESSION

from syndicator.liquid import lax
from syndicator.liquid.context import Context
from syndicator.liquid.limits import Allowance, Group, LiquidLimitError, Meter, check, looks_ahead
from syndicator.liquid.values import (
    flatten,
    get,
    inspect,
    is_array,
    items,
    texts,
    to_i,
    to_integer,
    to_number,
    to_s,
)

#: Parts of a property's dotted name: no data is that deep.
_PARTS = 32
_READ_A_STEP = 4  #: properties of items
_PRINTED_A_STEP = 16  #: characters of an array or a hash that is compared as text
_PARSED_A_STEP = 4  #: characters of an expression, once
_LOOKED_AHEAD_A_STEP = 500
_EVALUATED_A_STEP = 32  #: and for each item
_NUMBER = re.compile(r"\s*-?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})\s*")
_INTEGER = re.compile(r"\s*-?\d{1,300}\s*")


def join(_: Context, value: object, glue: object = " ") -> str:
    between = to_s(glue)
    parts = texts(items(value))
    check(sum(map(len, parts)) + len(between) * len(parts))
    return between.join(parts)


def first(_: Context, value: object) -> object:
    many = list(value.items())[:1] if isinstance(value, Mapping) else value
    return many[0] if is_array(many) and many else None  # type: ignore[index]


def last(_: Context, value: object) -> object:
    return value[-1] if is_array(value) and value else None  # type: ignore[index]


def size(_: Context, value: object) -> int:
    return len(value) if is_array(value) or isinstance(value, (str, Mapping)) else 0  # type: ignore[arg-type]


def concat(_: Context, value: object, more: object) -> list[object]:
    if not is_array(more):
        raise TypeError("needs an array")
    return items(value) + list(more)  # type: ignore[call-overload, no-any-return]


def reverse(_: Context, value: object) -> list[object]:
    return items(value)[::-1]


def map_(_: Context, value: object, name: object) -> list[object]:
    return [get(item, name) for item in items(value)]


def compact(_: Context, value: object, name: object = None) -> list[object]:
    return [
        item for item in items(value) if (item if name is None else get(item, name)) is not None
    ]


def uniq(_: Context, value: object, name: object = None) -> list[object]:
    found: dict[str, object] = {}
    left = Allowance()
    for item in items(value):
        found.setdefault(inspect(item if name is None else get(item, name), left), item)
    return list(found.values())


def sum_(context: Context, value: object, name: object = None) -> int | float:
    def number(item: object) -> int | float:
        found = item if name is None else get(item, name)
        context.run.meter.glance(found)
        return to_number(found)

    return sum(number(item) for item in items(value))


def sort(
    context: Context, value: object, name: object = None, nils: object = "first"
) -> list[object]:
    if value is None:
        raise TypeError("cannot sort a null object")
    if nils not in ("first", "last"):
        raise ValueError(f"'{to_s(nils)}' must be 'first' or 'last'")
    many = list(value) if is_array(value) else items(value)  # type: ignore[call-overload]
    order = -1 if nils == "first" else 1
    meter = context.run.meter
    found = many if name is None else _properties(meter, many, name)
    keys: list[tuple[object, object]] = list(zip(found, many, strict=True))
    meter.spend(len(keys))

    def compare(one: tuple[object, object], other: tuple[object, object]) -> int:
        return _compare(meter, one[0], other[0], order)

    return [item for _, item in sorted(keys, key=cmp_to_key(compare))]


def sort_natural(_: Context, value: object, name: object = None) -> list[object]:
    many = items(value)
    found = many if name is None else [get(item, name) for item in many]
    keys = [(one is None, text.lower()) for one, text in zip(found, texts(found), strict=True)]
    return [many[at] for at in sorted(range(len(many)), key=keys.__getitem__)]


def where(context: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_many(value):
        return value
    meter, many = context.run.meter, _each(value)
    found = zip(many, _properties(meter, many, name), strict=True)
    return [item for item, one in found if _equals(meter, one, target)]


def find(context: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_many(value):
        return value
    meter, many = context.run.meter, _each(value)
    found = zip(many, _properties(meter, many, name), strict=False)
    return next((item for item, one in found if _equals(meter, one, target)), None)


def where_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    many = _each(value)
    holds = _expression(context, BooleanExpression, variable, expression, len(many))
    return [item for item in many if holds(item)]


def find_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    many = _each(value)
    holds = _expression(context, BooleanExpression, variable, expression, len(many))
    return next((item for item in many if holds(item)), None)


def group_by(context: Context, value: object, name: object) -> object:
    if not _is_many(value):
        return value
    many = _each(value)
    return _grouped(many, texts(_properties(context.run.meter, many, name)))


def group_by_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    many = _each(value)
    evaluate = _expression(context, FilteredExpression, variable, expression, len(many))
    return _grouped(many, map(evaluate, many))


def push(_: Context, value: object, item: object) -> object:
    return [*value, item] if is_array(value) else value  # type: ignore[misc]


def unshift(_: Context, value: object, item: object) -> object:
    return [item, *value] if is_array(value) else value  # type: ignore[misc]


def pop(_: Context, value: object, count: object = 1) -> object:
    return list(value)[: max(len(value) - to_integer(count), 0)] if is_array(value) else value  # type: ignore[call-overload, arg-type]


def shift(_: Context, value: object, count: object = 1) -> object:
    return list(value)[to_integer(count) :] if is_array(value) else value  # type: ignore[call-overload]


def sample(_: Context, value: object, count: object = 1) -> object:
    """The first ones: a feed must not change by chance."""
    if not is_array(value):
        return value
    number = to_i(count)
    return list(value)[:number] if number != 1 else next(iter(value), None)  # type: ignore[call-overload]


def array_to_sentence_string(_: Context, value: object, connector: object = "and") -> str:
    many = value if is_array(value) else []
    lists = (
        "".join(texts(flatten(item))) if is_array(item) and not isinstance(item, range) else item
        for item in many  # type: ignore[attr-defined]
    )
    words = texts(lists)
    check(sum(map(len, words)) + 2 * len(words) + len(to_s(connector)))
    if len(words) < 3:
        return f" {to_s(connector)} ".join(words)
    return f"{', '.join(words[:-1])}, {to_s(connector)} {words[-1]}"


def _is_many(value: object) -> bool:
    return is_array(value) or isinstance(value, Mapping)


def _each(value: Any) -> list[object]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _properties(meter: Meter, many: list[object], name: object) -> Iterator[object]:
    """A property of each item by its dotted name. Raises LiquidLimitError for a name of too many parts."""
    said = to_s(name)
    if said.count(".") >= _PARTS:
        raise LiquidLimitError(
            f"the Liquid has a property's name of more than {_PARTS} parts", token=None
        )
    parts = said.split(".")
    meter.spend(len(many) * len(parts) // _READ_A_STEP)
    return (_property(meter, item, parts) for item in many)


def _property(meter: Meter, item: object, parts: list[str]) -> object:
    """A property; numbers that are written as text count as numbers."""
    found = item
    for part in parts:
        found = get(found, part)
    meter.glance(found)
    text = (
        to_s(found) if isinstance(found, (str, int, float)) and not isinstance(found, bool) else ""
    )
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else found


def _text(meter: Meter, value: object) -> str:
    """As `to_s` has it; printing an array or a hash to compare it is counted."""
    text = to_s(value)
    if not isinstance(value, str):
        meter.spend(len(text) // _PRINTED_A_STEP)
    return text


def _equals(meter: Meter, found: object, target: object) -> bool:
    if target is None:
        return found is None
    if isinstance(found, str) or not is_array(found):
        return found is not None and _text(meter, found) == to_s(target)
    return any(_text(meter, item) == to_s(target) for item in flatten(found))


def _compare(meter: Meter, left: Any, right: Any, order: int) -> int:
    if left is None or right is None:
        return 0 if left is right else (order if left is None else -order)
    try:
        return int(left > right) - int(left < right)
    except TypeError:
        one, other = _text(meter, left), _text(meter, right)
        return int(one > other) - int(one < other)


def _grouped(many: list[object], names: Iterable[object]) -> list[dict[str, object]]:
    groups: dict[str, tuple[object, list[object]]] = {}
    left = Allowance()
    for item, name in zip(many, names, strict=True):
        groups.setdefault(inspect(name, left), (name, []))[1].append(item)
    return [
        Group({"name": name, "items": found, "size": len(found)}) for name, found in groups.values()
    ]


def _expression(
    context: Context,
    kind: type[BooleanExpression | FilteredExpression],
    variable: object,
    said: object,
    items: int,
) -> Callable[[object], object]:
    """What evaluates an expression for each of so many items. Raises LiquidLimitError for one that is too long."""
    text = to_s(said)
    if len(text) > lax.LONGEST:
        raise LiquidLimitError(
            f"the Liquid has an expression of more than {lax.LONGEST:,} characters", token=None
        )
    context.run.meter.spend(len(text) // _PARSED_A_STEP + looks_ahead(text) // _LOOKED_AHEAD_A_STEP)
    context.run.meter.spend(items * (len(text) // _EVALUATED_A_STEP))
    text = lax.mend("if" if kind is BooleanExpression else "", text)
    parsed = kind.parse(context.env, TokenStream(_tokens(text)))

    def evaluate(item: object) -> object:
        with context.extend({to_s(variable): item}):
            return parsed.evaluate(context)

    return evaluate


def _tokens(text: str) -> Iterator[Token]:
    return tokenize(text, Token(TOKEN_EXPRESSION, text, 0, text))


FILTERS: dict[str, Callable[..., object]] = {
    **{
        each.__name__.rstrip("_"): each
        for each in (
            *(
                join,
                first,
                last,
                size,
                concat,
                reverse,
                map_,
                compact,
                uniq,
                sum_,
                sort,
                sort_natural,
                where,
                find,
            ),
            *(where_exp, find_exp, group_by, group_by_exp, push, unshift, pop, shift, sample),
            array_to_sentence_string,
        )
    },
}
