"""What Liquid takes from Jekyll: functions that turn a site's texts into HTML."""

from html import escape
from typing import TYPE_CHECKING

from syndicator.jekyll import excerpt
from syndicator.jekyll.pages import Pages
from syndicator.jekyll.site import Site
from syndicator.kramdown.highlight import highlighted
from syndicator.kramdown.options import Highlighting
from syndicator.kramdown.to_html import smartify, to_html
from syndicator.model.content import Post

if TYPE_CHECKING:
    from syndicator.liquid.context import Markup

#: Characters that are published of a post over a limit. Few, since it shares the feed's
#: `feeds.max_bytes` with others.
MAX_PLAIN = 64 * 1024


def markup_of(site: Site) -> "Markup":
    """The functions by which Liquid's filters and tags turn text and code into HTML."""
    from syndicator.liquid.context import Markup

    highlighting = Highlighting(enabled=True)
    return Markup(
        markdown=lambda text: to_html(text, site.kramdown),
        smartify=lambda text: smartify(text, site.kramdown),
        highlight=lambda code, language, before: highlighted(code, language, highlighting, before),
        excerpt=lambda post: _excerpt_of(post, site),
        address_of_file=Pages(site).address_of_file,
    )


def _excerpt_of(post: Post, site: Site) -> str:
    text = without_liquid(excerpt.source(post.body, excerpt_separator(post, site)))
    is_markdown = post.head.path.lower().endswith(tuple(map(str.lower, site.suffixes)))
    if not is_markdown:
        return text
    try:
        return to_html(text, site.kramdown)
    except Exception:  # a problem of that post, not of the one that shows it
        return paragraphs(text)


def without_liquid(text: str) -> str:
    """The text without its Liquid."""
    if not has_liquid(text):
        return text
    from syndicator.liquid import plain_text

    return plain_text(text)


def has_liquid(text: str) -> bool:
    return "{%" in text or "{{" in text


def excerpt_separator(post: Post, site: Site) -> str:
    """The text that ends the post's excerpt; "": it has none."""
    return str(post.front.get("excerpt_separator") or site.excerpt_separator or "")


def paragraphs(text: str) -> str:
    """A text without markup, cut to MAX_PLAIN."""
    cut = text if len(text) <= MAX_PLAIN else f"{text[:MAX_PLAIN]}…"
    return "".join(f"<p>{escape(part)}</p>\n" for part in cut.split("\n\n"))
