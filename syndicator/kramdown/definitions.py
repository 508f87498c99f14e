"""Definitions of footnotes, links and abbreviations, and the extensions `{: }` and `{:: }`."""

import re
from functools import lru_cache

from markdown_it.token import Token

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.block_engine import BlockState, Definition, MarkdownDocument, children
from syndicator.kramdown.blocks import INDENT
from syndicator.kramdown.grammar import ATTRIBUTE_LIST, ID, LIST_CHARACTER, NOT_LAZY, SPACE

_FOOTNOTE = re.compile(
    r" {0,3}\[\^(?P<name>" + ID + r")\]:(?P<text>.*\n"
    r"(?:(?:[ \t\r\f\v]*\n)*(?:(?:\t| {4})[ \t]*[^ \t-\r].*\n)+"
    rf"(?:(?!{NOT_LAZY})[ \t]*[^ \t-\r].*\n)*)*)"
)
_LINK = re.compile(r" {0,3}\[(?P<id>[^\n\]]+)\]:[ \t]*")
_TITLE_START = re.compile(r"(?<=[ \t])[\"']")
_NOT_SPACE = re.compile(r"[^ \t-\r]")
_ABBREVIATION = re.compile(r" {0,3}\*\[(?P<id>.+?)\]:(?P<title>.*?)\n")
_NAMED = re.compile(rf" {{0,3}}\{{:(?P<name>{ID}):(?P<list>{ATTRIBUTE_LIST})\}}[ \t\r\f\v]*\n")
_ATTRIBUTES = re.compile(rf" {{0,3}}\{{:(?![:/])(?P<list>{ATTRIBUTE_LIST})\}}[ \t\r\f\v]*\n")
_EXTENSION = re.compile(
    rf" {{0,3}}\{{::(?P<name>[A-Za-z0-9_]+)(?:[ \t-\r](?P<list>{LIST_CHARACTER}{{0,500}}?))?"
    r"(?P<closed>/)?\}[ \t\r\f\v]*\n"
)

EXTENSIONS = frozenset(("comment", "nomarkdown", "options"))
MAX_LINE = 4_096  #: a longer line defines no link


def identifier(text: str) -> str:
    """The key of a link definition: case and the amount of white space are ignored."""
    return re.sub(r"[ \t-\r]+", " ", text).lower()


def footnote(state: BlockState) -> bool:
    match = _FOOTNOTE.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    text = INDENT.sub("", match["text"].lstrip(" \t"))
    note = Token("footnote_def", "li", 0, children=[])
    state.parse_blocks(text, children(note))
    state.doc.footnotes[match["name"]] = note
    state.mark("footnote")
    return True


def link(state: BlockState) -> bool:
    match = _LINK.match(state.src, state.pos)
    line_end = state.src.find("\n", match.end()) if match else -1
    if not match or line_end < 0 or line_end - state.pos > MAX_LINE:
        return False
    line = state.src[match.end() : line_end]
    definition = _angle_target(state.src, line, line_end) or _plain_target(
        state.src, line, line_end
    )
    if not definition:
        return False
    state.doc.spend(5)
    target, title, end = definition
    state.pos = end
    state.doc.links[identifier(match["id"])] = Definition(target, title, state.mark("link"))
    return True


def _angle_target(src: str, line: str, line_end: int) -> tuple[str, str | None, int] | None:
    """Parse `<target> "title"`. Returns the target, the title and the position after them."""
    end = line.find(">") if line.startswith("<") else -1
    while end >= 0:
        rest = line[end + 1 :].strip(" \t")
        if not rest:
            return line[1:end], *_title_below(src, line_end)
        if line[end + 1] in " \t" and rest[0] in "\"'" and rest[-1] == rest[0] and len(rest) > 2:
            return line[1:end], rest[1:-1], line_end + 1
        end = line.find(">", end + 1)
    return None


def _plain_target(src: str, line: str, line_end: int) -> tuple[str, str | None, int] | None:
    """Parse `target "title"`. Returns the target, the title and the position after them.

    The title begins at the first quote after a space that equals the last character of the line.
    """
    first = _NOT_SPACE.search(line)
    if not first:
        return None
    title: str | None
    shown = line.rstrip(" \t")
    for mark in _TITLE_START.finditer(shown, first.end()):
        if mark[0] == shown[-1] and mark.end() < len(shown) - 1:
            target = shown[: mark.start()].rstrip(" \t")
            title, end = shown[mark.end() : -1], line_end + 1
            break
    else:
        target, (title, end) = shown, _title_below(src, line_end)
    return None if _TITLE_START.search(target) else (target, title, end)


def _title_below(src: str, line_end: int) -> tuple[str | None, int]:
    """A title that fills the next line, and the end of the definition."""
    end = src.find("\n", line_end + 1)
    line = src[line_end + 1 : end].strip(" \t") if end >= 0 else ""
    if len(line) > 2 and line[0] in "\"'" and line[0] == line[-1]:
        return line[1:-1], end + 1
    return None, line_end + 1


def abbreviation(state: BlockState) -> bool:
    match = _ABBREVIATION.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    title = match["title"].strip(SPACE)
    state.doc.abbreviations[match["id"]] = Definition(
        match["id"], title, state.mark("abbreviation")
    )
    return True


def extension(state: BlockState) -> bool:
    if "{:" not in state.src[state.pos : state.pos + 5]:
        return False
    if match := _NAMED.match(state.src, state.pos):
        state.pos = match.end()
        state.doc.named_attributes.setdefault(match["name"], Attributes()).read(match["list"])
        state.mark("attributes")
        return True
    if match := _EXTENSION.match(state.src, state.pos):
        return _extension(state, match)
    match = _ATTRIBUTES.match(state.src, state.pos)
    return match is not None and _attributes(state, match)


def _attributes(state: BlockState, match: re.Match[str]) -> bool:
    state.pos = match.end()
    last = state.tokens[-1] if state.tokens else None
    if (
        last
        and last.type != "blank"
        and (last.type != "mark" or last.content in ("link", "abbreviation", "footnote"))
    ):
        last.meta.setdefault("ial", Attributes()).read(match["list"])
        if not _ATTRIBUTES.match(state.src, state.pos):
            state.mark("attributes")
    else:
        state.ial = state.ial or Attributes()
        state.ial.read(match["list"])
    return True


def _extension(state: BlockState, match: re.Match[str]) -> bool:
    if match["name"] not in EXTENSIONS:
        return False
    body, end = None, match.end()
    if not match["closed"]:
        stop = _closing_extension(match["name"])
        start = state.ahead.search(stop, end)
        closing = stop.match(state.src, start) if start >= 0 else None
        if not closing:
            return False
        body, end = state.src[match.end() : closing.start()].removesuffix("\n"), closing.end()
    token = extended(state.doc, match["name"], match["list"] or "", body)
    if token is None:
        return False
    state.pos = end
    if token.type == "mark":
        state.mark("extension")
    elif body is not None:
        token.block = True
        state.tokens.append(token)
    return True


@lru_cache(maxsize=len(EXTENSIONS))
def _closing_extension(name: str) -> re.Pattern[str]:
    return re.compile(rf"^ {{0,3}}\{{:/(?:{name})?\}}[ \t\r\f\v]*\n", re.MULTILINE)


def extended(doc: MarkdownDocument, name: str, attributes: str, body: str | None) -> Token | None:
    """The token for `{::name attributes}body{:/}`; None for an unknown extension."""
    given = Attributes()
    given.read(attributes)
    if name == "comment":
        return Token("html_comment", "", 0, content=f"<!-- {body} -->")
    if name == "nomarkdown":
        kinds = given.values.get("type", "").split()
        return Token("raw", "", 0, content=(body or "") if not kinds or "html" in kinds else "")
    if name == "options":
        doc.options = doc.options.updated(given.values)
        return Token("mark", "", 0)
    return None
