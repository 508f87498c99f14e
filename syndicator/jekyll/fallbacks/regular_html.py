"""HTML with every tag closed and every attribute quoted, and its tags read and written.

nh3 makes HTML regular: it parses as a browser does, whatever the HTML, and writes the tree. There a
`<` begins a tag, and nothing else.
"""

import re
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache, partial
from html import escape, unescape
from typing import NamedTuple

import nh3

from syndicator.jekyll.allowed_html import ATTRIBUTES, DROPPED_WITH_CONTENT, TAGS
from syndicator.jekyll.fallbacks.renamed import CUSTOM, NOSCRIPT, RAW_TEXT
from syndicator.jekyll.html_parser_limits import is_slow_to_write

#: Elements of HTML without an end tag.
VOID = frozenset("area br col embed hr img input source track wbr".split())

#: Elements that an entry may not contain, and that are needed to replace them.
_REPLACED = frozenset(
    """
    applet button canvas dialog embed fieldset form legend listing object optgroup option output
    select svg textarea title
    """.split()
)

#: Elements of a drawing that contain its texts.
_OF_DRAWINGS = frozenset({"desc", "foreignObject", "text", "tspan"})

_FRAME = re.compile(r"(<iframe[^<>]*>).*?</iframe>", re.DOTALL)
_TOKEN = re.compile(r"<(/?)([a-z][^\s/<>]*)([^<>]*)>|[^<]+")
_ATTRIBUTE = re.compile(r' ([^\s"=<>]+)="([^"]*)"')
#: The parser allows any sign in a name, also < and quotes.
_PLAIN_NAME = re.compile(r"[\w.:-]+", re.ASCII)


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


#: What the name of an attribute begins with.
_ANY_NAME = set("abcdefghijklmnopqrstuvwxyz_")
#: Elements whose attributes may have any name: a script of the page knows which one it reads.
_OF_SCRIPTS = frozenset({"img", CUSTOM})


def _attribute(
    known: Mapping[str, Container[str]], element: str, name: str, value: str
) -> str | None:
    """The value, unless the attribute is unknown, a handler of events, or slow to write."""
    if is_slow_to_write(value):
        return None
    if name in known["*"] or name in known.get(element, ()):
        return value
    of_scripts = element in _OF_SCRIPTS and not name.startswith("on")
    is_kept = name.startswith("data-") or of_scripts
    return value if is_kept and _PLAIN_NAME.fullmatch(name) else None


@lru_cache(maxsize=8)
def _cleaner(schemes: frozenset[str]) -> nh3.Cleaner:
    everywhere = ATTRIBUTES["*"] | {"style", "hidden", "aria-label", "aria-hidden"}
    named = {
        "embed": {"src", "type", "width", "height"},
        "input": {"type", "checked", "alt", "value"},
        "dialog": {"open"},
        "object": {"data", "type", "width", "height"},
    }
    return nh3.Cleaner(
        tags=TAGS | _REPLACED | _OF_DRAWINGS | {NOSCRIPT, CUSTOM},
        clean_content_tags=DROPPED_WITH_CONTENT - _REPLACED - RAW_TEXT,
        attributes={**ATTRIBUTES, **named, "*": everywhere},
        generic_attribute_prefixes=_ANY_NAME,
        attribute_filter=partial(_attribute, {**ATTRIBUTES, **named, "*": everywhere}),
        url_schemes=set(schemes | {"data", "file", "blob"}),
        link_rel=None,
    )
