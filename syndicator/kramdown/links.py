"""Links and images."""

import re

from markdown_it.token import Token

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.block_engine import children
from syndicator.kramdown.definitions import identifier
from syndicator.kramdown.grammar import SPACE
from syndicator.kramdown.span_scanner import MAX_OPEN, SPECIAL_IN_LINK, EndSearch, SpanState

_START = re.compile(r"!?\[(?=[^^])")
_ESCAPED = re.compile(r"\\([\\.*_+`<>()\[\]{}#!:|\"'$=\-])")
_REFERENCE = re.compile(r"[ \t-\r]*?\[([^\]]+)?\]")
_LINE_OR_ANGLE = re.compile(r"[>\n]")
_PAREN = re.compile(r"[()]")
_BEFORE_QUOTE = re.compile(r"[ \t-\r](?=['\"])")
#: Characters of addresses and titles for one step of work: each reference repeats them.
_REPEATED_PER_STEP = 128
_NO_DEFINITION = Token("mark", "", 0)  #: used for a link with its own target
_QUOTE = re.compile(r"[ \t-\r]*([\"'])")
_TITLE_END = {mark: re.compile(rf"{mark}[ \t-\r]*+\)") for mark in "\"'"}


def link(state: SpanState) -> bool:
    match = _START.match(state.src, state.pos)
    if not match:
        return False
    tag = "img" if match[0] == "![" else "a"
    start = match.end()
    nested = tag == "a" and ("link" in state.open or "image" in state.open)
    if not nested and len(state.open) < MAX_OPEN and _link(state, tag, start):
        return True
    state.add_text(match[0])
    state.pos = start
    return True


def _link(state: SpanState, tag: str, start: int) -> bool:
    token = Token("link" if tag == "a" else "image", tag, 0, children=[])
    state.doc.spend(3)
    ends = state.label_ends.get((token.type, *state.open))
    if ends and start in ends:
        state.pos = ends[start]
        if _resolve(state, start) is None:
            return False
    state.pos = start
    if not _label(state, token):
        return False
    label = _ESCAPED.sub(r"\1", state.src[start : state.pos])
    target = _resolve(state, start)
    if target is None:
        return False
    url, title, mark = target
    state.doc.spend(3 + (len(url) + len(title or "")) // _REPEATED_PER_STEP)
    if "ial" in mark.meta:
        _apply_attributes(state, token, mark.meta["ial"])
    if tag == "a":
        token.attrs["href"] = url
    else:
        token.attrs |= {"src": url, "alt": label}
        token.children = []
    if title is not None:
        token.attrs["title"] = title
    state.add(token)
    return True


def _label(state: SpanState, token: Token) -> bool:
    """Parse a label up to its closing bracket. Brackets of images in it belong to the images."""
    start, special = state.pos, SPECIAL_IN_LINK.search(state.src, state.pos)
    if special and special[0] == "]":  # most labels are plain text
        state.pos = special.start()
        token.children = (
            [Token("text", "", 0, content=state.src[start : state.pos])]
            if state.pos > start
            else []
        )
        return True
    if state.ahead.find("]", start) < 0:
        return False
    label_end = _LabelEnd(state, token)
    if state.parse_content(token, label_end, SPECIAL_IN_LINK):
        return True
    label_end.search.failed()
    return False


class _LabelEnd:
    """The stop condition of a label: counts brackets until the first is closed."""

    def __init__(self, state: SpanState, token: Token) -> None:
        key = (token.type, *state.open)
        self.search = EndSearch(state, key)
        self._children = children(token)
        self._is_link = token.type == "link"
        self._depth = 1  #: open brackets, without those of images
        self._checked = 0  #: children that were checked for images
        self._opened: list[tuple[int, int]] = []  #: start and depth of the labels in this one
        self._ends = state.label_ends.setdefault(key, {})

    def __call__(self, state: SpanState) -> bool | None:
        src, pos = state.src, state.pos
        kids = self._children
        while self._checked < len(kids):
            self._depth -= kids[self._checked].type == "image"
            self._checked += 1
        if src[pos] == "]":
            self._depth -= 1
            while self._opened and self._opened[-1][1] > self._depth:
                self._ends[self._opened.pop()[0]] = pos
        elif src[pos] == "[":
            self._depth += 1
            if self._is_link:
                self._opened.append((pos + 1, self._depth))
        elif src.startswith("![", pos):
            self._depth += 1
        if self._depth == 0:
            return True
        if src[pos] != "{" and self.search.is_dead_end(pos, self._depth):
            return None  # not at a brace: its meaning depends on the text before it
        return False


def _resolve(state: SpanState, start: int) -> tuple[str, str | None, Token] | None:
    """The address, title and definition of the link whose label is from `start` to here.

    None if the label is followed by no target and names no definition.
    """
    label_end = state.pos
    state.pos += 1
    if reference := _REFERENCE.match(state.src, state.pos):
        state.pos = reference.end()
    if not reference and state.src.startswith("(", state.pos):
        target = _inline_target(state)
        return target and (*target, _NO_DEFINITION)
    if not state.doc.links:
        return None
    name = (reference and reference[1]) or _ESCAPED.sub(r"\1", state.src[start:label_end])
    state.doc.spend(len(name) // 256)
    known = state.doc.links.get(identifier(name))
    return (known.target, known.title, known.mark) if known else None


def _apply_attributes(state: SpanState, token: Token, given: Attributes) -> None:
    given.apply(token.attrs, state.doc.named_attributes, state.doc.spend)
    token.meta["refs"] = list(given.refs)


def _inline_target(state: SpanState) -> tuple[str, str | None] | None:
    """Parse `(url "title")`. None if the text is not a target."""
    src, start = state.src, state.pos
    if src.startswith("<", start + 1):
        end = state.ahead.search(_LINE_OR_ANGLE, start + 2)
        if end >= 0 and src[end] == ">":
            state.pos = end + 1
            if not src.startswith(")", state.pos):
                return _target_with_title(state, start + 2, end)
            state.pos += 1
            return src[start + 2 : end], None
    close = state.ahead.find(")", start)
    if close >= 0 and src.find("(", start + 1, close) < 0:
        space = _BEFORE_QUOTE.search(src, start, close)
        mark = space.start() if space else -1
    else:
        close = _closing_parenthesis(state, start)
        mark = state.ahead.search(_BEFORE_QUOTE, start)
    if close >= 0 and not 0 <= mark < close:
        state.pos = close + 1
        return src[start + 1 : close].strip(SPACE), None
    if mark < 0:
        return None
    state.pos = mark + 1
    return _target_with_title(state, start + 1, mark)


def _closing_parenthesis(state: SpanState, start: int) -> int:
    """The end of the parenthesis at `start`; -1 if it is not closed. The first call finds all."""
    if state.parentheses is None:
        state.parentheses = {}
        opened: list[int] = []
        for match in _PAREN.finditer(state.src):
            state.doc.spend(1)
            if match[0] == "(":
                opened.append(match.start())
            elif opened:
                state.parentheses[opened.pop()] = match.start()
    return state.parentheses.get(start, -1)


def _target_with_title(state: SpanState, start: int, stop: int) -> tuple[str, str | None] | None:
    """The address between two positions, and the quoted title and parenthesis after it."""
    src = state.src
    quote = _QUOTE.match(src, state.pos)
    end = state.ahead.search(_TITLE_END[quote[1]], quote.end() + 1) if quote else -1
    if not quote or end < 0:
        return None
    state.pos = src.index(")", end) + 1
    url = src[start:stop] if src[start - 1] == "<" else src[start:stop].strip(SPACE)
    return url, src[quote.end() : end]
