"""Steps after the blocks are parsed: the spans in each, its attributes, and line breaks."""

from collections.abc import Iterator

from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.span_scanner import Rules, parse

_READ_PER_STEP = 64  #: characters of text whose spans are parsed for one step of work
_HARD_BREAK = "\\\n"


def read_spans(tokens: list[Token], doc: MarkdownDocument, rules: Rules) -> None:
    """Parse the spans of each block in text order, and apply the attributes of each block."""
    for token in tokens:
        if token.type == "inline":
            if len(token.content) >= _READ_PER_STEP:
                doc.spend(len(token.content) // _READ_PER_STEP)
            token.children = parse(token.content, doc, rules)
            continue
        if token.children:
            read_spans(token.children, doc, rules)
        if ial := token.meta.get("ial"):
            ial.apply(token.attrs, doc.named_attributes, doc.spend)


def add_line_breaks(tokens: list[Token], doc: MarkdownDocument) -> None:
    """Add GFM's breaks: at a backslash that ends a line, or with `hard_wrap` at each line end."""
    mark = "\n" if doc.options.hard_wrap else _HARD_BREAK
    for token in tokens:
        if token.type in ("html", "heading") or not token.children:
            continue
        if any(child.type == "text" and mark in child.content for child in token.children):
            breaks = sum(
                child.content.count(mark) for child in token.children if child.type == "text"
            )
            doc.spend(4 * breaks)
            token.children = list(_split_lines(token, mark, token.type == "inline"))
        add_line_breaks(token.children, doc)


def _split_lines(token: Token, mark: str, block: bool) -> Iterator[Token]:
    kids = children(token)
    for child in kids:
        if child.type != "text" or mark not in child.content:
            yield child
            continue
        lines = child.content.split(mark)
        at_end = block and not lines[-1] and child is kids[-1]
        for number, line in enumerate(lines):
            yield Token("text", "", 0, content=f"\n{line}" if number else line)
            if number < len(lines) - (2 if at_end else 1):
                yield Token("hardbreak", "br", 0)
