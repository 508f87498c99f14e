"""Links and images."""

import re

from markdown_it.token import Token

from syndicator.jekyll.kramdown.definitions import identifier
from syndicator.jekyll.kramdown.engine import Definition, children
from syndicator.jekyll.kramdown.grammar import SPACE
from syndicator.jekyll.kramdown.scanner import MAX_OPEN, SPECIAL_IN_LINK, SpanState

_START = re.compile(r"!?\[(?=[^^])")
_ESCAPED = re.compile(r"\\([\\.*_+`<>()\[\]{}#!:|\"'$=\-])")
_REFERENCE = re.compile(r"[ \t-\r]*?\[([^\]]+)?\]")
_ANGLED = re.compile(r"\(<(.*?)>")
_PAREN = re.compile(r"[()]|[ \t-\r](?=['\"])")
_TITLE = re.compile(r"[ \t-\r]*?([\"'])(.+?)\1[ \t-\r]*?\)", re.DOTALL)


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
    state.pos = start
    if not _label(state, token):
        return state.fail()
    label = _ESCAPED.sub(r"\1", state.src[start : state.pos])
    state.pos += 1
    if reference := _REFERENCE.match(state.src, state.pos):
        state.pos = reference.end()
    if reference or not state.src.startswith("(", state.pos):
        known = state.doc.links.get(identifier((reference and reference[1]) or label))
        return known is not None and _add(state, token, label, *_referred(state, token, known))
    target = _target(state)
    return target is not None and _add(state, token, label, *target)


def _label(state: SpanState, token: Token) -> bool:
    """Reads up to the bracket that closes the one before; brackets of images within are theirs."""
    depth = 1
    images = 0

    def closes(state: SpanState) -> bool:
        nonlocal depth, images
        src, pos = state.src, state.pos
        if src[pos] == "]":
            depth -= 1
        elif src[pos] == "[" or src.startswith("![", pos):
            depth += 1
        else:
            return False
        images = sum(child.type == "image" for child in children(token))
        return depth - images == 0

    return state.src.find("]", state.pos) >= 0 and state.inside(token, closes, SPECIAL_IN_LINK)


def _referred(state: SpanState, token: Token, known: Definition) -> tuple[str, str | None]:
    if "ial" in known.mark.meta:
        known.mark.meta["ial"].apply(token.attrs, state.doc.named)
        token.meta["refs"] = list(known.mark.meta["ial"].refs)
    return known.target, known.title


def _target(state: SpanState) -> tuple[str, str | None] | None:
    """`(url "title")`. None if it is no such thing."""
    src = state.src
    if angled := _ANGLED.match(src, state.pos):
        url, state.pos = angled[1], angled.end()
        if src.startswith(")", state.pos):
            state.pos += 1
            return url, None
    else:
        start, depth = state.pos, 0
        for match in _PAREN.finditer(src, start):
            state.pos = match.end()
            state.doc.effort -= 1
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if depth == 0 or match[0] not in "()" or state.doc.effort < 0:
                break
        url = src[start + 1 : state.pos - 1].strip(SPACE)
        if depth == 0:
            return url, None
    title = _TITLE.match(src, state.pos)
    if not title:
        return None
    state.pos = title.end()
    return url, title[2]


def _add(state: SpanState, token: Token, label: str, url: str, title: str | None) -> bool:
    if token.tag == "a":
        token.attrs["href"] = url
    else:
        token.attrs |= {"src": url, "alt": label}
        token.children = []
    if title is not None:
        token.attrs["title"] = title
    state.add(token)
    return True
