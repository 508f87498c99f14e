"""The ids of headings: kramdown's in ASCII, and those of GFM."""

import re
import unicodedata

from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument

_NOT_IN_ID = re.compile(r"[^\w\- \t]")
_NOT_LETTERS = re.compile(r"^[^a-zA-Z]+", re.MULTILINE)
_NOT_IN_PLAIN_ID = re.compile(r"[^a-zA-Z0-9 \-]")
_WORD_MARKS = frozenset(("Mn", "Mc", "Me", "Pc"))


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
