"""Steps after the blocks are parsed: spans, attributes, line breaks and the ids of headings."""

import re
import unicodedata
from collections.abc import Iterator

from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.span_scanner import Rules, parse

_READ_PER_STEP = 64  #: characters of text whose spans are parsed for one step of work
_HARD_BREAK = "\\\n"
_NOT_IN_ID = re.compile(r"[^\w\- \t]")
_NOT_LETTERS = re.compile(r"^[^a-zA-Z]+", re.MULTILINE)
_NOT_IN_PLAIN_ID = re.compile(r"[^a-zA-Z0-9 \-]")
_WORD_MARKS = frozenset(("Mn", "Mc", "Me", "Pc"))


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


def add_heading_ids(tokens: list[Token], doc: MarkdownDocument, used: dict[str, int]) -> None:
    """Add GFM's ids: the text of the heading, with a number from its second occurrence on."""
    for token in tokens:
        if token.type == "heading":
            if "id" not in token.attrs:
                words = heading_text(token).lower()
                name = _without_punctuation(words).translate({32: "-", 9: "-"})
                number = used[name] = used.get(name, -1) + 1
                token.attrs["id"] = doc.options.auto_id_prefix + (
                    f"{name}-{number}" if number else name
                )
        elif token.type != "html" and token.type != "inline" and token.children:
            add_heading_ids(token.children, doc, used)


def _without_punctuation(words: str) -> str:
    if words.isascii():
        return _NOT_IN_ID.sub("", words)
    return "".join(
        char
        for char in words
        if char in "- \t" or char.isalpha() or unicodedata.category(char) in _WORD_MARKS | {"Nd"}
    )


def ascii_id(words: str, used: dict[str, int]) -> str:
    """The id that kramdown itself makes, in ASCII."""
    name = (
        _NOT_IN_PLAIN_ID.sub("", _NOT_LETTERS.sub("", words)).replace(" ", "-").lower() or "section"
    )
    number = used[name] = used.get(name, -1) + 1
    return f"{name}-{number}" if number else name


def heading_text(token: Token) -> str:
    """The text of a heading as it is displayed."""
    if token.type in ("text", "code_inline", "math_inline", "entity", "symbol", "quote"):
        return token.content
    return "".join(heading_text(child) for child in token.children or ())
