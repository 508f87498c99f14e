"""What `include` says, and how what it names is rendered (jekyll/lib/jekyll/tags/include.rb)."""

import re
from collections.abc import Iterable
from typing import TextIO

from liquid import Node, RenderContext, Token
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError

from syndicator.liquid.context import Context

#: Name, text in double quotes, in single quotes, and variable, of which one is given.
Parameters = list[tuple[str, str, str, str]]

_PARAMETER = (
    r"([\w-]+)\s*=\s*(?:\"([^\"\\]*(?:\\.[^\"\\]*)*)\"|'([^'\\]*(?:\\.[^'\\]*)*)'|([\w.-]+))"
)
_EACH = re.compile(_PARAMETER, re.DOTALL)
_ALL = re.compile(rf"\s*(?:{_PARAMETER}(?=\s|\Z)\s*)*", re.DOTALL)
_VARIABLE = re.compile(
    r"(?P<file>[^{]*(?:\{\{\s*[\w\-.]+\s*(?:\|[^}]*)?\}\}[^\s{}]*)+)(?P<rest>.*)", re.DOTALL
)
_WORDS = {"nil": None, "null": None, "true": True, "false": False, "blank": "", "empty": ""}
_INTEGER = re.compile(r"-?\d{1,1000}", re.ASCII)
_FLOAT = re.compile(
    r"-?\d{1,300}\.\d{0,300}(?=[\d.]*\Z)", re.ASCII
)  # of "1.2.3" the first two, as Ruby's to_f
_FILE = re.compile(r"[\w/.\-()+~#@]+")
_CLIMBS = re.compile(r"[./]{2,}")
_LONGEST = 20_000


def file_and_parameters(markup: str, token: Token) -> tuple[str, Parameters | None]:
    """The name of the file, which may hold Liquid, and the parameters; None when there are none.

    Raises LiquidSyntaxError.
    """
    if len(markup) > _LONGEST:
        raise LiquidSyntaxError("an include with too much in it", token=token)
    found = _VARIABLE.match(markup)
    file, rest = (found["file"].strip(), found["rest"].strip()) if found else _split(markup)
    if not rest:
        return file, None
    if not _ALL.fullmatch(rest):
        raise LiquidSyntaxError(
            f"the parameters of include can't be read: {rest[:80]}", token=token
        )
    return file, _EACH.findall(rest)


def _split(markup: str) -> tuple[str, str]:
    file, *rest = markup.split(None, 1)
    return file, rest[0] if rest else ""


def parameters(given: Parameters, context: Context) -> dict[str, object]:
    """The values of the parameters."""
    values: dict[str, object] = {}
    for name, double, single, variable in given:
        if variable:
            values[name] = _value(variable, context)
        else:
            values[name] = double.replace('\\"', '"') or single.replace("\\'", "'")
    return values


def _value(said: str, context: Context) -> object:
    """What stands without quotes: a word or a number that Liquid knows (liquid/expression.rb), else a variable."""
    if said in _WORDS:
        return _WORDS[said]
    if _INTEGER.fullmatch(said):
        return int(said)
    if number := _FLOAT.match(said):
        return float(number[0])
    return context.get([_key(part) for part in said.split(".")], token=None, default=None)


def _key(part: str) -> str | int:
    return int(part) if part.isdigit() else part


def is_file_name(file: str) -> bool:
    """Whether Jekyll would look for it: no way up, nothing odd."""
    return bool(_FILE.fullmatch(file)) and not _CLIMBS.search(file)


def render_nodes(nodes: Iterable[Node], context: RenderContext, buffer: TextIO) -> None:
    """Render one after the other; what fails is reported, and the next is rendered. Raises limits and interrupts."""
    for node in nodes:
        try:
            node.render(context, buffer)
        except ResourceLimitError:
            raise
        except LiquidError as error:
            context.env.error(error, token=node.token)
