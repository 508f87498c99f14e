"""Sanitises a post's HTML, so that it is safe in any reader and complete without the site.

Text, images, audio and video are kept. Scripts, forms and styles are removed together with their
content. Every address becomes absolute, relative to the post's own, since few readers support
`xml:base`.
"""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial

import nh3

from syndicator.jekyll.addresses import WEB, absolute, absolute_set
from syndicator.jekyll.characters import printable
from syndicator.jekyll.html_parser_limits import is_slow_to_write, parsed_in_linear_time
from syndicator.jekyll.players import PLAYERS, SANDBOX, is_player

# These open the program that the reader's user chose for them, which asks before it acts.
_OTHER_SCHEMES = frozenset(
    {"mailto", "tel", "sms", "xmpp", "irc", "ircs", "ftp", "news", "webcal", "geo"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The frames and links that the operator allows."""

    #: Hosts whose frames are kept, with a folder or without; see `is_player`.
    frame_hosts: frozenset[str] = PLAYERS
    #: Schemes of links. Those that run or embed code are refused even if they are listed.
    link_schemes: frozenset[str] = WEB | _OTHER_SCHEMES

    @property
    def key(self) -> tuple[tuple[str, ...], ...]:
        """The fields in a fixed order: equal policies have equal keys, and equal fingerprints."""
        return tuple(sorted(self.frame_hosts)), tuple(sorted(self.link_schemes))


DEFAULT = Policy()


def clean(
    html: str, *, base: str, policy: Policy = DEFAULT, on_escape: Callable[[], None] = lambda: None
) -> str:
    """The HTML without anything that could harm a reader, and with absolute addresses.

    `base` is the page's own absolute address. Never raises, whatever the HTML. HTML that is nested
    too deeply is flattened. HTML that would take too long to parse is escaped, and `on_escape` is
    called. The result contains no character that XML forbids.
    """
    html = _NOSCRIPT.sub("", printable(html))
    _page.set(_Page(base))
    parsable, escaped = parsed_in_linear_time(html)
    if escaped:
        on_escape()
    cleaned = _cleaner(policy).clean(parsable)
    # A reference like &#7; has become a character.
    return printable(_WITHOUT_ADDRESS.sub(_replacement, cleaned))


_MEDIA = {"width", "height"}
_CELL = {"colspan", "rowspan", "headers", "align", "valign", "abbr"}
_ROWS = {"align", "valign"}
_ATTRIBUTES = {
    "*": {"id", "class", "title", "lang", "dir"},
    "a": {"href", "hreflang", "name", "type"},
    "area": {"href", "hreflang", "alt", "shape", "coords"},
    "audio": {"src", "loop", "muted", "preload"},
    "blockquote": {"cite"},
    "col": {"span", "align", "valign", "width"},
    "colgroup": {"span", "align", "valign", "width"},
    "data": {"value"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "div": {"align"},
    "h1": {"align"},
    "h2": {"align"},
    "h3": {"align"},
    "hr": {"align", "width"},
    "iframe": {"src", "allowfullscreen"} | _MEDIA,
    "img": {"src", "srcset", "sizes", "alt", "align", "longdesc", "usemap"} | _MEDIA,
    "input": {"checked"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "map": {"name"},
    "ol": {"start", "type", "reversed"},
    "p": {"align"},
    "q": {"cite"},
    "source": {"src", "srcset", "sizes", "type", "media"} | _MEDIA,
    "table": {"align", "border", "cellpadding", "cellspacing", "summary", "width"},
    "tbody": _ROWS,
    "td": {"width"} | _CELL,
    "tfoot": _ROWS,
    "th": {"width", "scope"} | _CELL,
    "thead": _ROWS,
    "time": {"datetime"},
    "tr": _ROWS,
    "track": {"src", "kind", "srclang", "label", "default"},
    "ul": {"type"},
    "video": {"src", "poster", "loop", "muted", "playsinline", "preload"} | _MEDIA,
}
_ADDRESSES = frozenset({"href", "src", "srcset", "poster", "cite", "longdesc"})
_TAGS = (
    nh3.ALLOWED_TAGS | _ATTRIBUTES.keys() | {"address", "big", "main", "picture", "rb", "section"}
) - {"*"}

# Their text is code, a plug-in's fallback, a form's labels, or (math) repeats the text beside it.
# fmt: off
_DROPPED_WITH_CONTENT = {
    "applet", "button", "datalist", "dialog", "embed", "fieldset", "form", "frameset", "head",
    "legend", "math", "noembed", "noframes", "object", "optgroup", "option", "output",
    "plaintext", "portal", "script", "select", "style", "svg", "template", "textarea", "title",
    "xmp",
}
# fmt: on


#: Characters of the absolute addresses of one page. An ordinary link has fewer than a hundred. A
#: page whose own address has thousands would repeat it in each link.
MAX_ADDRESSES = 4 * 1024 * 1024


@dataclass(slots=True)
class _Page:
    """The page whose HTML this thread cleans."""

    base: str
    characters_left: int = MAX_ADDRESSES  #: for the addresses that follow

    def within_limit(self, address: str | None) -> str | None:
        """Count the address. None: it is missing, or the page is over its limit."""
        if address is None:
            return None
        self.characters_left -= len(address)
        return address if self.characters_left >= 0 else None


# Creating a cleaner takes nearly as long as using it, so each is used for many pages.
_page: ContextVar[_Page] = ContextVar("_page")


@lru_cache(maxsize=8)
def _cleaner(policy: Policy) -> nh3.Cleaner:
    schemes = policy.link_schemes - {"javascript", "vbscript", "data", "blob", "file"}
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_attribute, schemes, policy.frame_hosts),
        tag_attribute_values={"input": {"type": {"checkbox"}}},
        set_tag_attribute_values={
            "input": {"disabled": ""},
            "audio": {"controls": ""},
            "video": {"controls": ""},
            "iframe": {"sandbox": SANDBOX},
        },
        url_schemes=set(schemes | WEB | {"data"}),
        link_rel=None,  # `noopener` protects a window, which a feed reader doesn't have
    )


def _attribute(
    schemes: frozenset[str], frame_hosts: frozenset[str], tag: str, name: str, value: str
) -> str | None:
    """The value that an attribute is published with; None: it is removed."""
    if is_slow_to_write(value):
        return None
    if name == "class":
        return _classes(value)
    if name not in _ADDRESSES:
        return value
    page = _page.get()
    if page.characters_left < 0:
        return None
    match name:
        case "srcset":
            return page.within_limit(absolute_set(value, page.base))
        case "href":
            return page.within_limit(absolute(value, page.base, schemes=schemes))
        case "src" if tag == "img" and _INLINE_PICTURE.match(value):
            return value
        case "src" if not value.strip():
            return None
    address = absolute(value, page.base)
    if address and tag == "iframe" and not is_player(address, frame_hosts):
        return None
    return page.within_limit(address)


# A feed reader runs no scripts, so the content of <noscript> is kept: the real picture of a lazy
# one, the code of an embedded gist. The lazy picture has no address and is removed by
# _WITHOUT_ADDRESS.
_NOSCRIPT = re.compile(r"</?noscript\b[^<>]*>", re.IGNORECASE)

# Elements without an address. nh3 can drop an attribute but not its element, and keeps a frame's
# content, which browsers ignore. Its output is regular: attributes in double quotes, > escaped. A
# frame with an address is kept without its content.
_WITHOUT_ADDRESS = re.compile(
    r"<(?:(iframe(?=[^>]* src=)[^>]*>).*?(</iframe>)"
    r"|iframe.*?</iframe>"
    r"|img(?![^>]* src(?:set)?=)[^>]*>"
    r"|(?:source|track)(?![^>]* src(?:set)?=)[^>]*>"
    r'|input(?![^>]* type="checkbox")[^>]*>)',
    re.DOTALL,
)


def _replacement(match: re.Match[str]) -> str:
    return f"<{match[1]}{match[2]}" if match[1] else ""


# Inline pictures are kept. Vector pictures may contain scripts, and a picture with fewer characters
# is the placeholder of a lazy one.
_INLINE_PICTURE = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]{200,}\Z", re.IGNORECASE
)

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
