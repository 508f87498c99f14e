"""Abbreviations: `*[HTML]: a title` marks up each whole word `HTML`."""

import re
from collections.abc import Callable, Iterator, Mapping

from markdown_it.token import Token

from syndicator.kramdown.block_engine import Definition

_WORD = "[A-Za-z0-9_]+"
_START = re.compile(rf"{_WORD}|[^A-Za-z0-9_]")
_IN_WORD = re.compile("[A-Za-z0-9_]")
#: Characters for one step of work: of names that are compared, and of titles that are repeated.
_COMPARED_PER_STEP = 256
_REPEATED_PER_STEP = 128


class Abbreviations:
    """Finds abbreviations in a text, the longest first.

    The index is the word or the character that an abbreviation begins with.
    """

    def __init__(self, known: Mapping[str, Definition], spend: Callable[[int], None]) -> None:
        self._known = known
        self._spend = spend
        lengths: dict[str, set[int]] = {}
        for name in known:
            if start := _START.match(name):
                lengths.setdefault(start[0], set()).add(len(name))
        self._lengths = {start: sorted(each, reverse=True) for start, each in lengths.items()}
        others = "".join(re.escape(start) for start in lengths if not _IN_WORD.match(start))
        starts = f"{_WORD}|[{others}]" if others else _WORD
        self._starts = re.compile(rf"(?<![A-Za-z0-9_])(?:{starts})")

    def mark_up(self, tokens: list[Token]) -> None:
        """Mark up the abbreviations in the texts of tokens and their children."""
        for token in tokens:
            if not token.children:
                continue
            if token.meta.get("content") != "raw":
                replaced: list[Token] = []
                for child in token.children:
                    replaced += self._split(child) if child.type == "text" else [child]
                token.children = replaced
            self.mark_up(token.children)

    def _split(self, token: Token) -> Iterator[Token]:
        text, plain = token.content, 0
        pos = 0
        while start := self._starts.search(text, pos):
            pos = start.end()
            if lengths := self._lengths.get(start[0]):
                length = self._longest_match(text, start.start(), lengths)
                if length:
                    self._count_use(text[start.start() : start.start() + length])
                    pos = start.start() + length
                    if start.start() > plain:
                        yield Token("text", "", 0, content=text[plain : start.start()])
                    yield Token("abbreviation", "abbr", 0, content=text[start.start() : pos])
                    plain = pos
        if plain < len(text):
            yield Token("text", "", 0, content=text[plain:])

    def _count_use(self, name: str) -> None:
        """Count the title and the attributes, which each use repeats in the HTML."""
        known = self._known[name]
        characters = len(known.title or "") + sum(
            len(str(value)) for value in known.mark.attrs.values()
        )
        self._spend(3 + characters // _REPEATED_PER_STEP)

    def _longest_match(self, text: str, pos: int, lengths: list[int]) -> int:
        """The length of the longest abbreviation that is a whole word at `pos`; 0 if none is."""
        for length in lengths:
            self._spend(1 + length // _COMPARED_PER_STEP)
            end = pos + length
            if text[pos:end] in self._known and not _IN_WORD.match(text, end):
                return length
        return 0
