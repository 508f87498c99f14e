"""Renders a text that nobody reads, before the first post: its regular expressions are compiled."""

from syndicator.jekyll import sanitize
from syndicator.kramdown.options import KramdownOptions
from syndicator.kramdown.to_html import to_html

_TEXT = """\
## A heading

Text with *emphasis*, “quotes”, a [link](/page/) and [another](https://example.org/a.html).

- An item

> A quotation
"""


def render_trial() -> str:
    """The HTML of the text. It takes some twenty milliseconds the first time."""
    html = to_html(_TEXT, KramdownOptions())
    return sanitize.clean(html, base="https://example.com/").html
