"""Titles from headings (jekyll-titles-from-headings, generator.rb)."""

import re
from html import unescape
from typing import NamedTuple

from syndicator.jekyll.as_text import label
from syndicator.kramdown.options import KramdownOptions
from syndicator.ruby.strip_html import strip_html

# The plugin's pattern, on a text without blank lines before it. Every heading has one line.
_HEADING = re.compile(r"#{1,3}\s+(.*)$|(.*)\r?\n[-=]+\s*$", re.MULTILINE)
_FOOTNOTE = re.compile(r"\[\^[^\]]*\]")

#: Characters of a heading whose Markdown is rendered. A longer one is not a title.
MAX_HEADING = 2_000


class Heading(NamedTuple):
    """The heading that a post's text begins with."""

    markdown: str
    end: int  #: position in the text where the rest begins


def first_heading(text: str) -> Heading | None:
    """The heading of level 1 to 3 that a text begins with; None: it begins otherwise."""
    start = len(text) - len(text.lstrip())
    match = _HEADING.match(text, start)
    if match is None or match.end() - start > MAX_HEADING:
        return None
    return Heading(match[1] if match[1] is not None else match[2], match.end())


def title_of(heading: Heading, options: KramdownOptions) -> str:
    """The heading as plain text on one line; "" if nothing is left of it."""
    # Importing Markdown takes a quarter of a second, and most sites' titles don't need it.
    from syndicator.kramdown.to_html import to_html

    try:
        html = to_html(heading.markdown, options)
    except Exception:  # a heading that crashes the parser is still a title
        html = heading.markdown
    return label(unescape(_FOOTNOTE.sub("", strip_html(html))))
