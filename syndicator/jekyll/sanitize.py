"""Sanitises a post's HTML, so that it is safe in any reader and complete without the site.

Text, formulas, images, audio and video are kept. What a feed can't show is replaced first
(`fallbacks`); scripts and styles are removed together with their content. Every address becomes
absolute, relative to the post's own, since few readers support `xml:base`.
"""

import re
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import NamedTuple

import nh3

from syndicator.jekyll import fallbacks
from syndicator.jekyll.addresses import PageAddresses
from syndicator.jekyll.allowed_html import (
    ALIGNED,
    ATTRIBUTES,
    DROPPED_WITH_CONTENT,
    INLINE_PICTURE,
    TAGS,
)
from syndicator.jekyll.characters import printable
from syndicator.jekyll.fallbacks.losses import Loss
from syndicator.jekyll.fallbacks.quick_test import may_apply
from syndicator.jekyll.foreign_names import with_foreign_names_marked
from syndicator.jekyll.html_parser_limits import is_slow_to_write, parsed_in_linear_time
from syndicator.jekyll.players import SANDBOX, is_player
from syndicator.jekyll.policy import DEFAULT as DEFAULT
from syndicator.jekyll.policy import Policy as Policy


class Cleaned(NamedTuple):
    """Sanitised HTML and what happened to it."""

    html: str
    escaped: bool  #: True: it would have taken too long to parse, and is shown as text
    losses: tuple[Loss, ...]  #: what the HTML had and a feed can't show


def clean(html: str, *, base: str, policy: Policy = DEFAULT) -> Cleaned:
    """The HTML without anything that could harm a reader, and with absolute addresses.

    `base` is the page's own absolute address. Never raises, whatever the HTML. HTML that is nested
    too deeply is flattened. The result contains no character that XML forbids.
    """
    parsable, escaped, losses = _parsable(printable(html), base, policy)
    _page.set(PageAddresses(base))
    cleaned = _cleaner(policy).clean(parsable)
    if ' style="' in cleaned:
        cleaned = _TEXT_ALIGN.sub(_with_align, cleaned)
    # A reference like &#7; has become a character. A parser drops a byte order mark in front.
    safe = printable(_WITHOUT_ADDRESS.sub(_replacement, cleaned)).lstrip("\ufeff")
    safe = _FIRST_BREAK.sub(r"\1\n\n", safe)
    return Cleaned(safe, escaped, losses)


def shown(html: str, *, base: str, policy: Policy = DEFAULT) -> str:
    """HTML whose text a summary is made of: what the content doesn't show is not in it.

    Nor is the address of a frame without a title. The result is not safe: use its text only.
    """
    if not may_apply(html):
        return html
    html = with_foreign_names_marked(html)
    result = fallbacks.with_fallbacks(
        html, base, policy.frame_hosts, policy.kept_schemes, untitled_links=False
    )
    return html if result.escaped else result.html


def _parsable(html: str, base: str, policy: Policy) -> tuple[str, bool, tuple[Loss, ...]]:
    """HTML that the parser takes linear time for, whether it was escaped, and what it lost."""
    html = with_foreign_names_marked(html)
    if not may_apply(html):
        return (*parsed_in_linear_time(_NOSCRIPT.sub("", html)), ())
    regular, losses, escaped = fallbacks.with_fallbacks(
        html, base, policy.frame_hosts, policy.kept_schemes
    )
    parsable, escaped_again = parsed_in_linear_time(regular)
    return parsable, escaped or escaped_again, losses


# Creating a cleaner takes nearly as long as using it, so each is used for many pages.
_page: ContextVar[PageAddresses] = ContextVar("_page")


@lru_cache(maxsize=8)
def _cleaner(policy: Policy) -> nh3.Cleaner:
    schemes = policy.kept_schemes
    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes={
            tag: names | {"style"} if tag in ALIGNED else names for tag, names in ATTRIBUTES.items()
        },
        attribute_filter=partial(_attribute, schemes, policy.frame_hosts),
        tag_attribute_values={"input": {"type": {"checkbox"}}},
        set_tag_attribute_values={
            "input": {"disabled": ""},
            "audio": {"controls": ""},
            "video": {"controls": ""},
            "iframe": {"sandbox": SANDBOX},
        },
        url_schemes=set(schemes | {"data"}),
        link_rel=None,  # `noopener` protects a window, which a feed reader doesn't have
    )


def _attribute(
    schemes: frozenset[str], frame_hosts: frozenset[str], tag: str, name: str, value: str
) -> str | None:
    """The value that an attribute is published with; None: it is removed."""
    if is_slow_to_write(value):
        return None
    match name:
        case "class":
            return _classes(value)
        case "style":
            return _text_align(value)
        case "srcset":
            return _page.get().absolute_set(value)
        case "href":
            return _page.get().absolute(value, schemes=schemes)
        case "src" if tag == "img" and INLINE_PICTURE.match(value):
            return value
        case "src" if not value.strip():
            return None
        case "src" | "poster" | "cite" | "longdesc":
            address = _page.get().absolute(value)
            allowed = tag != "iframe" or (address and is_player(address, frame_hosts))
            return address if allowed else None
    return value


# Few readers keep `style`; many keep `align`. The filter leaves exactly one of these values, and
# both > and quotes in attributes and texts are escaped, so that it stands in a tag.
_TEXT_ALIGN = re.compile(r'(<[^<>]*) style="text-align: (\w+)"([^<>]*>)')
_ALIGNMENT = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center|justify)\b", re.IGNORECASE)
_ALIGN = re.compile(r' align="[^"]*"')


@lru_cache(maxsize=256)
def _text_align(style: str) -> str | None:
    """The style reduced to its last alignment; None if it has none."""
    alignments = _ALIGNMENT.findall(style)
    return f"text-align: {alignments[-1].lower()}" if alignments else None


def _with_align(tag: re.Match[str]) -> str:
    """The tag with `align` instead of `style`, which wins over another `align`."""
    return f'{_ALIGN.sub("", tag[1])} align="{tag[2]}"{_ALIGN.sub("", tag[3])}'


# A feed reader runs no scripts, so the content of <noscript> is kept: the real picture of a lazy
# one, the code of an embedded gist.
_NOSCRIPT = re.compile(r"</?noscript\b[^<>]*>", re.IGNORECASE)

# Elements without an address; the alternative text of a picture stays. nh3 can drop an attribute
# but not its element, and keeps a frame's content, which browsers ignore. Its output is regular:
# attributes in double quotes, > escaped. A frame with an address is kept without its content.
_WITHOUT_ADDRESS = re.compile(
    r"<(?:(iframe(?=[^>]* src=)[^>]*>).*?(</iframe>)"
    r"|iframe.*?</iframe>"
    r"|img(?![^>]* src(?:set)?=)[^>]*>"
    r"|(?:source|track)(?![^>]* src(?:set)?=)[^>]*>"
    r'|input(?![^>]* type="checkbox")[^>]*>)',
    re.DOTALL,
)


# A parser drops a line break here (HTML §13.2.6.4.7), and the one behind nh3 writes one only.
_FIRST_BREAK = re.compile(r"(<pre(?: [^<>]*)?>)\n")


_ALTERNATIVE = re.compile(r'<img[^>]* alt="([^"]*)"')


def _replacement(match: re.Match[str]) -> str:
    if match[1]:
        return f"<{match[1]}{match[2]}"
    alternative = _ALTERNATIVE.match(match[0])
    return alternative[1] if alternative else ""


# Classes of highlighters and Markdown. Any other could match the style sheet of a web reader: an
# overlay, a hidden block, a look-alike button. The names of Pygments and Rouge have at most three
# characters.
_KNOWN_CLASS = re.compile(
    r"(?:language|lang|highlight|highlighter|codehilite)(?:-[\w+#.-]+)?|[a-z][a-z0-9]{0,2}"
    r"|line(?:no|nos|numbers)?|footnotes?|footnote-(?:ref|backref)|reversefootnote"
    r"|task-list(?:-item(?:-checkbox)?)?",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def _classes(value: str) -> str | None:
    return " ".join(name for name in value.split() if _KNOWN_CLASS.fullmatch(name)) or None
