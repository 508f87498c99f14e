"""Tables: rows with or without outer pipes, several bodies, a footer."""

import re
from collections.abc import Iterator

from markdown_it.token import Token
from msgspec import Struct, field

from syndicator.kramdown import span_html
from syndicator.kramdown import spans as span_rules
from syndicator.kramdown.block_engine import BlockState, MarkdownDocument, children, inline_token
from syndicator.kramdown.grammar import BOUNDARY, SPACE
from syndicator.kramdown.lookahead import LongestRuns
from syndicator.kramdown.span_scanner import TICKS, SpanState, scan

_PIPE = r"(?:\||[^\n]*?[^\\\n]\|)"
_START = re.compile(rf" {{0,3}}(?=[^ \t-\r]){_PIPE}.*\n")
_LINE = re.compile(rf"{_PIPE}.*\n")
_HAS_PIPE = re.compile(_PIPE)
_SEPARATOR = re.compile(r"(?=[+|: \t=]*-)(?P<columns>[+|: \t\-]+)\n")
_FOOTER = re.compile(r"(?=[+|: \t]*=)[+|: \t=]+\n")
_ALIGNMENT = re.compile(r"[ \t]?(:?)-+(:?)[ \t]?")
_CELL_END = re.compile(r"(?<!\\)\|")
_CODE = re.compile("[`<]")
_ALIGNED = {("", ""): "", (":", ""): "left", ("", ":"): "right", (":", ":"): "center"}


class _TableParts(Struct):
    parts: list[Token] = field(default_factory=list)
    rows: list[Token] = field(default_factory=list)
    alignment: list[str] = field(default_factory=list)
    footer: bool = False

    def close(self, kind: str) -> None:
        self.parts.append(Token("rows", kind, 0, children=self.rows, block=True))
        self.rows = []


def table(state: BlockState) -> bool:
    start, (known, known_end) = state.pos, state.not_a_table
    if (
        known <= start < known_end
        or not state.after_boundary()
        or not _START.match(state.src, start)
    ):
        return False
    end = _end(state)
    if not BOUNDARY.match(state.src, end):
        state.not_a_table = start, end
        return False
    if not _piped(state.src[start:end], state.doc):
        return False
    table_parts = _rows(state)
    state.pos = start
    if table_parts.rows:
        table_parts.close("tfoot" if table_parts.footer else "tbody")
    if all(part.tag != "tbody" for part in table_parts.parts):
        return False
    state.pos = end
    _fill_rows(table_parts, state.doc)
    state.add("table", "table", table_parts.parts)
    return True


def _end(state: BlockState) -> int:
    """The end of the lines with pipes."""
    src, end = state.src, state.pos
    if first := _SEPARATOR.match(src, end):
        end = first.end()
    while line := _LINE.match(src, end):
        state.doc.spend(1)
        end = line.end()
    return end


def _rows(state: BlockState) -> _TableParts:
    src, table_parts = state.src, _TableParts()
    leading = src[state.pos : state.pos + 4].lstrip(" ").startswith("|")
    if first := _SEPARATOR.match(src, state.pos):
        state.pos = first.end()
    while line := _LINE.match(src, state.pos):
        state.pos = line.end()
        if separator := _SEPARATOR.match(src, line.start()):
            if table_parts.rows and not table_parts.alignment and not table_parts.footer:
                table_parts.close("thead")
                table_parts.alignment = [
                    _ALIGNED[item[1], item[2]] for item in _ALIGNMENT.finditer(separator["columns"])
                ]
            elif table_parts.rows and not table_parts.footer:
                table_parts.close("tbody")
        elif _FOOTER.match(src, line.start()):
            if table_parts.rows:
                table_parts.close("tbody")
            table_parts.footer = True
        else:
            state.doc.spend(5 + 3 * line[0].count("|"))
            table_parts.rows.append(_row(line[0].rstrip("\n").rstrip(" \t"), leading))
    return table_parts


def _row(line: str, leading: bool) -> Token:
    cells = _cells(line)
    if leading and cells and not cells[0].strip(SPACE):
        del cells[0]
    if cells and not cells[-1].strip(SPACE):
        del cells[-1]
    row = Token("row", "tr", 0, children=[], block=True)
    for cell in cells:
        children(row).append(
            Token("cell", "td", 0, children=[inline_token(cell.strip(SPACE))], block=True)
        )
    return row


def _cells(line: str) -> list[str]:
    """The texts between the pipes, without the pipes in code."""
    cells: list[str] = []
    cell: list[str] = []
    for element, part in _code_elements(line):
        for code, text in [(True, part)] if element else _code_spans(part):
            if code:
                cell.append(text)
            else:
                first, *others = (piece.replace("\\|", "|") for piece in _CELL_END.split(text))
                cell.append(first)
                for other in others:
                    cells.append("".join(cell))
                    cell = [other]
    return [*cells, "".join(cell)]


def _code_elements(line: str) -> Iterator[tuple[bool, str]]:
    """Split a line into pieces. The flag is True for a `code` element."""
    pos = 0
    while (start := line.find("<code", pos)) >= 0:
        content = line.find(">", start)
        end = line.find("</code>", content + 1) if content >= 0 else -1
        if end < 0:
            break
        yield False, line[pos:start]
        pos = end + len("</code>")
        yield True, line[start:pos]
    yield False, line[pos:]


def _code_spans(text: str) -> list[tuple[bool, str]]:
    """Split a text into pieces. The flag is True for a code span, including its ticks."""
    pieces: list[tuple[bool, str]] = []
    pos = plain = 0
    longest: LongestRuns | None = None
    while ticks := TICKS.search(text, pos):
        pos = ticks.end()
        before = text[ticks.start() - 1 : ticks.start()] or " "
        alone = len(ticks[0]) == 1 and before in SPACE and text[pos : pos + 1] in tuple(SPACE)
        if alone or (longest and longest.after(pos) < len(ticks[0])):
            continue
        end = text.find(ticks[0], pos)
        if end < 0:
            longest = longest or LongestRuns(
                (run.start(), len(run[0])) for run in TICKS.finditer(text, pos)
            )
        if end >= 0:
            pieces += [
                (False, text[plain : ticks.start()]),
                (True, text[ticks.start() : end + len(ticks[0])]),
            ]
            pos = plain = end + len(ticks[0])
    return [*pieces, (False, text[plain:])]


def _piped(text: str, doc: MarkdownDocument) -> bool:
    """Whether each line has a pipe outside of code and HTML."""
    state = SpanState(text, doc, {"`": (span_rules.code,), "<": (span_html.html,)}, _CODE)
    scan(state, None)
    state.flush()
    outside = "".join(
        token.content if token.type == "text" else "\n" * _lines(token) for token in state.tokens
    )
    return all(_HAS_PIPE.match(line) for line in outside.rstrip("\n").split("\n"))


def _lines(token: Token) -> int:
    return token.content.count("\n")


def _fill_rows(table_parts: _TableParts, doc: MarkdownDocument) -> None:
    """Add empty cells up to the length of the longest row, and align the cells."""
    columns = max(len(children(row)) for part in table_parts.parts for row in children(part))
    for part in table_parts.parts:
        for row in children(part):
            cells, alignment = children(row), table_parts.alignment
            doc.spend(3 * (columns - len(cells)))
            cells += [
                Token("cell", "td", 0, children=[], block=True) for _ in range(columns - len(cells))
            ]
            for number, cell in enumerate(cells):
                cell.tag = "th" if part.tag == "thead" else "td"
                cell.info = alignment[number] if number < len(alignment) else ""
