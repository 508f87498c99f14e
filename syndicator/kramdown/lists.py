"""Lists and definition lists."""

import re
from functools import lru_cache

from markdown_it.token import Token
from msgspec import Struct

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.block_engine import BlockState, MarkdownDocument, children, inline_token
from syndicator.kramdown.grammar import ATTRIBUTE_LIST, BLANKS, HTML_EDGE, ID, MARKER, RULE

_ITEM = re.compile(r" {0,3}(?:(?P<ul>[+*\-])|(?P<ol>[0-9]+\.))[\t| ].*\n")
_DEFINITION = re.compile(r" {0,3}:[\t| ].*\n")
_ITEM_ATTRIBUTES = re.compile(
    rf"[ \t-\r]*\{{:(?!(?:{ID})?:|/)(?P<list>{ATTRIBUTE_LIST})\}}[ \t-\r]*"
)
_EMPTY_ITEM = re.compile(
    rf"(?:[ \t-\r]*\{{:(?!(?:{ID})?:|/){ATTRIBUTE_LIST}\}}[ \t-\r]*)?[ \t-\r]*\Z"
)
_TABS = re.compile(r"( *)(\t+)")
_TASK = re.compile(r"\A[ \t-\r]*\[(?P<mark>[ xX])\][ \t-\r]+")
_MARKERS = {"ul": r"[+*\-]", "ol": r"[0-9]+\.", "dl": ":"}


@lru_cache(maxsize=256)
def _item_start(kind: str, indent: int) -> re.Pattern[str]:
    """The first line of the next item: indented less than the text of the item before it."""
    return re.compile(
        rf"(?P<marker> {{0,{min(indent - 1, 3)}}}{_MARKERS[kind]})(?P<text>[\t| ].*\n)"
    )


#: Columns. The patterns for an item whose text begins further right are rarely in the cache, so
#: these steps are counted for compiling them.
_WIDEST = 100
_PATTERN_STEPS = 200


@lru_cache(maxsize=256)
def _continuation(indent: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A line that belongs to an item by its indent, and one without an indent (a lazy line)."""
    fours, rest = divmod(indent, 4)
    inside = (
        rf"(?:(?:\t| {{4}}){{{fours}}} {{{rest}}}|(?:\t| {{4}}){{{fours + 1}}})(?=.*[^ \t-\r]).*\n"
    )
    attributes = rf"\{{:(?![:/]){ATTRIBUTE_LIST}\}}[ \t\r\f\v]*\n"
    lazy = rf"(?! {{0,{min(indent, 3)}}}(?:{attributes}|{HTML_EDGE}))(?=.*[^ \t-\r]).*\n"
    return re.compile(inside), re.compile(lazy)


class _Item(Struct):
    """An item while its lines are collected."""

    parts: list[list[str]]  #: lines; each part is parsed separately
    indent: int
    ial: Attributes | None
    nested: bool
    inside: re.Pattern[str]
    lazy: re.Pattern[str]
    after_blank: bool = False  #: a blank line precedes the definition

    def texts(self) -> list[str]:
        return ["".join(lines) for lines in self.parts]


def _first_line(doc: MarkdownDocument, width: int, text: str) -> _Item:
    if _EMPTY_ITEM.match(text):
        width = 4
    else:
        indent, start = 0, 0
        while tabs := _TABS.match(text, start):
            indent += len(tabs[1])
            indent += 4 - (indent + width) % 4 + (len(tabs[2]) - 1) * 4
            start = tabs.end()
        width += indent + len(text) - start - len(text[start:].lstrip(" "))
    if width > _WIDEST:
        doc.spend(_PATTERN_STEPS)
    text = text.lstrip(" \t\n\v\f\r")
    ial = None
    if match := _ITEM_ATTRIBUTES.match(text):
        ial = Attributes()
        ial.read(match["list"])
        text = text[match.end() :]
    inside, lazy = _continuation(width)
    nested = bool(_ITEM.match(text))
    return _Item([[text]], indent=width, ial=ial, nested=nested, inside=inside, lazy=lazy)


def list_(state: BlockState) -> bool:
    match = _ITEM.match(state.src, state.pos)
    if not match:
        return False
    kind = "ul" if match["ul"] else "ol"
    token = state.add("items", kind, [])
    items, ended = _items(state, kind)
    trailing: Token | None = None
    for item in items:
        state.doc.spend(8)
        li = Token("item", "li", 0, children=[], block=True)
        if item.ial:
            li.meta["ial"] = item.ial
        children(token).append(li)
        for part in item.texts():
            state.parse_blocks(part, children(li))
    for li in children(token):
        trailing = _finish_item(li, children(token), ended)
    if trailing and not ended:
        state.tokens.append(trailing)
    if state.doc.options.gfm:
        _tasks(token)
    return True


def _items(state: BlockState, kind: str) -> tuple[list[_Item], bool]:
    """Collect the lines of the items. The flag is True if the list ended at a `^`."""
    src = state.src
    items: list[_Item] = []
    after_blank = False
    start = _item_start(kind, 4)
    while state.pos < state.end:
        state.doc.spend(1)
        if after_blank and RULE.match(src, state.pos):
            break
        if end := MARKER.match(src, state.pos):
            state.pos = end.end()
            return items, True
        if first := start.match(src, state.pos):
            items.append(_first_line(state.doc, len(first["marker"]), first["text"]))
            state.pos, after_blank = first.end(), False
            start = _item_start(kind, items[-1].indent)
        elif line := _line(state, items[-1], after_blank):
            state.pos, after_blank = line.end(), False
            _add_line(items[-1], line[0])
        elif blanks := BLANKS.match(src, state.pos):
            state.pos, after_blank = blanks.end(), True
            items[-1].nested = True
            items[-1].parts[-1].append(blanks[0])
        else:
            break
    return items, False


def _line(state: BlockState, item: _Item, after_blank: bool) -> re.Match[str] | None:
    line = item.inside.match(state.src, state.pos)
    if not line and not after_blank:
        line = item.lazy.match(state.src, state.pos)
    return line


def _dedent(line: str, indent: int) -> tuple[str, bool]:
    tabs = len(line) - len(line.lstrip("\t"))
    line = " " * 4 * tabs + line[tabs:]
    inside = line.startswith(" " * indent)
    return (line[indent:] if inside else line), inside


def _add_line(item: _Item, line: str) -> None:
    line, inside = _dedent(line, item.indent)
    if _ITEM.match(line):
        if inside and not item.nested:
            item.parts.append([])
            item.nested = True
        elif item.nested and not inside:
            line = " " * (item.indent + 4) + line
    item.parts[-1].append(line)


def _finish_item(li: Token, items: list[Token], ended: bool) -> Token | None:
    """Hide the tags of the item's first paragraph if the item is tight. Remove a blank end.

    Returns the blank token that was removed.
    """
    kids = children(li)
    if not kids:
        return None
    first = kids[0]
    if (
        first.type == "paragraph"
        and len(kids) >= 2
        and kids[1].type == "mark"
        and "ial" in first.meta
    ):
        del kids[1]
    last = li is items[-1]
    close = len(kids) < 2 or kids[1].type != "blank" or (last and len(kids) == 2 and not ended)
    alike = (
        not last
        or len(items) == 1
        or any(not _starts_with_paragraph(other) for other in items[:-1])
    )
    if first.type == "paragraph" and close and alike:
        if len(kids) > 1 and kids[1].type != "blank":
            children(first)[0].content += "\n"
        first.hidden = True
    return kids.pop() if kids[-1].type == "blank" else None


def _starts_with_paragraph(li: Token) -> bool:
    kids = children(li)
    return bool(kids) and kids[0].type == "paragraph" and not kids[0].hidden


def _tasks(token: Token) -> None:
    """Turn `[ ]` and `[x]` of GFM's task lists into checkboxes."""
    is_task_list = False
    for li in children(token):
        first = children(li)[0] if li.children else None
        if not first or first.type != "paragraph":
            continue
        inline = children(first)[0]
        if match := _TASK.match(inline.content):
            is_task_list = True
            checked = ' checked="checked"' if match["mark"] != " " else ""
            box = (
                '<input type="checkbox" class="task-list-item-checkbox" '
                f'disabled="disabled"{checked} />'
            )
            inline.content = box + inline.content[match.end() :]
        if is_task_list:
            li.attrs["class"] = "task-list-item"
    if is_task_list:
        token.attrs["class"] = "task-list"


def definitions(state: BlockState) -> bool:
    """`: text` after a paragraph. The lines of the paragraph become the terms."""
    state.finish_paragraph()
    kids = state.tokens
    after_blank = len(kids) >= 2 and kids[-1].type == "blank" and kids[-1].content == "\n"
    before = kids[-2] if after_blank else kids[-1] if kids else None
    if not before or before.type != "paragraph" or not _DEFINITION.match(state.src, state.pos):
        return False
    del kids[-2 if after_blank else -1 :]
    dl = state.add("dl", "dl", [])
    if "ial" in before.meta:
        dl.meta["ial"] = before.meta["ial"]
    for term in children(before)[0].content.split("\n"):
        state.doc.spend(4)
        children(dl).append(_term(term))
    trailing: Token | None = None
    for item in _definitions(state, after_blank):
        state.doc.spend(8)
        dd = Token("item", "dd", 0, children=[], block=True)
        if item.ial:
            dd.meta["ial"] = item.ial
        children(dl).append(dd)
        state.parse_blocks("".join(item.parts[0]), children(dd))
        trailing = _finish_definition(dd, item.after_blank) if dd.children else trailing
    _merge_lists(kids)
    if trailing:
        kids.append(trailing)
    return True


def _term(text: str) -> Token:
    dt = Token("dt", "dt", 0, block=True)
    if match := _ITEM_ATTRIBUTES.match(text):
        dt.meta["ial"] = Attributes()
        dt.meta["ial"].read(match["list"])
        text = text[match.end() :]
    dt.children = [inline_token(text)]
    return dt


def _definitions(state: BlockState, after_blank: bool) -> list[_Item]:
    src = state.src
    items: list[_Item] = []
    last_is_blank = False
    start = _item_start("dl", 4)
    while state.pos < state.end:
        state.doc.spend(1)
        if first := start.match(src, state.pos):
            items.append(_first_line(state.doc, len(first["marker"]), first["text"]))
            items[-1].after_blank = after_blank
            state.pos = first.end()
            after_blank = last_is_blank = False
            start = _item_start("dl", items[-1].indent)
        elif MARKER.match(src, state.pos):
            break
        elif line := _line(state, items[-1], last_is_blank):
            state.pos = line.end()
            after_blank = last_is_blank = False
            items[-1].parts[0].append(_dedent(line[0], items[-1].indent)[0])
        elif blanks := BLANKS.match(src, state.pos):
            state.pos = blanks.end()
            after_blank = last_is_blank = True
            items[-1].parts[0].append(blanks[0])
        else:
            break
    return items


def _finish_definition(dd: Token, after_blank: bool) -> Token | None:
    kids = children(dd)
    trailing = kids.pop() if kids[-1].type == "blank" else None
    if kids and kids[0].type == "paragraph" and not after_blank:
        if len(kids) > 1:
            children(kids[0])[0].content += "\n"
        kids[0].hidden = True
    return trailing


def _merge_lists(kids: list[Token]) -> None:
    """Merge the last definition list into one before it, if only a blank is between them."""
    before = -3 if len(kids) >= 3 and kids[-2].type == "blank" else -2
    if len(kids) >= -before and kids[before].type == "dl":
        children(kids[before]).extend(children(kids[-1]))
        del kids[before + 1 :]
