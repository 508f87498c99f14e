"""Titles, names and descriptions as plain text."""

import html
import re

from syndicator.jekyll.as_text import label
from syndicator.kramdown.options import KramdownOptions

_MARKUP = re.compile(r"<!--|<(/?)([a-zA-Z][^\s<>/]*+)[^<>]*+>|<(script|style)\b", re.IGNORECASE)
_END = {name: re.compile(rf"</{name}>", re.IGNORECASE) for name in ("script", "style")} | {
    "": re.compile("-->")
}
#: Elements without an end tag (HTML §13.1.2).
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_TAG = re.compile(r"<([a-zA-Z/!][^<>]*+)(>?)")
_NEEDS_CONVERSION = re.compile(r"['\"<>&]|--|\.\.\.")  # most titles have none of these


def plain_title(title: str, options: KramdownOptions) -> str:
    """A title as plain text on one line: typographic, without markup, valid in XML.

    jekyll-feed smartifies the titles of a site and its posts too, but writes the result as HTML.
    """
    if _NEEDS_CONVERSION.search(title):
        # Importing Markdown takes a quarter of a second, and reading heads seldom needs it.
        from syndicator.kramdown.to_html import smartify

        title = smartify(_with_text_escaped(title), options)
    return plain_label(title)


def plain_label(markup: str) -> str:
    """A name or sentence that may have markup, as plain text on one line, valid in XML."""
    if "<" in markup or "&" in markup:
        markup = html.unescape(_without_markup(markup))
    return label(markup)


def _without_markup(text: str) -> str:
    """The text without comments, scripts, styles, and tags that are closed.

    What is never closed is text, as in `Vec<T> in Rust`. jekyll-feed would drop it.
    """
    return "".join(_texts_around(text, _closed_markup(text)))


def _with_text_escaped(text: str) -> str:
    """The text with markup that is never closed escaped: kramdown would close it."""
    spans = _closed_markup(text)
    texts = [
        _TAG.sub(lambda tag: f"&lt;{tag[1]}{'&gt;' if tag[2] else ''}", part)
        for part in _texts_around(text, spans)
    ]
    markup = [text[start:end] for start, end in spans]
    return "".join(part for pair in zip(texts, [*markup, ""], strict=True) for part in pair)


def _closed_markup(text: str) -> list[tuple[int, int]]:
    """The places of comments, scripts, styles, and tags that are closed, in their order.

    Linear time: once an end is missing, it is not searched again.
    """
    spans: list[tuple[int, int]] = []
    opened: dict[str, list[tuple[int, int]]] = {}
    missing: set[str] = set()
    position = 0
    while found := _MARKUP.search(text, position):
        position = found.end()
        closing, name = found[1], (found[2] or found[3] or "").lower()
        if not closing and name in _END and name not in missing:
            if end := _END[name].search(text, position):
                position = end.end()
                spans.append((found.start(), position))
                continue
            missing.add(name)
        if name in _VOID or found[0].endswith("/>"):
            spans.append(found.span())
        elif closing and name in opened:
            # One end tag too many is markup, too.
            spans += [*opened[name][-1:], found.span()]
            del opened[name][-1:]
        elif name and not closing:
            opened.setdefault(name, []).append(found.span())
    return sorted(spans)


def _texts_around(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """The texts before, between and after the spans."""
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]
