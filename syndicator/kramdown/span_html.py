"""HTML tags and comments within a line of text."""

import re
from collections.abc import Callable
from functools import lru_cache

from markdown_it.token import Token

from syndicator.kramdown.grammar import (
    BLOCK_ELEMENTS,
    CLOSING_TAG,
    CONTENT,
    ELEMENTS,
    VOID_ELEMENTS,
)
from syndicator.kramdown.html import comment_end, element_token, pop_content_mode, start_tag
from syndicator.kramdown.span_scanner import MAX_OPEN, SPECIAL, SpanState

_HTML_ONLY = re.compile("<")
_TAG_END = re.compile(r"[ \t-\r]*>")
_NEWLINES = re.compile(r"\n+")


def html(state: SpanState) -> bool:
    src, pos = state.src, state.pos
    following = src[pos + 1 : pos + 2]
    if not (following.isalpha() or following in ("_", "/") or src.startswith("<!--", pos)):
        return False
    if (end := comment_end(src, pos, state.ahead)) >= 0:
        state.add(Token("html_comment", "", 0, content=src[pos:end]))
        state.pos = end
    elif closing := CLOSING_TAG.match(src, pos):
        state.add_text(closing[0])
        state.pos = closing.end()
    elif tag := start_tag(src, pos, state.doc):
        _element(state, tag)
    else:
        return False
    return True


def _element(state: SpanState, tag: re.Match[str]) -> None:
    token = element_token(tag)
    state.pos = tag.end()
    if token.tag in BLOCK_ELEMENTS or len(state.open) > MAX_OPEN:
        state.add_text(tag[0])
        return
    token.attrs = {key: _NEWLINES.sub(" ", str(value)) for key, value in token.attrs.items()}
    token.meta["content"] = "span" if _parsed(state, token) else "raw"
    if not tag["closed"] and token.tag not in VOID_ELEMENTS:
        _content(state, token)
    state.add(token)


def _parsed(state: SpanState, token: Token) -> bool:
    """Whether the content of the element is parsed as Markdown."""
    own, by_kind = pop_content_mode(token), CONTENT.get(token.tag, "raw")
    if own in ("span", "raw"):
        return own == "span"
    if own == "default":
        return by_kind != "raw"
    return by_kind != "raw" and not state.raw and state.doc.options.parse_span_html


def _content(state: SpanState, token: Token) -> None:
    end = end_tag(token.tag)
    outer = state.rules, state.special, state.raw
    state.raw = token.meta["content"] == "raw"
    state.rules = {"<": (html,)} if state.raw else state.all_rules
    special = _HTML_ONLY if state.raw else SPECIAL
    closed = state.parse_content(token, lambda state: end(state.src, state.pos) > 0, special)
    state.rules, state.special, state.raw = outer
    if closed:
        state.pos = end(state.src, state.pos)
    else:
        rest = state.src[state.pos :]
        if token.children and token.children[-1].type == "text":
            token.children[-1].content += rest
        elif rest and token.children is not None:
            token.children.append(Token("text", "", 0, content=rest))
        state.pos = len(state.src)


def end_tag(name: str) -> Callable[[str, int], int]:
    """A function of a text and a position: the end of the end tag there, or -1: not found."""
    if name in ELEMENTS:
        return _known_end_tag(name)
    start = f"</{name}"

    def ends(src: str, pos: int) -> int:
        match = _TAG_END.match(src, pos + len(start)) if src.startswith(start, pos) else None
        return match.end() if match else -1

    return ends


@lru_cache(maxsize=len(ELEMENTS))
def _known_end_tag(name: str) -> Callable[[str, int], int]:
    pattern = re.compile(rf"</{name}[ \t-\r]*>", re.IGNORECASE)

    def ends(src: str, pos: int) -> int:
        match = pattern.match(src, pos)
        return match.end() if match else -1

    return ends
