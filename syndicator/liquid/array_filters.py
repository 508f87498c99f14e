"""Filters on arrays.

Sources: Ruby Liquid, `standardfilters.rb`; Jekyll, `filters.rb` and `filters/grouping_filters.rb`.
Where both have a filter with the same name (where, find, sort), Jekyll's is used.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key
from typing import Any

from liquid import Token, TokenStream
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, tokenize
from liquid.token import TOKEN_EXPRESSION

from syndicator.liquid import lax
from syndicator.liquid.context import Context
from syndicator.liquid.limits import (
    Allowance,
    Group,
    LiquidLimitError,
    check_length,
    lookahead_length,
)
from syndicator.liquid.properties import compare, equals, properties
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

#: Characters of an expression for one step: to parse it, to look ahead in it, to evaluate it once.
_PARSED_PER_STEP = 4
_LOOKED_AHEAD_PER_STEP = 500
_EVALUATED_PER_STEP = 32


def join(_: Context, value: object, glue: object = " ") -> str:
    between = to_s(glue)
    parts = texts(items(value))
    check_length(sum(map(len, parts)) + len(between) * len(parts))
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
    unique: dict[str, object] = {}
    allowance = Allowance()
    for item in items(value):
        unique.setdefault(inspect(item if name is None else get(item, name), allowance), item)
    return list(unique.values())


def sum_(context: Context, value: object, name: object = None) -> int | float:
    def summand(item: object) -> int | float:
        number = item if name is None else get(item, name)
        context.run.meter.count_search(number)
        return to_number(number)

    return sum(summand(item) for item in items(value))


def sort(
    context: Context, value: object, name: object = None, nils: object = "first"
) -> list[object]:
    if value is None:
        raise TypeError("cannot sort a null object")
    if nils not in ("first", "last"):
        raise ValueError(f"'{to_s(nils)}' must be 'first' or 'last'")
    values = list(value) if is_array(value) else items(value)  # type: ignore[call-overload]
    order = -1 if nils == "first" else 1
    meter = context.run.meter
    keys = values if name is None else properties(meter, values, name)
    pairs: list[tuple[object, object]] = list(zip(keys, values, strict=True))
    meter.spend(len(pairs))

    def by_key(one: tuple[object, object], other: tuple[object, object]) -> int:
        return compare(meter, one[0], other[0], order)

    return [item for _, item in sorted(pairs, key=cmp_to_key(by_key))]


def sort_natural(_: Context, value: object, name: object = None) -> list[object]:
    values = items(value)
    names = values if name is None else [get(item, name) for item in values]
    keys = [(one is None, text.lower()) for one, text in zip(names, texts(names), strict=True)]
    return [values[at] for at in sorted(range(len(values)), key=keys.__getitem__)]


def where(context: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_collection(value):
        return value
    meter, values = context.run.meter, _as_list(value)
    pairs = zip(values, properties(meter, values, name), strict=True)
    return [item for item, one in pairs if equals(meter, one, target)]


def find(context: Context, value: object, name: object, target: object = None) -> object:
    if not name or isinstance(target, Mapping) or is_array(target) or not _is_collection(value):
        return value
    meter, values = context.run.meter, _as_list(value)
    pairs = zip(values, properties(meter, values, name), strict=False)
    return next((item for item, one in pairs if equals(meter, one, target)), None)


def where_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_collection(value):
        return value
    values = _as_list(value)
    condition = _expression(context, BooleanExpression, variable, expression, len(values))
    return [item for item in values if condition(item)]


def find_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_collection(value):
        return value
    values = _as_list(value)
    condition = _expression(context, BooleanExpression, variable, expression, len(values))
    return next((item for item in values if condition(item)), None)


def group_by(context: Context, value: object, name: object) -> object:
    if not _is_collection(value):
        return value
    values = _as_list(value)
    return _grouped(values, texts(properties(context.run.meter, values, name)))


def group_by_exp(context: Context, value: object, variable: object, expression: object) -> object:
    if not _is_collection(value):
        return value
    values = _as_list(value)
    evaluate = _expression(context, FilteredExpression, variable, expression, len(values))
    return _grouped(values, map(evaluate, values))


def push(_: Context, value: object, item: object) -> object:
    return [*value, item] if is_array(value) else value  # type: ignore[misc]


def unshift(_: Context, value: object, item: object) -> object:
    return [item, *value] if is_array(value) else value  # type: ignore[misc]


def pop(_: Context, value: object, count: object = 1) -> object:
    return list(value)[: max(len(value) - to_integer(count), 0)] if is_array(value) else value  # type: ignore[call-overload, arg-type]


def shift(_: Context, value: object, count: object = 1) -> object:
    return list(value)[to_integer(count) :] if is_array(value) else value  # type: ignore[call-overload]


def sample(_: Context, value: object, count: object = 1) -> object:
    """Jekyll picks at random. This returns the first items: a feed must not change by chance."""
    if not is_array(value):
        return value
    number = to_i(count)
    return list(value)[:number] if number != 1 else next(iter(value), None)  # type: ignore[call-overload]


def array_to_sentence_string(_: Context, value: object, connector: object = "and") -> str:
    joined = (
        "".join(texts(flatten(item))) if is_array(item) and not isinstance(item, range) else item
        for item in (value if is_array(value) else [])  # type: ignore[attr-defined]
    )
    words = texts(joined)
    check_length(sum(map(len, words)) + 2 * len(words) + len(to_s(connector)))
    if len(words) < 3:
        return f" {to_s(connector)} ".join(words)
    return f"{', '.join(words[:-1])}, {to_s(connector)} {words[-1]}"


def _is_collection(value: object) -> bool:
    return is_array(value) or isinstance(value, Mapping)


def _as_list(value: Any) -> list[object]:
    return list(value.values()) if isinstance(value, Mapping) else list(value)


def _grouped(values: list[object], names: Iterable[object]) -> list[dict[str, object]]:
    groups: dict[str, tuple[object, list[object]]] = {}
    allowance = Allowance()
    for item, name in zip(values, names, strict=True):
        groups.setdefault(inspect(name, allowance), (name, []))[1].append(item)
    return [
        Group({"name": name, "items": members, "size": len(members)})
        for name, members in groups.values()
    ]


def _expression(
    context: Context,
    kind: type[BooleanExpression | FilteredExpression],
    variable: object,
    expression: object,
    items: int,
) -> Callable[[object], object]:
    """A function that evaluates an expression for an item. Raises LiquidLimitError.

    `items` is the number of items that it will be called for.
    """
    text = to_s(expression)
    if len(text) > lax.MAX_LENGTH:
        raise LiquidLimitError(
            f"the Liquid has an expression of more than {lax.MAX_LENGTH:,} characters", token=None
        )
    context.run.meter.spend(
        len(text) // _PARSED_PER_STEP + lookahead_length(text) // _LOOKED_AHEAD_PER_STEP
    )
    context.run.meter.spend(items * (len(text) // _EVALUATED_PER_STEP))
    text = lax.repair("if" if kind is BooleanExpression else "", text)
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
            *(join, first, last, size, concat, reverse, map_, compact, uniq, sum_, sort),
            *(sort_natural, where, find, where_exp, find_exp, group_by, group_by_exp),
            *(push, unshift, pop, shift, sample, array_to_sentence_string),
        )
    },
}
