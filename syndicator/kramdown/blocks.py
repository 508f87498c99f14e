"""Paragraphs, headings, code, quotes, rules and mathematics."""

import re
from collections.abc import Callable
from functools import lru_cache

from markdown_it.token import Token

from syndicator.kramdown.block_engine import BlockState, children, inline_token
from syndicator.kramdown.grammar import (
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
from syndicator.kramdown.lookahead import LongestRuns

_CODE = re.compile(
    r"(?:(?:[ \t\r\f\v]*\n)*(?:(?:\t| {4})[ \t]*[^ \t-\r].*\n)+"
    rf"(?:(?!{NOT_LAZY})[ \t]*[^ \t-\r].*\n)*)+"
)
_LAZY_LINE = re.compile(r"\n( {0,3}[^ \t-\r])")
INDENT = re.compile(r"^(?:\t| {4})", re.MULTILINE)
_INFO = r"[ \t\r\f\v]*+(?P<info>(?P<lang>[^ \t-\r][^ \t-\r?]*+)[^ \t-\r]*+)?[ \t\r\f\v]*+\n"
_FENCE_GFM = re.compile(rf" {{0,3}}(?P<fence>[~`]{{3,}}+){_INFO}")
_FENCE = re.compile(rf"(?P<fence>~{{3,}}+){_INFO}")
_QUOTE = re.compile(r" {0,3}> ?")
_QUOTE_LINE = re.compile(r"^ {0,3}> ?", re.MULTILINE)
_ATX_GFM = re.compile(r"(?P<level>#{1,6})[\t ]+(?P<text>.*)\n")
_ATX = re.compile(r"(?P<level>#{1,6})[\t ]*(?P<text>[^ \t\n].*)\n")
_SETEXT = re.compile(r" {0,3}(?P<text>[^ \t\n].*)\n(?P<level>[\-=])[\-=]*[ \t\r\f\v]*\n")
_HEADING_ID = re.compile(r"[\t ]\{#(?P<id>[^\W\d][\w:.\-]*)\}\Z")
_MATH = re.compile(
    r" {0,3}(?P<escaped>\\)?\$\$(?P<text>.*?)\$\$(?P<end>[ \t\r\f\v]*\n)?", re.DOTALL
)


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
    closing = match and _closing_fence(state, match["fence"], match.end())
    if not match or not closing:
        return False
    state.pos = closing.end()
    token = state.add("fence", "pre", content=state.src[match.end() : closing.start()])
    if match["info"]:
        token.info = match["info"]
        token.attrs["class"] = f"language-{match['lang']}"
    return True


def _closing_fence(state: BlockState, fence: str, pos: int) -> re.Match[str] | None:
    """The line that closes a fence: the same character, at least as often."""
    key = fence[-1], state.doc.options.gfm
    uniform = fence == fence[-1] * len(fence)
    known = state.closing_fences.get(key) if uniform else None
    if known and known.after(pos) < len(fence):
        return None
    state.doc.spend(0 if uniform else len(fence))
    shortest = f"{fence[-1]}{{{len(fence)},}}" if uniform else f"{re.escape(fence)}{fence[-1]}*"
    closing = _closes(shortest, key[1]).search(state.src, pos)
    if closing:
        return closing
    state.doc.spend((state.end - pos) // 128)
    if uniform and key not in state.closing_fences:
        lines = _closes(f"{fence[-1]}{{3,}}", key[1]).finditer(state.src)
        state.closing_fences[key] = LongestRuns(
            (line.start(), line[0].count(fence[-1])) for line in lines
        )
    return None


@lru_cache(maxsize=64)
def _closes(fence: str, gfm: bool) -> re.Pattern[str]:
    indent = " {0,3}" if gfm else ""
    return re.compile(rf"^{indent}{fence}[ \t-\r]*?\n", re.MULTILINE)


def quote(state: BlockState) -> bool:
    if not _QUOTE.match(state.src, state.pos):
        return False
    text = _up_to(state, QUOTE_END)
    token = state.add("blockquote", "blockquote", [])
    state.parse_blocks(_QUOTE_LINE.sub("", text), children(token))
    return True


def _up_to(state: BlockState, end: re.Pattern[str]) -> str:
    """The current line and those after it, up to the first that matches `end`."""
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
    return _heading(
        state, match, len(match["level"]), _without_spaced_hashes if quirk else _without_hashes
    )


def underlined_heading(state: BlockState) -> bool:
    match = _SETEXT.match(state.src, state.pos) if state.after_boundary() else None
    return match is not None and _heading(state, match, 2 if match["level"] == "-" else 1, None)


def _without_hashes(text: str) -> str:
    """The text without the hashes at its end. A backslash escapes one."""
    rest = text.rstrip("#")
    return f"{rest}#" if rest.endswith("\\") and rest != text else rest


def _without_spaced_hashes(text: str) -> str:
    """The text without the hashes at its end, if a space precedes them."""
    rest = text.rstrip("#")
    return rest[:-1] if rest.endswith(("\t", " ")) and rest != text else text


def _heading(
    state: BlockState, match: re.Match[str], level: int, closing: Callable[[str], str] | None
) -> bool:
    text = match["text"].rstrip(SPACE)
    own = _HEADING_ID.search(text)
    if own:
        text = text[: own.start()].rstrip(SPACE)
    if closing:
        text = closing(text).rstrip(SPACE)
    if not text:
        return False
    state.pos = match.end()
    token = state.add("heading", f"h{level}", [inline_token(text)])
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
    if state.ahead.find("$$", start + 2) < 0:
        return False
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
    if not state.src[start].isalpha():
        state.doc.spend(6)  # all other rules were tried first
    text = _up_to(
        state, PARAGRAPH_END_GFM if options.gfm and options.paragraph_end else PARAGRAPH_END
    )
    text = text.rstrip(SPACE)
    last = state.tokens[-1] if state.tokens else None
    if last and last.type == "paragraph":
        inline = last.children[-1] if last.children else Token("inline", "", 0)
        line_end = "  \n" if state.src[start - 3 : start] == "  \n" else "\n"
        state.extend_paragraph(inline, line_end + text)
    else:
        state.add("paragraph", "p", [inline_token(text.lstrip(SPACE))])
    return True


def lines(state: BlockState) -> bool:
    """A line of text outside of blocks, as `smartify` parses it."""
    end = state.src.find("\n", state.pos) + 1 or state.end
    text, state.pos = state.src[state.pos : end], end
    if state.tokens and state.tokens[-1].type == "inline":
        state.extend_paragraph(state.tokens[-1], text)
    else:
        state.tokens.append(inline_token(text))
    return True
