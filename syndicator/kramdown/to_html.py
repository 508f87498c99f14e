"""Renders Markdown as kramdown does."""

from html import escape

from syndicator.kramdown import parser
from syndicator.kramdown.limits import MarkdownLimitError, too_much_work
from syndicator.kramdown.options import KramdownOptions

__all__ = ["KramdownOptions", "MarkdownLimitError", "smartify", "to_html"]

_DEFAULTS = KramdownOptions()


def to_html(text: str, options: KramdownOptions) -> str:
    """Render Markdown. Raw HTML passes through: the caller sanitises the result.

    Raises MarkdownLimitError for a text that is too long, nests too deep, or takes too much work.
    """
    try:
        return parser.render(text, options)
    except RecursionError as error:
        raise too_much_work() from error


def smartify(text: str, options: KramdownOptions = _DEFAULTS) -> str:
    """Set the quotes, dashes and ellipses of a line of text typographically.

    A text that takes too much work is escaped and otherwise returned as it is.
    """
    try:
        return parser.render_typography(text, options)
    except (RecursionError, MarkdownLimitError):
        return escape(text, quote=False)
