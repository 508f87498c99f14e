"""Parses the markup of `include` and renders nodes (jekyll/lib/jekyll/tags/include.rb)."""

import re
from collections.abc import Iterable
from typing import TextIO

from liquid import Node, RenderContext, Token
from liquid.exceptions import LiquidError, ResourceLimitError

from syndicator.liquid.context import Context
from syndicator.liquid.markup_error import LiquidMarkupError

#: Name, double-quoted text, single-quoted text and variable. One of the last three is set.
Parameters = list[tuple[str, str, str, str]]

_PARAMETER = (
    r"([\w-]+)\s*=\s*(?:\"([^\"\\]*(?:\\.[^\"\\]*)*)\"|'([^'\\]*(?:\\.[^'\\]*)*)'|([\w.-]+))"
)
_EACH = re.compile(_PARAMETER, re.DOTALL)
_ALL = re.compile(rf"\s*(?:{_PARAMETER}(?=\s|\Z)\s*)*", re.DOTALL)
_VARIABLE = re.compile(
    r"(?P<file>[^{]*(?:\{\{\s*[\w\-.]+\s*(?:\|[^}]*)?\}\}[^\s{}]*)+)(?P<rest>.*)", re.DOTALL
)
_LITERALS = {"nil": None, "null": None, "true": True, "false": False, "blank": "", "empty": ""}
_INTEGER = re.compile(r"-?\d{1,1000}", re.ASCII)
#: Of "1.2.3" only "1.2", as Ruby's to_f.
_FLOAT = re.compile(r"-?\d{1,300}\.\d{0,300}(?=[\d.]*\Z)", re.ASCII)
_FILE = re.compile(r"[\w/.\-()+~#@]+")
_LEAVES_FOLDER = re.compile(r"[./]{2,}")
_MAX_LENGTH = 20_000  #: characters of the markup of `include`


def file_and_parameters(markup: str, token: Token) -> tuple[str, Parameters | None]:
    """The name of the file, which may contain Liquid, and the parameters; None without parameters.

    Raises LiquidSyntaxError.
    """
    if len(markup) > _MAX_LENGTH:
        message = f"the markup of include is longer than {_MAX_LENGTH:,} characters"
        raise LiquidMarkupError(message, "move the text to a capture", token=token)
    dynamic = _VARIABLE.match(markup)
    file, rest = (dynamic["file"].strip(), dynamic["rest"].strip()) if dynamic else _split(markup)
    if not rest:
        return file, None
    if not _ALL.fullmatch(rest):
        hint = 'write name="value" for each, with quotes around the value'
        message = f"the parameters of include can't be parsed: {rest[:80]}"
        raise LiquidMarkupError(message, hint, token=token)
    return file, _EACH.findall(rest)


def _split(markup: str) -> tuple[str, str]:
    file, *rest = markup.split(None, 1)
    return file, rest[0] if rest else ""


def parameters(parsed: Parameters, context: Context) -> dict[str, object]:
    """Evaluate the parameters."""
    values: dict[str, object] = {}
    for name, double, single, variable in parsed:
        if variable:
            values[name] = _value(variable, context)
        else:
            values[name] = double.replace('\\"', '"') or single.replace("\\'", "'")
    return values


def _value(text: str, context: Context) -> object:
    """Evaluate an unquoted value: a literal or a number (liquid/expression.rb), else a variable."""
    if text in _LITERALS:
        return _LITERALS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if number := _FLOAT.match(text):
        return float(number[0])
    return context.get([_key(part) for part in text.split(".")], token=None, default=None)


def _key(part: str) -> str | int:
    return int(part) if part.isdigit() else part


def is_file_name(file: str) -> bool:
    """Whether Jekyll accepts the name: it stays below its folder and has no unusual characters."""
    return bool(_FILE.fullmatch(file)) and not _LEAVES_FOLDER.search(file)


def render_nodes(nodes: Iterable[Node], context: RenderContext, buffer: TextIO) -> None:
    """Render nodes in order. Report a node that fails, and go on with the next.

    Raises ResourceLimitError and LiquidInterrupt.
    """
    for node in nodes:
        try:
            node.render(context, buffer)
        except ResourceLimitError:
            raise
        except LiquidError as error:
            context.env.error(error, token=node.token)
