"""HTML with every tag closed and every attribute quoted, and its tags read and written.

nh3 makes HTML regular: it parses as a browser does, whatever the HTML, and writes the tree. There a
`<` begins a tag, and nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape, unescape
from typing import NamedTuple

import nh3

from syndicator.jekyll.allowed_html import ATTRIBUTES, DROPPED_WITH_CONTENT, TAGS
from syndicator.jekyll.html_parser_limits import is_slow_to_write

#: Stands for <noscript>, whose content nh3 would take for text.
NOSCRIPT = "xnoscript"

#: Elements of HTML without an end tag.
VOID = frozenset("area br col embed hr img input source track wbr".split())

#: Elements that an entry may not contain, and that are needed to replace them.
_REPLACED = frozenset(
    """
    applet button canvas dialog embed fieldset form legend object optgroup option output select svg
    textarea title
    """.split()
)

_NOSCRIPT_TAG = re.compile(r"<(/?)noscript\b[^<>]*>", re.IGNORECASE)
_FRAME = re.compile(r"(<iframe[^<>]*>).*?</iframe>", re.DOTALL)
_TOKEN = re.compile(r"<(/?)([a-z][^\s/<>]*)([^<>]*)>|[^<]+")
_ATTRIBUTE = re.compile(r' ([^\s"=<>]+)="([^"]*)"')


class Token(NamedTuple):
    """A tag, or a text between two tags."""

    text: str  #: as written
    name: str | None = None  #: of the element; None: a text
    attributes: str = ""  #: as written; see `attributes_of`
    is_end: bool = False


def regular(html: str, schemes: frozenset[str]) -> str:
    """The HTML made regular. It is not safe: it has forms, objects and styles.

    Comments, scripts, style sheets and the content of frames are removed. Addresses have these
    schemes, or those that are reported when they are removed.
    """
    return _FRAME.sub(r"\1</iframe>", _cleaner(schemes).clean(html))


def with_noscript_marked(html: str) -> str:
    """HTML of any form, with NOSCRIPT instead of <noscript>."""
    return _NOSCRIPT_TAG.sub(rf"<\g<1>{NOSCRIPT}>", html)


def tokens(html: str) -> Iterator[Token]:
    """The tags and texts of regular HTML."""
    for match in _TOKEN.finditer(html):
        slash, name, attributes = match.groups()
        yield Token(match[0], name, attributes or "", bool(slash))


def attributes_of(token: Token) -> dict[str, str]:
    """The attributes of a start tag, without references like `&amp;`."""
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(token.attributes)}


def start_tag(name: str, attributes: Mapping[str, str]) -> str:
    """A start tag with these attributes."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"


@lru_cache(maxsize=8)
def _cleaner(schemes: frozenset[str]) -> nh3.Cleaner:
    everywhere = ATTRIBUTES["*"] | {"style", "hidden", "aria-label", "aria-hidden"}
    named = {
        "embed": {"src", "type", "width", "height"},
        "input": {"type", "checked"},
        "dialog": {"open"},
        "object": {"data", "type", "width", "height"},
    }
    return nh3.Cleaner(
        tags=TAGS | _REPLACED | {NOSCRIPT},
        clean_content_tags=DROPPED_WITH_CONTENT - _REPLACED,
        attributes={**ATTRIBUTES, **named, "*": everywhere},
        generic_attribute_prefixes={"data-"},
        attribute_filter=lambda tag, name, value: None if is_slow_to_write(value) else value,
        url_schemes=set(schemes | {"data", "file", "blob"}),
        link_rel=None,
    )
