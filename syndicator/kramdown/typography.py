"""Typographic quotes and symbols.

The direction of a quote follows SmartyPants (https://daringfireball.net/projects/smartypants/) as
kramdown has it: the character before the quote counts only if it is plain text, not if it is the
end of another span.
"""

import re

from syndicator.kramdown.grammar import SPACE
from syndicator.kramdown.span_scanner import SpanState

_BEFORE_EMPHASIS = re.compile(r"[_*]{1,2}[^ \t-\r]")
_BEFORE_PUNCTUATION = re.compile(r"[!\"#$%'()*+,\-./:;<=>?@\[\\\]^_`{|}~](?!\.\.)\B")
_BEFORE_WORD = re.compile(r"[A-Za-z0-9_]")
_DECADE = re.compile(r"[0-9][0-9]s")
_AFTER_WORD = re.compile(r"[ \t\r\n\f\v]|s\b|\Z")
_OPENS_AFTER = " \\\t\r\n[{(-"

#: in the order of the option `smart_quotes`
QUOTES = {"lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”"}
_SYMBOLS = (
    ("---", "mdash", "—"),
    ("--", "ndash", "–"),
    ("...", "hellip", "…"),
    ("<< ", "laquo_space", "«\N{NO-BREAK SPACE}"),
    ("<<", "laquo", "«"),
    (">>", "raquo", "»"),
)


def quote(state: SpanState) -> bool:
    before = state.src[state.pos - 1] if state.pos > state.text_start else ""
    if not before and _is_text_before_quote(state.src, state.pos):
        return False
    for name in quote_names(state.src, state.pos, before):
        state.add_symbol("quote", QUOTES[name], 1, info=name)
    return True


def _is_text_before_quote(src: str, pos: int) -> bool:
    """Whether the quote at `pos`, with no text before it, is the text before the quote after it.

    In `''a`: kramdown takes the character before a quote with it, also if that is a quote.
    """
    return (
        src[pos + 1 : pos + 2] in ("'", '"')
        and not _BEFORE_PUNCTUATION.match(src, pos + 1)
        and not (src[pos] != src[pos + 1] and _BEFORE_WORD.match(src, pos + 2))
    )


def quote_names(src: str, pos: int, before: str) -> tuple[str, ...]:
    """The name of the typographic quote for the one at `pos`, or of two that open together."""
    after = pos + 1
    left, right = ("lsquo", "rsquo") if src[pos] == "'" else ("ldquo", "rdquo")
    if not before and _BEFORE_EMPHASIS.match(src, after):
        return (left,)
    if not before and _BEFORE_PUNCTUATION.match(src, after):
        return (right,)
    if not before or before in SPACE:
        if src[pos : pos + 2] in ("\"'", "'\"") and _BEFORE_WORD.match(src, pos + 2):
            return (left, "lsquo" if left == "ldquo" else "ldquo")
        if left == "lsquo" and _DECADE.match(src, after):
            return (right,)
    if before and before in SPACE and _BEFORE_WORD.match(src, after):
        return (left,)
    if before and before not in _OPENS_AFTER:
        return (right,)
    if not before and _AFTER_WORD.match(src, after):
        return (right,)
    return (left,)


def symbol(state: SpanState) -> bool:
    """Dashes, the ellipsis and guillemets."""
    src, pos = state.src, state.pos
    if not state.doc.options.typographic:
        return False
    if src.startswith(("\\<<", "\\>>"), pos):
        for char in src[pos + 1 : pos + 3]:
            state.add_symbol("entity", char, 1, markup="&lt;" if char == "<" else "&gt;")
        state.pos += 1
        return True
    if (
        src.startswith(">>", pos)
        and pos > state.text_start
        and src[pos - 1] == " "
        and state.remove_suffix(" ")
    ):
        return _symbol(state, "raquo_space", "\N{NO-BREAK SPACE}»", 2)
    for written, name, shown in _SYMBOLS:
        if src.startswith(written, pos):
            return _symbol(state, name, shown, len(written))
    return False


def _symbol(state: SpanState, name: str, shown: str, length: int) -> bool:
    replaced = dict(state.doc.options.typographic_symbols).get(name)
    state.add_symbol("symbol", shown if replaced is None else replaced, length)
    return True
