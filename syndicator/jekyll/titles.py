"""Titles as text, as readers show them."""

import html
import re

from syndicator.jekyll.kramdown.options import Kramdown
from syndicator.jekyll.words import label

_TAG = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL | re.IGNORECASE)
_TYPED = re.compile(r"['\"<>&]|--|\.\.\.")  # what typography or markup changes; most titles have none of it


def plain_title(title: str, options: Kramdown) -> str:
    """A title as text: typographic, without markup, one line, and only characters that XML can hold.

    jekyll-feed's own smartifies a site's title and its posts', and has readers take what comes of it for HTML.
    """
    if _TYPED.search(title):
        # Markdown takes a quarter of a second to import; whoever only reads heads seldom needs it.
        from syndicator.jekyll.markdown import smartify

        title = html.unescape(_TAG.sub("", smartify(title, options)))
    return label(title)
