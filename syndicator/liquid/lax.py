"""What Ruby's Liquid tolerates, said in a way that python-liquid reads.

Jekyll parses laxly: whatever stands between braces means something, if only nil, and templates of other
languages (`{{ user() }}`, `{{}}`) vanish instead of failing. Source: Ruby Liquid 5.4, `lax_parse` in
`lib/liquid/variable.rb`, `tags/if.rb`, `tags/for.rb` and `tags/assign.rb`.
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
_CAPTURE = re.compile(r"[\"']?([\w-]+)[\"']?")
_BLANK = re.compile(rf"({_QUOTED})|(?<![\w.\[-])blank(?![\w.\[-])")
_OPERATORS = ("==", "!=", "<>", "<", ">", "<=", ">=", "contains")
#: What `blank` is called in conditions. Nothing equals it in Jekyll: only Rails gives Ruby's values a `blank?`.
BLANK = "__blank__"
#: Characters of malformed markup, and of an expression that is given as text: longer ones are nobody's. What can be
#: read as it is may be longer.
LONGEST = 1_000

_ENVIRONMENT = Environment()


def mend(tag: str, markup: str) -> str:
    """The markup of a tag ("" for an output) as it is when it can be read, else the nearest that can be."""
    return _kept(tag, markup) if len(markup) <= LONGEST else _mend(tag, markup)


def _mend(tag: str, markup: str) -> str:
    match tag:
        case "":
            return markup if _reads(FilteredExpression, markup) else _variable(markup)
        case "if" | "unless" | "elsif":
            markup = _BLANK.sub(lambda found: found.group(1) or BLANK, markup)
            return markup if _reads(BooleanExpression, markup) else _condition(markup)
        case "for" | "tablerow":
            return markup if _reads(LoopExpression, markup) else _for(markup)
        case "assign":
            return _assign(markup)
        case "capture":
            name = _CAPTURE.match(markup)
            return name.group(1) if name else markup
    return markup


#: Most tags stand in many posts. What is kept is short.
_kept = lru_cache(maxsize=4096)(_mend)


def _reads(
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
    first = _FIRST.search(markup) if len(markup) <= LONGEST else None
    if first is None:
        return "nil"
    parts = [_fragment(first.group(1))]
    for text in _FILTER.findall(first.group(2).partition("|")[2]):
        name = re.search(r"\w+", text)
        if name:
            arguments = ", ".join(map(_argument, _ARGUMENT.findall(text)))
            parts.append(f"{name.group()}: {arguments}" if arguments else name.group())
    mended = " | ".join(parts)
    return mended if _reads(FilteredExpression, mended) else "nil"


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
    return f"{parts.group(1)} = {mend('', parts.group(2).strip())}"


def _condition(markup: str) -> str:
    if len(markup) > LONGEST:
        return "false"
    words = []
    for part in _BOOLEAN.split(markup):
        if part in ("and", "or"):
            words.append(part)
            continue
        found = _CONDITION.search(part)
        if found is None:
            return "false"
        left, operator, right = found.groups()
        comparison = f" {operator} {_fragment(right)}" if right and operator in _OPERATORS else ""
        words.append(_fragment(left) + comparison)
    mended = " ".join(words)
    return mended if _reads(BooleanExpression, mended) else "false"


def _for(markup: str) -> str:
    found = _FOR.match(markup) if len(markup) <= LONGEST else None
    if found is None:
        return markup
    name, sequence, backwards = found.groups()
    attributes = [
        f"{key}: {_fragment(value)}"
        for key, value in _KEYWORD.findall(markup[found.end() :])
        if key in _ATTRIBUTES
    ]
    return " ".join(
        [name, "in", _fragment(sequence), *(["reversed"] if backwards else []), *attributes]
    )
