"""Text cut into Liquid's tokens as Ruby's Liquid cuts it (`lib/liquid/tokenizer.rb`, `block_body.rb`), in one pass.

python-liquid's own lexer refuses a whole text for one open brace, and takes quadratic time over open tags.
"""

import re
from collections.abc import Callable, Iterator

from liquid import Token
from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from syndicator.liquid import lax

Report = Callable[[LiquidSyntaxError], None]
#: Makes the markup of a tag ("" for an output) one that can be parsed.
Mend = Callable[[str, str], str]
#: Told what stands between each pair of braces, before it becomes a token.
Count = Callable[[str], None]


def _uncounted(_: str) -> None:
    """Reading alone is not counted."""


_OPEN = re.compile(r"{%|{{")
_NAME = re.compile(r"-?\s*(#|\w+)\s*")
_ENDRAW = re.compile(r"{%(-?)\s*endraw\s*(-?)%}")


class _Cutter:
    """Walks over one text."""

    def __init__(
        self, source: str, report: Report, mend: Mend, count: Count, count_mended: Count
    ) -> None:
        self.source = source
        self.report = report
        self.mend = mend
        self.count = count
        self.count_mended = count_mended
        self.position = 0
        self.trim = False  #: the last tag ended in `-`
        self.comments = 0  #: comments we are inside of
        self.comment = 0  #: where the outermost began

    def tokens(self) -> Iterator[Token]:
        while self.position < len(self.source):
            opened = _OPEN.search(self.source, self.position)
            start = opened.start() if opened else len(self.source)
            yield from self.text(start)
            if opened:
                yield from self.tag(start) if opened.group() == "{%" else self.output(start)
        if self.comments:  # never closed: the tag itself says so, and what follows it stays
            yield self.token(TOKEN_CONTENT, self.source[self.comment :], self.comment)

    def text(self, end: int) -> Iterator[Token]:
        value = self.source[self.position : end]
        if self.trim:
            value = value.lstrip()
        if self.source.startswith("-", end + 2):
            value = value.rstrip()
        if value and not self.comments:
            yield self.token(TOKEN_CONTENT, value, self.position)
        self.position = end
        self.trim = False

    def output(self, start: int) -> Iterator[Token]:
        end = self.source.find("}}", start + 2)
        if end < 0:
            yield from self.unclosed(start, "{{")
            return
        inner = self.inner(start, end)
        if not self.comments:
            yield self.token(TOKEN_OUTPUT, self.source[start : end + 2], start)
            yield self.token(TOKEN_EXPRESSION, self.mended("", inner.strip()), start)

    def tag(self, start: int) -> Iterator[Token]:
        end = self.source.find("%}", start + 2)
        if end < 0:
            yield from self.unclosed(start, "{%")
            return
        name = _NAME.match(self.source, start + 2, end)
        self.inner(start, end)
        if name is None:
            if not self.comments:
                self.report(
                    LiquidSyntaxError(
                        "a tag without a name", token=self.token(TOKEN_TAG, "", start)
                    )
                )
            return
        markup = self.source[name.end() : max(name.end(), end - self.trim)].strip()
        yield from self.named(name.group(1), markup, start)

    def named(self, name: str, markup: str, start: int) -> Iterator[Token]:
        if name == "raw":
            yield from self.raw(start)
            return
        if name == "endcomment" and self.comments:
            self.comments -= 1
        if not self.comments:
            yield self.token(TOKEN_TAG, name, start)
            if markup:
                yield self.token(TOKEN_EXPRESSION, self.mended(name, markup), start)
        if name == "comment":
            self.comment = self.comment if self.comments else self.position
            self.comments += 1

    def raw(self, start: int) -> Iterator[Token]:
        end = _ENDRAW.search(self.source, self.position)
        if end is None:
            self.report(
                LiquidSyntaxError("raw is never closed", token=self.token(TOKEN_TAG, "raw", start))
            )
        stop = end.start() if end else len(self.source)
        value = self.source[self.position : stop]
        if self.trim:
            value = value.lstrip()
        if value and not self.comments:
            yield self.token(TOKEN_CONTENT, value, self.position)
        self.position = end.end() if end else stop
        self.trim = bool(end and end.group(2))

    def inner(self, start: int, end: int) -> str:
        """What stands between the braces. Goes past them."""
        self.position = end + 2
        self.trim = end > start + 2 and self.source[end - 1] == "-"
        inner = self.source[start + 2 : end]
        self.count(inner)
        return inner.removeprefix("-").removesuffix("-")

    def mended(self, name: str, markup: str) -> str:
        """The markup in a way that can be read. What had to be mended is counted once more."""
        mended = self.mend(name, markup)
        if mended != markup:
            self.count_mended(markup)
        return mended

    def unclosed(self, start: int, opening: str) -> Iterator[Token]:
        """The braces stand as they are written, and so does all that follows."""
        if not self.comments:
            error = f"{opening} is never closed"
            self.report(LiquidSyntaxError(error, token=self.token(TOKEN_CONTENT, opening, start)))
            yield self.token(TOKEN_CONTENT, self.source[start:], start)
        self.position = len(self.source)

    def token(self, kind: str, value: str, start: int) -> Token:
        return Token(kind, value, start, self.source)


def tokenize(
    source: str,
    report: Report,
    *,
    mend: Mend = lax.mend,
    count: Count = _uncounted,
    count_mended: Count = _uncounted,
) -> Iterator[Token]:
    """The tokens of a text. What can't be read is reported, and stays in the text as it is written.

    What `count` and `count_mended` raise ends the walk.
    """
    return _Cutter(source, report, mend, count, count_mended).tokens()
