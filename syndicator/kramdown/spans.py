"""Emphasis, code, escapes, entities, breaks, mathematics, and the extensions of spans.

Emphasis follows kramdown: a marker opens if no space follows it, in words and in East Asian text
too.
"""

import re
from functools import lru_cache

from markdown_it.token import Token

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.definitions import EXTENSIONS, extended
from syndicator.kramdown.grammar import (
    ATTRIBUTE_LIST,
    ENTITY,
    ID,
    LIST_CHARACTER,
    SPACE,
    entity_character,
)
from syndicator.kramdown.span_scanner import MAX_OPEN, TICKS, EndSearch, SpanState, scan

_SPACES = frozenset(SPACE)
_EMPHASIS = re.compile(r"\*\*?|__?")
_IN_WORD = re.compile(r"[^\W\d_]-?\Z")
_ESCAPED = re.compile(r"\\([\\.*_+`<>()\[\]{}#!:|\"'$=\-])")
_ESCAPED_GFM = re.compile(r"\\([\\.*_+`<>()\[\]{}#!:|\"'$=\-~])")
_NOT_STRUCK = (*" \t\n\v\f\r~", "")
_STRUCK_END = re.compile(r"[^ \t-\r~](?=~~)")
_SCHEME = re.compile(r"<(?:mailto|https?|ftps?):.")
_AUTOLINK_END = re.compile(r"[>\n]")
_ADDRESS = re.compile(r"<[\w.\-]++@[\w.\-]++>")
_FOOTNOTE = re.compile(rf"\[\^({ID})\]")
_ATTRIBUTES = re.compile(rf"\{{:({ATTRIBUTE_LIST})\}}")
_EXTENSION = re.compile(
    rf"\{{::(?P<name>[A-Za-z0-9_]+)(?:[ \t-\r](?P<list>{LIST_CHARACTER}{{0,500}}?))?"
    r"(?P<closed>/)?\}"
)


def emphasis(state: SpanState) -> bool:
    src, start = state.src, state.pos
    match = _EMPHASIS.match(src, start)
    if not match:
        return False
    state.doc.spend(1)
    mark, after = match[0], src[match.end() : match.end() + 1]
    tag = "strong" if len(mark) == 2 else "em"
    in_word = mark[0] == "_" and _IN_WORD.search(src, max(0, start - 2), start)
    if in_word or after in _SPACES or tag in state.open or len(state.open) > MAX_OPEN:
        state.add_text(mark)
        state.pos = match.end()
        return True
    token = _parse_emphasis(state, mark, tag, match.end())
    if not token and tag == "strong" and (not state.open or state.open[-1] != "em"):
        mark = mark[0]
        token = _parse_emphasis(state, mark, "em", start + 1)
    if token:
        state.pos += len(mark)
        state.add(token)
    else:
        state.add_text(match[0])
        state.pos = match.end()
    return True


def _parse_emphasis(state: SpanState, mark: str, tag: str, start: int) -> Token | None:
    src = state.src
    state.pos = start
    token = Token(tag, tag, 0, children=[])
    search = EndSearch(state, (mark, *state.open))

    def closes(state: SpanState) -> bool | None:
        if not (token.children or state.pending):
            return False
        pos, end = state.pos, state.pos + len(mark)
        # not at a brace: its meaning depends on the text before it
        if src[pos] != "{" and search.is_dead_end(pos):
            return None
        if not src.startswith(mark, pos) or src[pos - 1] in _SPACES:
            return False
        if tag == "em" and src.startswith(mark, end) and not src.startswith(mark, end + 1):
            return False
        return not (mark[0] == "_" and src[end : end + 1].isalnum())

    if state.ahead.find(mark, start) < 0:
        return None
    if state.parse_content(token, closes):
        return token
    search.failed()
    return None


def code(state: SpanState) -> bool:
    src = state.src
    match = TICKS.match(src, state.pos)
    if not match:
        return False
    ticks, start = match[0], match.end()
    end = -1
    alone = (
        len(ticks) == 1
        and (state.pos == 0 or src[state.pos - 1] in _SPACES)
        and src[start : start + 1] in _SPACES
    )
    if not alone:
        end = state.closing_ticks(ticks, start)
    if end < 0:
        state.add_text(ticks)
        state.pos = start
        return True
    content = src[start:end]
    if len(ticks) > 1:
        content = content.removeprefix(" ").removesuffix(" ")
    state.doc.spend(3)
    state.add(Token("code_inline", "code", 0, content=content))
    state.pos = end + len(ticks)
    return True


def autolink(state: SpanState) -> bool:
    if scheme := _SCHEME.match(state.src, state.pos):
        end = state.ahead.search(_AUTOLINK_END, scheme.end())
        if end < 0 or state.src[end] != ">":
            return False
        target = address = state.src[state.pos + 1 : end]
    elif match := _ADDRESS.match(state.src, state.pos):
        address, end = match[0][1:-1], match.end() - 1
        target = f"mailto:{address}"
    else:
        return False
    shown = Token("text", "", 0, content=address.removeprefix("mailto:"))
    state.add(Token("link", "a", 0, {"href": target}, children=[shown]))
    state.pos = end + 1
    return True


def footnote(state: SpanState) -> bool:
    match = _FOOTNOTE.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    if match[1] in state.doc.footnotes:
        state.add(Token("footnote_ref", "sup", 0, content=match[1]))
    else:
        state.add_text(match[0])
    return True


def math(state: SpanState) -> bool:
    if not state.src.startswith("$$", state.pos):
        return False
    end = state.ahead.find("$$", state.pos + 2)
    if end < 0:
        return False
    state.add(Token("math_inline", "span", 0, content=state.src[state.pos + 2 : end].strip(SPACE)))
    state.pos = end + 2
    return True


def entity(state: SpanState) -> bool:
    match = ENTITY.match(state.src, state.pos)
    if not match:
        return False
    char = entity_character(match)
    if char is None:
        state.add_symbol("entity", "&", 1, markup="&amp;")
        state.add_text(match[0][1:])
        state.pos = match.end()
    else:
        state.add_symbol("entity", char, len(match[0]), markup=match[0])
    return True


def line_break(state: SpanState) -> bool:
    """Two spaces, or two backslashes, before the end of a line."""
    if state.doc.options.hard_wrap:
        return False
    if state.src.startswith("\\\\\n", state.pos):
        state.doc.spend(2)
        state.add(Token("hardbreak", "br", 0))
        state.pos += 2
        return True
    if state.src[state.pos] == "\n" and state.remove_suffix("  "):
        state.doc.spend(2)
        state.add(Token("hardbreak", "br", 0))
    return False  # the end of the line itself is text


def escape(state: SpanState) -> bool:
    match = (_ESCAPED_GFM if state.doc.options.gfm else _ESCAPED).match(state.src, state.pos)
    if not match:
        return False
    state.add_text(match[1])
    state.pos = match.end()
    return True


def strikethrough(state: SpanState) -> bool:
    """GFM's `~~text~~`."""
    if not state.doc.options.gfm or len(state.open) > MAX_OPEN:
        return False
    start = state.pos + 2
    if not state.src.startswith("~~", state.pos) or state.src[start : start + 1] in _NOT_STRUCK:
        return False
    end = state.ahead.search(_STRUCK_END, start) + 1
    if not end:
        return False
    state.doc.spend(5)
    inner = SpanState(state.src[start:end], state.doc, state.rules)
    scan(inner, None)
    inner.flush()
    state.add(Token("html", "del", 0, children=inner.tokens, meta={"content": "span"}))
    state.pos = end + 2
    return True


def extension(state: SpanState) -> bool:
    """`{:: }`, or an attribute list for the span before it."""
    if state.ahead.find("}", state.pos) >= 0:
        return _braces(state)
    state.add_text("{")
    state.pos += 1
    return True


def _braces(state: SpanState) -> bool:
    if match := _EXTENSION.match(state.src, state.pos):
        if _extension(state, match):
            return True
    elif (match := _ATTRIBUTES.match(state.src, state.pos)) and not match[1].startswith("/"):
        if state.symbol_end == state.pos:
            state.pos = match.end()
            return True
        if state.tokens and not state.pending:
            state.doc.spend(3)
            given = Attributes()
            given.read(match[1])
            state.tokens[-1].meta.setdefault("refs", []).extend(given.refs)
            given.apply(state.tokens[-1].attrs, state.doc.named_attributes, state.doc.spend)
            state.pos = match.end()
            return True
    state.add_text("{")
    state.pos += 1
    return True


def _extension(state: SpanState, match: re.Match[str]) -> bool:
    if match["name"] not in EXTENSIONS:
        return False
    body, end = None, match.end()
    if not match["closed"]:
        closing = _closing(match["name"])
        start = state.ahead.search(closing, end)
        if start < 0:
            return False
        body, end = state.src[end:start], state.src.index("}", start) + 1
    token = extended(state.doc, match["name"], match["list"] or "", body)
    if token is None:
        return False
    if token.type == "mark":
        state.dead_ends.clear()  # under other options the passed text may have other spans
    if token.type != "mark" and body is not None:
        state.add(token)
    state.pos = end
    return True


@lru_cache(maxsize=32)
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"\{{:/(?:{name})?\}}")
