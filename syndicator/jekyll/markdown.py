"""Markdown as Jekyll's kramdown reads it."""

from html import escape

from syndicator.jekyll.kramdown import parser
from syndicator.jekyll.kramdown.options import Kramdown

__all__ = ["Kramdown", "smartify", "to_html"]

_PLAIN = Kramdown()


def to_html(text: str, options: Kramdown) -> str:
    """Renders Markdown. Raw HTML passes through: whoever shows the result sanitises it.

    Never raises: a text that nests too deep for its parser comes back as it is, escaped.
    """
    try:
        return parser.render(text, options)
    except RecursionError:
        return f"<pre>{escape(text)}</pre>\n"


def smartify(text: str, options: Kramdown = _PLAIN) -> str:
    """Jekyll's `smartify` filter: typographic quotes, dashes and ellipses in a line of text, as the site has them."""
    try:
        return parser.render_typography(text, options)
    except RecursionError:
        return escape(text, quote=False)
