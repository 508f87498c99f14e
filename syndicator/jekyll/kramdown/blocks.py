"""Paragraphs, headings, code, quotes, rules and mathematics."""

import re
from functools import lru_cache

from markdown_it.token import Token

from syndicator.jekyll.kramdown.engine import BlockState, children, spans
from syndicator.jekyll.kramdown.grammar import (
    BLANKS,
    BOUNDARY,
    MARKER,
    NOT_LAZY,
    PARAGRAPH_END,
    PARAGRAPH_END_GFM,
    QUOTE_END,
    RULE,
    SPACE,
)

_CODE = re.compile(
    r"(?:(?:[ \t\r\f\v]*\n)*(?:(?:\t| {4})[ \t]*[^ \t-\r].*\n)+"
    rf"(?:(?!{NOT_LAZY})[ \t]*[^ \t-\r].*\n)*)+"
)
_LAZY_LINE = re.compile(r"\n( {0,3}[^ \t-\r])")
INDENT = re.compile(r"^(?:\t| {4})", re.MULTILINE)
_FENCE_GFM = re.compile(
    r" {0,3}(?P<fence>[~`]{3,})[ \t-\r]*?(?:(?P<info>(?P<lang>[^ \t-\r]+?)(?:\?[^ \t-\r]*)?))?[ \t\r\f\v]*\n"
)
_FENCE = re.compile(r"(?P<fence>~{3,})[ \t-\r]*?(?:(?P<info>(?P<lang>[^ \t-\r]+?)(?:\?[^ \t-\r]*)?))?[ \t\r\f\v]*\n")
_QUOTE = re.compile(r" {0,3}> ?")
_QUOTE_LINE = re.compile(r"^ {0,3}> ?", re.MULTILINE)
_ATX_GFM = re.compile(r"(?P<level>#{1,6})[\t ]+(?P<text>.*)\n")
_ATX = re.compile(r"(?P<level>#{1,6})[\t ]*(?P<text>[^ \t\n].*)\n")
_SETEXT = re.compile(r" {0,3}(?P<text>[^ \t\n].*)\n(?P<level>[\-=])[\-=]*[ \t\r\f\v]*\n")
_HEADING_ID = re.compile(r"[\t ]\{#(?P<id>[^\W\d][\w:.\-]*)\}\Z")
_CLOSING_HASHES_GFM = re.compile(r"[\t ]#+\Z")
_CLOSING_HASHES = re.compile(r"(?<!\\)#+\Z")
_MATH = re.compile(r" {0,3}(?P<escaped>\\)?\$\$(?P<text>.*?)\$\$(?P<end>[ \t\r\f\v]*\n)?", re.DOTALL)


def blank(state: BlockState) -> bool:
    match = BLANKS.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    if state.tokens and state.tokens[-1].type == "blank":
        state.tokens[-1].content += match[0]
    else:
        state.add("blank", content=match[0])
    return True


def code(state: BlockState) -> bool:
    if state.src[state.pos] not in " \t":
        return False
    match = _CODE.match(state.src, state.pos) if INDENT.match(state.src, state.pos) else None
    if not match:
        return False
    state.pos = match.end()
    text = INDENT.sub("", _LAZY_LINE.sub(r" \1", match[0]))
    state.add("code_block", "pre", content=text)
    return True


def fence(state: BlockState) -> bool:
    options = state.doc.options
    match = (_FENCE_GFM if options.gfm else _FENCE).match(state.src, state.pos)
    closing = match and _closing_fence(match["fence"], options.gfm).search(state.src, match.end())
    if not match:
        return False
    if not closing:
        return state.doc.fail((state.end - state.pos) // 50)
    state.pos = closing.end()
    token = state.add("fence", "pre", content=state.src[match.end() : closing.start()])
    if match["info"]:
        token.info = match["info"]
        token.attrs["class"] = f"language-{match['lang']}"
    return True


@lru_cache(maxsize=64)
def _closing_fence(fence: str, gfm: bool) -> re.Pattern[str]:
    indent = " {0,3}" if gfm else ""
    return re.compile(rf"^{indent}{re.escape(fence)}{re.escape(fence[-1])}*[ \t-\r]*?\n", re.MULTILINE)


def quote(state: BlockState) -> bool:
    if not _QUOTE.match(state.src, state.pos):
        return False
    text = _up_to(state, QUOTE_END)
    token = state.add("blockquote", "blockquote", [])
    state.blocks(_QUOTE_LINE.sub("", text), children(token))
    return True


def _up_to(state: BlockState, end: re.Pattern[str]) -> str:
    """The line here and those that follow, up to the first that can't go on with it."""
    start, newline = state.pos, state.src.find("\n", state.pos)
    match = end.search(state.src, newline + 1) if newline >= 0 else None
    state.pos = match.start() if match else state.end
    return state.src[start : state.pos]


def heading(state: BlockState) -> bool:
    if state.src[state.pos] != "#":
        return False
    quirk = state.doc.options.gfm and state.doc.options.paragraph_end
    match = (_ATX_GFM if state.doc.options.gfm else _ATX).match(state.src, state.pos)
    if not match or not (quirk or state.after_boundary()):
        return False
    hashes = _CLOSING_HASHES_GFM if quirk else _CLOSING_HASHES
    return _heading(state, match, len(match["level"]), hashes)


def underlined_heading(state: BlockState) -> bool:
    match = _SETEXT.match(state.src, state.pos) if state.after_boundary() else None
    return match is not None and _heading(state, match, 2 if match["level"] == "-" else 1, None)


def _heading(state: BlockState, match: re.Match[str], level: int, hashes: re.Pattern[str] | None) -> bool:
    text = match["text"].rstrip(SPACE)
    own = _HEADING_ID.search(text)
    if own:
        text = text[: own.start()].rstrip(SPACE)
    if hashes:
        text = hashes.sub("", text).rstrip(SPACE)
    if not text:
        return False
    state.pos = match.end()
    token = state.add("heading", f"h{level}", [spans(text)])
    if own:
        token.attrs["id"] = own["id"]
    return True


def rule(state: BlockState) -> bool:
    match = RULE.match(state.src, state.pos)
    if match:
        state.pos = match.end()
        state.add("hr", "hr")
    return bool(match)


def math(state: BlockState) -> bool:
    start = state.src.find("$$", state.pos, state.pos + 6)
    if start < 0 or not state.after_boundary():
        return False
    if state.src.find("$$", start + 2) < 0:
        return state.doc.fail((state.end - start) // 1_000)
    match = _MATH.match(state.src, state.pos)
    if not match:
        return False
    if match["escaped"]:
        if match["end"]:
            state.pos = match.end("escaped")
        return False
    if not BOUNDARY.match(state.src, match.end()):
        return False
    state.pos = match.end()
    state.add("math_block", "div", content=match["text"].strip(SPACE))
    return True


def end_marker(state: BlockState) -> bool:
    match = MARKER.match(state.src, state.pos)
    if match:
        state.pos = match.end()
        state.mark("end")
    return bool(match)


def paragraph(state: BlockState) -> bool:
    options, start = state.doc.options, state.pos
    text = _up_to(state, PARAGRAPH_END_GFM if options.gfm and options.paragraph_end else PARAGRAPH_END)
    text = text.rstrip(SPACE)
    last = state.tokens[-1] if state.tokens else None
    if last and last.type == "paragraph":
        inline = last.children[-1] if last.children else Token("inline", "", 0)
        state.doc.effort -= len(inline.content) // 1_000
        inline.content += ("  \n" if state.src[start - 3 : start] == "  \n" else "\n") + text
    else:
        state.add("paragraph", "p", [spans(text.lstrip(SPACE))])
    return True


def lines(state: BlockState) -> bool:
    """A line of text that is in no block: what `smartify` reads."""
    end = state.src.find("\n", state.pos) + 1 or state.end
    text, state.pos = state.src[state.pos : end], end
    if state.tokens and state.tokens[-1].type == "inline":
        state.tokens[-1].content += text
    else:
        state.tokens.append(spans(text))
    return True
