"""Filters on arrays (Ruby Liquid, `standardfilters.rb`; Jekyll, `filters.rb` and `filters/grouping_filters.rb`).

Where both have a filter of one name (where, find, sort), Jekyll's holds.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any

from liquid import Token, TokenStream
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, tokenize
from liquid.token import TOKEN_EXPRESSION

from syndicator.jekyll.liquid import lax
from syndicator.jekyll.liquid.context import Context
from syndicator.jekyll.liquid.limits import STEPS, check
from syndicator.jekyll.liquid.values import (
    flatten,
    get,
    inspect,
    is_array,
    items,
    output,
    to_i,
    to_integer,
    to_number,
    to_s,
)

_NUMBER = re.compile(r"\s*-?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})\s*")
_INTEGER = re.compile(r"\s*-?\d{1,300}\s*")


def join(_: Context, value: object, glue: object = " ") -> str:
    between = to_s(glue)
    parts = [to_s(item) for item in items(value)]
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
    return [item for item in items(value) if (item if name is None else get(item, name)) is not None]


def uniq(_: Context, value: object, name: object = None) -> list[object]:
    found: dict[str, object] = {}
    left = iter(range(STEPS))
    for item in items(value):
        found.setdefault(inspect(item if name is None else get(item, name), left), item)
    return list(found.values())


def sum_(_: Context, value: object, name: object = None) -> int | float:
    return sum(to_number(item if name is None else get(item, name)) for item in items(value))


def sort(context: Context, value: object, name: object = None, nils: object = "first") -> list[object]:
    if value is None:
        raise TypeError("cannot sort a null object")
    if nils not in ("first", "last"):
        raise ValueError(f"'{to_s(nils)}' must be 'first' or 'last'")
    many = list(value) if is_array(value) else items(value)  # type: ignore[call-overload]
    order = -1 if nils == "first" else 1
    keys: list[tuple[object, object]] = [(item if name is None else _property(item, name), item) for item in many]
    context.run.meter.spend(len(keys))

    def compare(one: tuple[object, object], other: tuple[object, object]) -> int:
        return _compare(one[0], other[0], order)

    return [item for _, item in sorted(keys, key=cmp_to_key(compare))]


def sort_natural(_: Context, value: object, name: object = None) -> list[object]:
    def key(item: object) -> tuple[bool, str]:
        found = item if name is None else get(item, name)
        return found is None, to_s(found).lower()

    return sorted(items(value), key=key)


def where(_: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_many(value):
        return value
    return [item for item in _each(value) if _equals(_property(item, name), target)]


def find(_: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_many(value):
        return value
    return next((item for item in _each(value) if _equals(_property(item, name), target)), None)


def where_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    holds = _expression(context, BooleanExpression, variable, lax.mend("if", to_s(expression)))
    return [item for item in _each(value) if holds(item)]


def find_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    holds = _expression(context, BooleanExpression, variable, lax.mend("if", to_s(expression)))
    return next((item for item in _each(value) if holds(item)), None)


def group_by(_: Context, value: object, name: object) -> object:
    return _grouped(_each(value), lambda item: to_s(_property(item, name))) if _is_many(value) else value


def group_by_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_many(value):
        return value
    return _grouped(_each(value), _expression(context, FilteredExpression, variable, lax.mend("", to_s(expression))))


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
    words = [output(item) for item in (value if is_array(value) else [])]  # type: ignore[attr-defined]
    if len(words) < 3:
        return f" {to_s(connector)} ".join(words)
    return f"{', '.join(words[:-1])}, {to_s(connector)} {words[-1]}"


def _is_many(value: object) -> bool:
    return is_array(value) or isinstance(value, Mapping)


def _each(value: Any) -> list[object]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _property(item: object, name: object) -> object:
    """A property by its dotted name; numbers that are written as text count as numbers."""
    found = item
    for part in to_s(name).split("."):
        found = get(found, part)
    text = to_s(found) if isinstance(found, (str, int, float)) and not isinstance(found, bool) else ""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else found


def _equals(found: object, target: object) -> bool:
    if target is None:
        return found is None
    if isinstance(found, str) or not is_array(found):
        return found is not None and to_s(found) == to_s(target)
    return any(to_s(item) == to_s(target) for item in flatten(found))


def _compare(left: Any, right: Any, order: int) -> int:
    if left is None or right is None:
        return 0 if left is right else (order if left is None else -order)
    try:
        return int(left > right) - int(left < right)
    except TypeError:
        return int(to_s(left) > to_s(right)) - int(to_s(left) < to_s(right))


def _grouped(many: list[object], key: Callable[[object], object]) -> list[dict[str, object]]:
    groups: dict[str, tuple[object, list[object]]] = {}
    left = iter(range(STEPS))
    for item in many:
        name = key(item)
        groups.setdefault(inspect(name, left), (name, []))[1].append(item)
    return [{"name": name, "items": found, "size": len(found)} for name, found in groups.values()]


def _expression(
    context: Context, kind: type[BooleanExpression | FilteredExpression], variable: object, text: str
) -> Callable[[object], object]:
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
            *(join, first, last, size, concat, reverse, map_, compact, uniq, sum_, sort, sort_natural, where, find),
            *(where_exp, find_exp, group_by, group_by_exp, push, unshift, pop, shift, sample),
            array_to_sentence_string,
        )
    },
}
