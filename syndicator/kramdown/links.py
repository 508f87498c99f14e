"""Links and images."""

import re

from markdown_it.token import Token

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.block_engine import children
from syndicator.kramdown.definitions import identifier
from syndicator.kramdown.grammar import SPACE
from syndicator.kramdown.span_scanner import MAX_OPEN, SPECIAL_IN_LINK, SpanState, Trail

_START = re.compile(r"!?\[(?=[^^])")
_ESCAPED = re.compile(r"\\([\\.*_+`<>()\[\]{}#!:|\"'$=\-])")
_REFERENCE = re.compile(r"[ \t-\r]*?\[([^\]]+)?\]")
_LINE_OR_ANGLE = re.compile(r"[>\n]")
_PAREN = re.compile(r"[()]")
_BEFORE_QUOTE = re.compile(r"[ \t-\r](?=['\"])")
_REPEATED_A_STEP = (
    128  #: characters of addresses and titles, which stand in each link that refers to them
)
_HERE = Token("mark", "", 0)  #: what defines an address that is no reference
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
    state.text(match[0])
    state.pos = start
    return True


def _link(state: SpanState, tag: str, start: int) -> bool:
    token = Token("link" if tag == "a" else "image", tag, 0, children=[])
    state.doc.spend(3)
    ends = state.closed.get((token.type, *state.open))
    if ends and start in ends:
        state.pos = ends[start]
        if _followed(state, start) is None:
            return False
    state.pos = start
    if not _label(state, token):
        return False
    label, followed = _ESCAPED.sub(r"\1", state.src[start : state.pos]), _followed(state, start)
    if followed is None:
        return False
    url, title, mark = followed
    state.doc.spend(3 + (len(url) + len(title or "")) // _REPEATED_A_STEP)
    if "ial" in mark.meta:
        _refer(state, token, mark.meta["ial"])
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
    """Reads up to the bracket that closes the one before; brackets of images within are theirs."""
    start, found = state.pos, SPECIAL_IN_LINK.search(state.src, state.pos)
    if found and found[0] == "]":  # most labels are text alone
        state.pos = found.start()
        token.children = (
            [Token("text", "", 0, content=state.src[start : state.pos])]
            if state.pos > start
            else []
        )
        return True
    if state.ahead.find("]", start) < 0:
        return False
    closes = _Label(state, token)
    if state.inside(token, closes, SPECIAL_IN_LINK):
        return True
    closes.trail.failed()
    return False


class _Label:
    """Counts the brackets of a label, and says when the first is closed."""

    def __init__(self, state: SpanState, token: Token) -> None:
        key = (token.type, *state.open)
        self.trail = Trail(state, key)
        self._kids = children(token)
        self._is_link = token.type == "link"
        self._depth = 1  #: without the brackets of images
        self._images = 0  #: children that were looked through for images
        self._opened: list[tuple[int, int]] = []  #: labels within, with their depth
        self._ends = state.closed.setdefault(key, {})

    def __call__(self, state: SpanState) -> bool | None:
        src, pos = state.src, state.pos
        kids = self._kids
        while self._images < len(kids):
            self._depth -= kids[self._images].type == "image"
            self._images += 1
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
        if src[pos] != "{" and self.trail.hopeless(pos, self._depth):
            return None  # what a brace means depends on what is before it
        return False


def _followed(state: SpanState, start: int) -> tuple[str, str | None, Token] | None:
    """What the label that began at `start` and ends here leads to: an address, a title, and where it is defined."""
    label_end = state.pos
    state.pos += 1
    if reference := _REFERENCE.match(state.src, state.pos):
        state.pos = reference.end()
    if not reference and state.src.startswith("(", state.pos):
        target = _target(state)
        return target and (*target, _HERE)
    if not state.doc.links:
        return None
    name = (reference and reference[1]) or _ESCAPED.sub(r"\1", state.src[start:label_end])
    state.doc.spend(len(name) // 256)
    known = state.doc.links.get(identifier(name))
    return (known.target, known.title, known.mark) if known else None


def _refer(state: SpanState, token: Token, given: Attributes) -> None:
    given.apply(token.attrs, state.doc.named, state.doc.spend)
    token.meta["refs"] = list(given.refs)


def _target(state: SpanState) -> tuple[str, str | None] | None:
    """`(url "title")`. None if it is no such thing."""
    src, start = state.src, state.pos
    if src.startswith("<", start + 1):
        end = state.ahead.search(_LINE_OR_ANGLE, start + 2)
        if end >= 0 and src[end] == ">":
            state.pos = end + 1
            if not src.startswith(")", state.pos):
                return _titled(state, start + 2, end)
            state.pos += 1
            return src[start + 2 : end], None
    close = state.ahead.find(")", start)
    if close >= 0 and src.find("(", start + 1, close) < 0:
        found = _BEFORE_QUOTE.search(src, start, close)
        mark = found.start() if found else -1
    else:
        close, mark = _closing_parenthesis(state, start), state.ahead.search(_BEFORE_QUOTE, start)
    if close >= 0 and not 0 <= mark < close:
        state.pos = close + 1
        return src[start + 1 : close].strip(SPACE), None
    if mark < 0:
        return None
    state.pos = mark + 1
    return _titled(state, start + 1, mark)


def _closing_parenthesis(state: SpanState, start: int) -> int:
    """Where the parenthesis that opens here is closed; -1 if nowhere. All are looked up at once."""
    if state.parentheses is None:
        state.parentheses, opened = {}, list[int]()
        for match in _PAREN.finditer(state.src):
            state.doc.spend(1)
            if match[0] == "(":
                opened.append(match.start())
            elif opened:
                state.parentheses[opened.pop()] = match.start()
    return state.parentheses.get(start, -1)


def _titled(state: SpanState, start: int, stop: int) -> tuple[str, str | None] | None:
    """The address that stands between two places, and after it a title in quotes and a parenthesis."""
    src = state.src
    quote = _QUOTE.match(src, state.pos)
    end = state.ahead.search(_TITLE_END[quote[1]], quote.end() + 1) if quote else -1
    if not quote or end < 0:
        return None
    state.pos = src.index(")", end) + 1
    url = src[start:stop] if src[start - 1] == "<" else src[start:stop].strip(SPACE)
    return url, src[quote.end() : end]
