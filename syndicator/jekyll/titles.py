"""Titles as plain text."""

import html
import re

from syndicator.jekyll.as_text import label
from syndicator.kramdown.options import KramdownOptions

_BEGIN = re.compile(r"<(script|style)\b|<!--|</?[a-zA-Z][^<>]*>", re.IGNORECASE)
_END = {name: re.compile(rf"</{name}>", re.IGNORECASE) for name in ("script", "style")} | {
    "": re.compile("-->")
}
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_NEEDS_CONVERSION = re.compile(r"['\"<>&]|--|\.\.\.")  # most titles have none of these


def plain_title(title: str, options: KramdownOptions) -> str:
    """A title as plain text on one line: typographic, without markup, valid in XML.

    jekyll-feed smartifies the titles of a site and its posts too, but writes the result as HTML.
    """
    if _NEEDS_CONVERSION.search(title):
        # Importing Markdown takes a quarter of a second, and reading heads seldom needs it.
        from syndicator.kramdown.to_html import smartify

        title = html.unescape(_without_markup(smartify(title, options)))
    return label(title)


def _without_markup(text: str) -> str:
    """The text without tags, comments, scripts and styles.

    Linear time: once an end tag is missing, it is not searched again.
    """
    kept: list[str] = []
    missing: set[str] = set()
    position = searched = 0
    while opening := _BEGIN.search(text, searched):
        markup: re.Match[str] | None = opening
        if opening[1] or opening[0] == "<!--":
            name = (opening[1] or "").lower()
            markup = None if name in missing else _END[name].search(text, opening.end())
            if markup is None:
                missing.add(name)
                markup = _TAG.match(text, opening.start())
        if markup is None:
            searched = opening.end()
            continue
        kept.append(text[position : opening.start()])
        position = searched = markup.end()
    return "".join(kept) + text[position:]
