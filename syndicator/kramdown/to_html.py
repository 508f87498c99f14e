"""Markdown as Jekyll's kramdown reads it."""

from html import escape

from syndicator.kramdown import parser
from syndicator.kramdown.limits import MarkdownLimitError, too_much_work
from syndicator.kramdown.options import KramdownOptions

__all__ = ["KramdownOptions", "MarkdownLimitError", "smartify", "to_html"]

_PLAIN = KramdownOptions()


def to_html(text: str, options: KramdownOptions) -> str:
    """Renders Markdown. Raw HTML passes through: whoever shows the result sanitises it.

    Raises MarkdownLimitError for a text that is too long, nests too deep, or takes too much work.
    """
    try:
        return parser.render(text, options)
    except RecursionError as error:
        raise too_much_work() from error


def smartify(text: str, options: KramdownOptions = _PLAIN) -> str:
    """Jekyll's `smartify` filter: typographic quotes, dashes and ellipses in a line of text, as the site has them.

    A text that takes too much work comes back escaped, and otherwise as it is.
    """
    try:
        return parser.render_typography(text, options)
    except (RecursionError, MarkdownLimitError):
        return escape(text, quote=False)
