"""Titles as text, as readers show them."""

import html
import re

from syndicator.jekyll.as_text import label
from syndicator.kramdown.options import KramdownOptions

_BEGIN = re.compile(r"<(script|style)\b|<!--|</?[a-zA-Z][^<>]*>", re.IGNORECASE)
_END = {name: re.compile(rf"</{name}>", re.IGNORECASE) for name in ("script", "style")} | {
    "": re.compile("-->")
}
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TYPED = re.compile(
    r"['\"<>&]|--|\.\.\."
)  # what typography or markup changes; most titles have none of it


def plain_title(title: str, options: KramdownOptions) -> str:
    """A title as text: typographic, without markup, one line, and only characters that XML can hold.

    jekyll-feed's own smartifies a site's title and its posts', and has readers take what comes of it for HTML.
    """
    if _TYPED.search(title):
        # Markdown takes a quarter of a second to import; whoever only reads heads seldom needs it.
        from syndicator.kramdown.to_html import smartify

        title = html.unescape(_without_markup(smartify(title, options)))
    return label(title)


def _without_markup(text: str) -> str:
    """The text without tags, comments, scripts and styles; in linear time, since an end is looked for once."""
    kept: list[str] = []
    missing: set[str] = set()
    position = searched = 0
    while found := _BEGIN.search(text, searched):
        markup: re.Match[str] | None = found
        if found[1] or found[0] == "<!--":
            name = (found[1] or "").lower()
            markup = None if name in missing else _END[name].search(text, found.end())
            if markup is None:
                missing.add(name)
                markup = _TAG.match(text, found.start())
        if markup is None:
            searched = found.end()
            continue
        kept.append(text[position : found.start()])
        position = searched = markup.end()
    return "".join(kept) + text[position:]
