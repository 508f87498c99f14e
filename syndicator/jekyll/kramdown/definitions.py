"""What is defined in one place and used in another, and the extensions `{: }` and `{:: }`."""

import re

from markdown_it.token import Token

from syndicator.jekyll.kramdown.attributes import Attributes
from syndicator.jekyll.kramdown.blocks import INDENT
from syndicator.jekyll.kramdown.engine import BlockState, Definition, Document, children
from syndicator.jekyll.kramdown.grammar import ANY, ID, LIST, NOT_LAZY, SPACE

_FOOTNOTE = re.compile(
    r" {0,3}\[\^(?P<name>" + ID + r")\]:(?P<text>.*\n"
    r"(?:(?:[ \t\r\f\v]*\n)*(?:(?:\t| {4})[ \t]*[^ \t-\r].*\n)+"
    rf"(?:(?!{NOT_LAZY})[ \t]*[^ \t-\r].*\n)*)*)"
)
_LINK = re.compile(
    r" {0,3}\[(?P<id>[^\n\]]+)\]:[ \t]*(?:<(?P<angled>.*?)>|(?P<plain>[^\n]*?[^ \t-\r][^\n]*?))"
    r"(?:(?:[ \t]*?\n|[ \t]+?)[ \t]*?(?P<quote>[\"'])(?P<title>.+?)(?P=quote))?[ \t]*?\n"
)
_ABBREVIATION = re.compile(r" {0,3}\*\[(?P<id>.+?)\]:(?P<title>.*?)\n")
_NAMED = re.compile(rf" {{0,3}}\{{:(?P<name>{ID}):(?P<list>{LIST})\}}[ \t\r\f\v]*\n")
_ATTRIBUTES = re.compile(rf" {{0,3}}\{{:(?![:/])(?P<list>{LIST})\}}[ \t\r\f\v]*\n")
_EXTENSION = re.compile(
    rf" {{0,3}}\{{::(?P<name>[A-Za-z0-9_]+)(?:[ \t-\r](?P<list>{ANY}{{0,500}}?))?(?P<closed>/)?\}}[ \t\r\f\v]*\n"
)


MAX_LINE = 4_096  #: a longer line defines no link


def identifier(text: str) -> str:
    return re.sub(r"[ \t-\r]+", " ", text).lower()


def footnote(state: BlockState) -> bool:
    match = _FOOTNOTE.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    text = INDENT.sub("", match["text"].lstrip(" \t"))
    note = Token("footnote_def", "li", 0, children=[])
    state.blocks(text, children(note))
    state.doc.footnotes[match["name"]] = note
    state.mark("footnote")
    return True


def link(state: BlockState) -> bool:
    if state.src.find("\n", state.pos) - state.pos > MAX_LINE:
        return False
    match = _LINK.match(state.src, state.pos)
    if not match or re.search(r"[ \t]+[\"']", match["plain"] or ""):
        return False
    state.pos = match.end()
    target = match["angled"] if match["angled"] is not None else match["plain"]
    state.doc.links[identifier(match["id"])] = Definition(target, match["title"], state.mark("link"))
    return True


def abbreviation(state: BlockState) -> bool:
    match = _ABBREVIATION.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    title = match["title"].strip(SPACE)
    state.doc.abbreviations[match["id"]] = Definition(match["id"], title, state.mark("abbreviation"))
    return True


def extension(state: BlockState) -> bool:
    if "{:" not in state.src[state.pos : state.pos + 5]:
        return False
    if match := _NAMED.match(state.src, state.pos):
        state.pos = match.end()
        state.doc.named.setdefault(match["name"], Attributes()).read(match["list"])
        state.mark("attributes")
        return True
    if match := _EXTENSION.match(state.src, state.pos):
        return _extension(state, match)
    match = _ATTRIBUTES.match(state.src, state.pos)
    return match is not None and _attributes(state, match)


def _attributes(state: BlockState, match: re.Match[str]) -> bool:
    state.pos = match.end()
    last = state.tokens[-1] if state.tokens else None
    if last and last.type != "blank" and (last.type != "mark" or last.content in ("link", "abbreviation", "footnote")):
        last.meta.setdefault("ial", Attributes()).read(match["list"])
        if not _ATTRIBUTES.match(state.src, state.pos):
            state.mark("attributes")
    else:
        state.ial = state.ial or Attributes()
        state.ial.read(match["list"])
    return True


def _extension(state: BlockState, match: re.Match[str]) -> bool:
    body, end = None, match.end()
    if not match["closed"]:
        stop = re.compile(rf"^ {{0,3}}\{{:/(?:{match['name']})?\}}[ \t\r\f\v]*\n", re.MULTILINE)
        closing = stop.search(state.src, end)
        if not closing:
            return state.doc.fail((state.end - state.pos) // 50)
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


def extended(doc: Document, name: str, attributes: str, body: str | None) -> Token | None:
    """What `{::name attributes}body{:/}` stands for; None if there is no such extension."""
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
