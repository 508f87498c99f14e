"""Raw HTML in kramdown: an element extends to its end tag, across blank lines.

A tag that kramdown can't parse (an unquoted value with a dot, a stray end tag) is shown as text.
"""

import re
from typing import cast

from markdown_it.token import Token

from syndicator.kramdown.block_engine import (
    MAX_DEPTH,
    Blocks,
    BlockState,
    MarkdownDocument,
    children,
    inline_token,
)
from syndicator.kramdown.grammar import (
    CLOSING_TAG,
    CONTENT,
    ELEMENTS,
    NAME,
    SPAN_ELEMENTS,
    TAG,
    TAG_START,
    VOID_ELEMENTS,
)
from syndicator.kramdown.lookahead import Lookahead

_START = re.compile(rf" {{0,3}}<(?:!--|/|{NAME})")
_ATTRIBUTE = re.compile(
    rf"[ \t-\r]*(?P<name>{NAME})(?:[ \t-\r]*=[ \t-\r]*"
    r"(?:(?P<word>\w+)|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'))?"
)
_LINE_END = re.compile(r"[ \t]*\n")
_RAW_START = re.compile(rf"<(?:{NAME}|/|!--|\?)")
_MODES = {"0": "raw", "1": "default", "span": "span", "block": "block"}


def element_token(match: re.Match[str]) -> Token:
    """The element of a start tag, with its attributes. Known names become lower case."""
    name = match["name"]
    known = name.lower() in ELEMENTS
    token = Token("html", name.lower() if known else name, 0, children=[])
    for item in _ATTRIBUTE.finditer(match["attrs"]):
        key = item["name"].lower() if known else item["name"]
        token.attrs[key] = item["word"] or item["double"] or item["single"] or ""
    return token


def pop_content_mode(token: Token) -> str | None:
    """Remove the `markdown` attribute. Returns "raw", "default", "span", "block"; None: without."""
    return _MODES.get(str(token.attrs.pop("markdown", "")))


def start_tag(src: str, pos: int, doc: MarkdownDocument) -> re.Match[str] | None:
    """The start tag at `pos`. Its length is counted as work, even if it is never closed."""
    tag = TAG.match(src, pos)
    if read := tag or TAG_START.match(src, pos):
        doc.spend((read.end() - pos) // 64)
    return tag


def comment_end(src: str, pos: int, ahead: Lookahead) -> int:
    """The end of the comment at `pos`; -1: not a comment, or it is never closed."""
    end = ahead.find("-->", pos + 4) if src.startswith("<!--", pos) else -1
    return end + 3 if end >= 0 else -1


def html(state: BlockState) -> bool:
    src = state.src
    if not _START.match(src, state.pos):
        return False
    if (end := comment_end(src, state.pos, state.ahead)) >= 0:
        state.tokens.append(Token("html_comment", "", 0, content=src[state.pos : end], block=True))
        state.pos = end
        _skip_line_end(state)
        return True
    start = src.index("<", state.pos)
    if tag := start_tag(src, start, state.doc):
        if tag["name"].lower() in SPAN_ELEMENTS:
            return False
        state.pos = tag.end()
        _element(state, tag)
        return True
    closing = CLOSING_TAG.match(src, start)
    if closing and state.element and closing["name"].lower() == state.element.tag:
        state.pos = closing.end()
        state.closed = True
        return True
    return False


def _element(state: BlockState, tag: re.Match[str]) -> None:
    token = element_token(tag)
    token.block = True
    raw = _set_content_mode(state, token, tag)
    state.tokens.append(token)
    if token.tag in ("script", "style"):
        _script_content(state, token)
        return
    if not token.meta["closed"]:
        if token.meta["content"] == "block":
            cast("Blocks", state.md.block).parse_content(state, token)
        elif token.meta["content"] == "span":
            _span_content(state, token)
        else:
            _raw_content(state, token)
        if not raw:
            _skip_line_end(state)


def _set_content_mode(state: BlockState, token: Token, tag: re.Match[str]) -> bool:
    """Decide how the content is parsed. True if the element itself is in raw HTML."""
    if state.ial:
        token.meta["ial"] = state.ial
        state.ial = None
    parent = state.element
    in_raw = bool(parent and parent.meta["content"] == "raw")
    own = pop_content_mode(token)
    by_kind = CONTENT.get(token.tag, "raw")
    content = by_kind if state.doc.options.parse_block_html and not in_raw else "raw"
    if own:
        content = by_kind if own == "default" else own
    if content == "block" and state.doc.depth >= MAX_DEPTH:
        content = "raw"
    if content == "block":
        _skip_line_end(state)
    token.meta["content"] = content
    token.meta["outer"] = not in_raw
    token.meta["closed"] = bool(tag["closed"]) or token.tag in VOID_ELEMENTS
    return in_raw


def _skip_line_end(state: BlockState) -> None:
    if match := _LINE_END.match(state.src, state.pos):
        state.pos = match.end()


def _script_content(state: BlockState, token: Token) -> None:
    """The content of a script or a style: plain text up to the end tag."""
    closing = re.compile(rf"</{token.tag}[ \t-\r]*>", re.IGNORECASE).search(state.src, state.pos)
    end = closing.start() if closing else state.end
    children(token).append(Token("raw", "", 0, content=state.src[state.pos : end]))
    state.pos = closing.end() if closing else state.end


def _span_content(state: BlockState, token: Token) -> None:
    closing = _closing(state, token.tag)
    end = closing.start() if closing else state.end
    children(token).append(inline_token(state.src[state.pos : end]))
    state.pos = closing.end() if closing else state.end


def _closing(state: BlockState, name: str) -> re.Match[str] | None:
    """The next end tag with this name."""
    for tag in CLOSING_TAG.finditer(state.src, state.pos):
        state.doc.spend(1)
        if tag["name"].lower() == name.lower():
            return tag
    return None


def _raw_content(state: BlockState, token: Token) -> None:
    """Parse raw HTML up to the end tag of an element."""
    outer, state.element = state.element, token
    siblings, state.tokens = state.tokens, children(token)
    state.doc.depth += 1
    while state.pos < state.end and not state.closed:
        state.doc.spend(3)
        markup = _RAW_START.search(state.src, state.pos)
        start = markup.start() if markup else state.end
        _text(state, start)
        if markup:
            _raw_piece(state, start)
    state.doc.depth -= 1
    state.closed = False
    state.element, state.tokens = outer, siblings


def _raw_piece(state: BlockState, start: int) -> None:
    """Parse a comment, an instruction, a tag, or a `<` that is text."""
    src, token = state.src, state.element
    end = comment_end(src, start, state.ahead)
    if src.startswith("<?", start):
        end = state.ahead.find("?>", start)
        end = end + 2 if end >= 0 else -1
    if end >= 0:
        state.tokens.append(Token("html_comment", "", 0, content=src[start:end]))
        state.pos = end
    elif tag := start_tag(src, start, state.doc):
        state.pos = tag.end()
        if state.doc.depth < 2 * MAX_DEPTH:
            _element(state, tag)
        else:
            state.tokens.append(Token("raw", "", 0, content=tag[0]))
    elif closing := CLOSING_TAG.match(src, start):
        name = closing["name"]
        if token and token.tag == (name.lower() if token.tag in ELEMENTS else name):
            state.pos, state.closed = closing.end(), True
        else:
            _text(state, closing.end())
    else:
        _text(state, start + 1)


def _text(state: BlockState, end: int) -> None:
    if end > state.pos:
        state.tokens.append(Token("text", "", 0, content=state.src[state.pos : end]))
        state.pos = end
