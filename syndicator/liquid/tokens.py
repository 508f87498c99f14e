"""Splits a text into tokens as Ruby's Liquid does (`tokenizer.rb`, `block_body.rb`), in one pass.

python-liquid's own lexer rejects a whole text for one unclosed brace, and takes quadratic time for
unclosed tags.
"""

import re
from collections.abc import Callable, Iterator

from liquid import Token
from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from syndicator.liquid import lax
from syndicator.liquid.markup_error import LiquidMarkupError

Report = Callable[[LiquidSyntaxError], None]
#: Rewrites the markup of a tag ("" for an output) so that python-liquid can parse it.
Repair = Callable[[str, str], str]
#: Called with the text between each pair of braces, before it becomes a token.
Count = Callable[[str], None]


def _do_not_count(_: str) -> None:
    """The default: nothing is counted."""


_OPEN = re.compile(r"{%|{{")
_NAME = re.compile(r"-?\s*(#|\w+)\s*")
_ENDRAW = re.compile(r"{%(-?)\s*endraw\s*(-?)%}")


class _Tokenizer:
    """Splits one text."""

    def __init__(
        self, source: str, report: Report, repair: Repair, count: Count, count_repaired: Count
    ) -> None:
        self.source = source
        self.report = report
        self.repair = repair
        self.count = count
        self.count_repaired = count_repaired
        self.position = 0
        self.trim = False  #: the last tag ended with `-`
        self.comment_depth = 0
        self.comment_start = 0  #: position of the outermost open comment

    def tokens(self) -> Iterator[Token]:
        while self.position < len(self.source):
            opened = _OPEN.search(self.source, self.position)
            start = opened.start() if opened else len(self.source)
            yield from self.text(start)
            if opened:
                yield from self.tag(start) if opened.group() == "{%" else self.output(start)
        if self.comment_depth:  # The tag reports that it is not closed. The text after it stays.
            start = self.comment_start
            yield self.token(TOKEN_CONTENT, self.source[start:], start)

    def text(self, end: int) -> Iterator[Token]:
        value = self.source[self.position : end]
        if self.trim:
            value = value.lstrip()
        if self.source.startswith("-", end + 2):
            value = value.rstrip()
        if value and not self.comment_depth:
            yield self.token(TOKEN_CONTENT, value, self.position)
        self.position = end
        self.trim = False

    def output(self, start: int) -> Iterator[Token]:
        end = self.source.find("}}", start + 2)
        if end < 0:
            yield from self.unclosed(start, "{{")
            return
        inner = self.inner(start, end)
        if not self.comment_depth:
            yield self.token(TOKEN_OUTPUT, self.source[start : end + 2], start)
            yield self.token(TOKEN_EXPRESSION, self.repaired("", inner.strip()), start)

    def tag(self, start: int) -> Iterator[Token]:
        end = self.source.find("%}", start + 2)
        if end < 0:
            yield from self.unclosed(start, "{%")
            return
        name = _NAME.match(self.source, start + 2, end)
        self.inner(start, end)
        if name is None:
            if not self.comment_depth:
                hint = "remove it, or write {% raw %} around it if it is text"
                token = self.token(TOKEN_TAG, "", start)
                self.report(LiquidMarkupError("a tag has no name", hint, token=token))
            return
        markup = self.source[name.end() : max(name.end(), end - self.trim)].strip()
        yield from self.named(name.group(1), markup, start)

    def named(self, name: str, markup: str, start: int) -> Iterator[Token]:
        if name == "raw":
            yield from self.raw(start)
            return
        if name == "endcomment" and self.comment_depth:
            self.comment_depth -= 1
        if not self.comment_depth:
            yield self.token(TOKEN_TAG, name, start)
            if markup:
                yield self.token(TOKEN_EXPRESSION, self.repaired(name, markup), start)
        if name == "comment":
            self.comment_start = self.comment_start if self.comment_depth else self.position
            self.comment_depth += 1

    def raw(self, start: int) -> Iterator[Token]:
        end = _ENDRAW.search(self.source, self.position)
        if end is None:
            hint = "write {% endraw %} where the text ends"
            token = self.token(TOKEN_TAG, "raw", start)
            self.report(LiquidMarkupError("raw is never closed", hint, token=token))
        stop = end.start() if end else len(self.source)
        value = self.source[self.position : stop]
        if self.trim:
            value = value.lstrip()
        if value and not self.comment_depth:
            yield self.token(TOKEN_CONTENT, value, self.position)
        self.position = end.end() if end else stop
        self.trim = bool(end and end.group(2))

    def inner(self, start: int, end: int) -> str:
        """The text between the braces. Moves the position past them."""
        self.position = end + 2
        self.trim = end > start + 2 and self.source[end - 1] == "-"
        inner = self.source[start + 2 : end]
        self.count(inner)
        return inner.removeprefix("-").removesuffix("-")

    def repaired(self, name: str, markup: str) -> str:
        """The markup in a form that can be parsed. Repaired markup is counted once more."""
        repaired = self.repair(name, markup)
        if repaired != markup:
            self.count_repaired(markup)
        return repaired

    def unclosed(self, start: int, opening: str) -> Iterator[Token]:
        """Keep the braces and the rest of the text as plain text."""
        if not self.comment_depth:
            hint = "close it, or write {% raw %} around it if it is text"
            token = self.token(TOKEN_CONTENT, opening, start)
            self.report(LiquidMarkupError(f"{opening} is never closed", hint, token=token))
            yield self.token(TOKEN_CONTENT, self.source[start:], start)
        self.position = len(self.source)

    def token(self, kind: str, value: str, start: int) -> Token:
        return Token(kind, value, start, self.source)


def tokenize(
    source: str,
    report: Report,
    *,
    repair: Repair = lax.repair,
    count: Count = _do_not_count,
    count_repaired: Count = _do_not_count,
) -> Iterator[Token]:
    """Split a text into tokens.

    Unclosed braces are reported and stay in the text. A tag without a name and an unclosed `raw`
    are reported too.

    Exceptions from `count` and `count_repaired` are passed on.
    """
    return _Tokenizer(source, report, repair, count, count_repaired).tokens()
