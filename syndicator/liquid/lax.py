"""Rewrites malformed markup that Ruby's Liquid tolerates so that python-liquid can parse it.

Jekyll uses the lax parser: any text between braces has a value, if only nil. Templates of other
languages (`{{ user() }}`, `{{}}`) disappear instead of failing. Source: Ruby Liquid 5.4,
`lax_parse` in `lib/liquid/variable.rb`, `tags/if.rb`, `tags/for.rb` and `tags/assign.rb`.
"""

import re
from functools import lru_cache

from liquid import Environment, TokenStream
from liquid.builtin.expressions import (
    BooleanExpression,
    FilteredExpression,
    LoopExpression,
    parse_primitive,
    tokenize,
)
from liquid.exceptions import LiquidError
from liquid.token import TOKEN_EXPRESSION, Token

_QUOTED = r'"[^"]*"|\'[^\']*\''
_FRAGMENT = rf"(?:{_QUOTED}|(?:[^\s,|'\"]|{_QUOTED})+)"
_FIRST = re.compile(rf"({_FRAGMENT})(.*)", re.DOTALL)
_FILTER = re.compile(rf"(?:\s+|{_FRAGMENT}|,)+")
_ARGUMENT = re.compile(rf"[:,]\s*((?:\w+\s*:\s*)?{_FRAGMENT})")
_KEYWORD = re.compile(rf"(?<!\w)(\w[\w-]*+)\s*+:\s*+({_FRAGMENT})")
_LOOKUP = re.compile(r"\[[^\]]++\]|[\w-]+\??")
_ASSIGN = re.compile(r"([\w.()\[\]-]+)\s*=\s*(.*)", re.DOTALL)
_FOR = re.compile(rf"([\w-]+)\s+in\s+({_FRAGMENT})\s*(reversed)?")
_CONDITION = re.compile(rf"({_FRAGMENT})\s*([=!<>a-z_]+)?\s*({_FRAGMENT})?")
_BOOLEAN = re.compile(r"\b(and|or)\b")
_ATTRIBUTES = ("limit", "offset", "cols")
_BLANK = re.compile(rf"({_QUOTED})|(?<![\w.\[-])blank(?![\w.\[-])")
_OPERATORS = ("==", "!=", "<>", "<", ">", "<=", ">=", "contains")
#: The variable that replaces `blank` in conditions. In Jekyll no value equals `blank`: only Rails
#: adds `blank?` to Ruby's values.
BLANK = "__blank__"
#: Characters of malformed markup, and of an expression in a filter's argument. Well-formed markup
#: may be longer.
MAX_LENGTH = 1_000

_ENVIRONMENT = Environment()


def repair(tag: str, markup: str) -> str:
    """The markup of a tag ("" for an output), rewritten if it can't be parsed."""
    return _cached_repair(tag, markup) if len(markup) <= MAX_LENGTH else _repair(tag, markup)


def _repair(tag: str, markup: str) -> str:
    match tag:
        case "":
            return markup if _is_valid(FilteredExpression, markup) else _variable(markup)
        case "if" | "unless" | "elsif":
            markup = _BLANK.sub(lambda match: match.group(1) or BLANK, markup)
            return markup if _is_valid(BooleanExpression, markup) else _condition(markup)
        case "for" | "tablerow":
            return markup if _is_valid(LoopExpression, markup) else _for(markup)
        case "assign":
            return _assign(markup)
    return markup


#: Most tags occur in many posts. Only short markup is cached.
_cached_repair = lru_cache(maxsize=4096)(_repair)


def _is_valid(
    kind: type[FilteredExpression | BooleanExpression | LoopExpression], markup: str
) -> bool:
    try:
        kind.parse(_ENVIRONMENT, _stream(markup))
    except (LiquidError, ValueError, RecursionError):
        return False
    return True


def _stream(markup: str) -> TokenStream:
    return TokenStream(tokenize(markup, Token(TOKEN_EXPRESSION, markup, 0, markup)))


def _variable(markup: str) -> str:
    first = _FIRST.search(markup) if len(markup) <= MAX_LENGTH else None
    if first is None:
        return "nil"
    parts = [_fragment(first.group(1))]
    for text in _FILTER.findall(first.group(2).partition("|")[2]):
        name = re.search(r"\w+", text)
        if name:
            arguments = ", ".join(map(_argument, _ARGUMENT.findall(text)))
            parts.append(f"{name.group()}: {arguments}" if arguments else name.group())
    repaired = " | ".join(parts)
    return repaired if _is_valid(FilteredExpression, repaired) else "nil"


def _argument(text: str) -> str:
    keyword = _KEYWORD.fullmatch(text)
    return f"{keyword.group(1)}: {_fragment(keyword.group(2))}" if keyword else _fragment(text)


def _fragment(text: str) -> str:
    try:
        stream = _stream(text)
        parse_primitive(_ENVIRONMENT, stream)
        stream.expect_eos()
    except (LiquidError, ValueError, RecursionError):
        path = "".join(part if part[0] == "[" else f"['{part}']" for part in _LOOKUP.findall(text))
        return path or "nil"
    return text


def _assign(markup: str) -> str:
    parts = _ASSIGN.match(markup)
    if parts is None or not re.fullmatch(r"[\w-]+", parts.group(1)):
        return markup
    return f"{parts.group(1)} = {repair('', parts.group(2).strip())}"


def _condition(markup: str) -> str:
    if len(markup) > MAX_LENGTH:
        return "false"
    words = []
    for part in _BOOLEAN.split(markup):
        if part in ("and", "or"):
            words.append(part)
            continue
        comparison = _CONDITION.search(part)
        if comparison is None:
            return "false"
        left, operator, right = comparison.groups()
        right = f" {operator} {_fragment(right)}" if right and operator in _OPERATORS else ""
        words.append(_fragment(left) + right)
    repaired = " ".join(words)
    return repaired if _is_valid(BooleanExpression, repaired) else "false"


def _for(markup: str) -> str:
    loop = _FOR.match(markup) if len(markup) <= MAX_LENGTH else None
    if loop is None:
        return markup
    name, sequence, backwards = loop.groups()
    attributes = [
        f"{key}: {_fragment(value)}"
        for key, value in _KEYWORD.findall(markup[loop.end() :])
        if key in _ATTRIBUTES
    ]
    return " ".join(
        [name, "in", _fragment(sequence), *(["reversed"] if backwards else []), *attributes]
    )
