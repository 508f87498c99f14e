"""HTML that is safe to hand to any reader, and complete without the site around it.

What people read, hear and watch stays; what runs, asks or styles goes, and goes whole: with its content. Every
address becomes absolute against the post's own, so that a feed needs no `xml:base`, which few readers know.
"""

import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import nh3

from syndicator.jekyll.addresses import WEB, absolute, absolute_set
from syndicator.jekyll.characters import printable
from syndicator.jekyll.html_parser_limits import is_slow_to_write, parsed_in_linear_time
from syndicator.jekyll.players import PLAYERS, SANDBOX, is_player

# They open a program that the reader chose for them, and it asks before it does anything.
_HARMLESS = frozenset(
    {"mailto", "tel", "sms", "xmpp", "irc", "ircs", "ftp", "news", "webcal", "geo"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the site's owner lets through beyond the text itself."""

    frame_hosts: frozenset[str] = (
        PLAYERS  #: hosts whose frames stay, with a folder or without; see `is_player`
    )
    link_schemes: frozenset[str] = (
        WEB | _HARMLESS
    )  #: of links; what runs or embeds code never counts

    @property
    def said(self) -> tuple[tuple[str, ...], ...]:
        """In an order: equal policies are the same text."""
        return tuple(sorted(self.frame_hosts)), tuple(sorted(self.link_schemes))


DEFAULT = Policy()


def clean(
    html: str, *, base: str, policy: Policy = DEFAULT, on_escape: Callable[[], None] = lambda: None
) -> str:
    """The HTML without what a stranger could do harm with, and with absolute addresses.

    `base` is the page's own absolute address. Never raises, whatever the HTML; what is too deeply nested is
    flattened. `on_escape` is called when it would take too long to parse, and is shown as the text it is. The
    result holds no character that XML forbids.
    """
    html = _NOSCRIPT.sub("", printable(html))
    _page.set(_Page(base))
    parsable, escaped = parsed_in_linear_time(html)
    if escaped:
        on_escape()
    cleaned = _cleaner(policy).clean(parsable)
    # &#7; is a character only now that it has been parsed
    return printable(_HOLLOW.sub(_emptied, cleaned))


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
_TAGS = (
    nh3.ALLOWED_TAGS | _ATTRIBUTES.keys() | {"address", "big", "main", "picture", "rb", "section"}
) - {"*"}

# Their text is code, a fallback for a plug-in, a form's labels, or (math) stands beside them once more
# fmt: off
_DROPPED_WHOLE = {
    "applet", "button", "datalist", "dialog", "embed", "fieldset", "form", "frameset", "head",
    "legend", "math", "noembed", "noframes", "object", "optgroup", "option", "output", "plaintext", "portal", "script",
    "select", "style", "svg", "template", "textarea", "title", "xmp",
}
# fmt: on


#: Characters of the absolute addresses of one page. A page of ordinary links has fewer than a hundred a link; one whose
#: own address is of thousands would repeat that in each.
MAX_ADDRESSES = 4 * 1024 * 1024


@dataclass(slots=True)
class _Page:
    """The page whose HTML this thread cleans."""

    base: str
    left: int = MAX_ADDRESSES  #: characters that its addresses may still have

    def spent(self, address: str | None) -> str | None:
        """The address; None when there is none, or no more room for it."""
        if address is None:
            return None
        self.left -= len(address)
        return address if self.left >= 0 else None


# Making a cleaner takes nearly as long as using it, so one serves many pages.
_page: ContextVar[_Page] = ContextVar("_page")


@lru_cache(maxsize=8)
def _cleaner(policy: Policy) -> nh3.Cleaner:
    schemes = policy.link_schemes - {"javascript", "vbscript", "data", "blob", "file"}

    def address(tag: str, name: str, value: str) -> str | None:
        if is_slow_to_write(value):
            return None
        if name == "class":
            return _classes(value)
        if name == "srcset":
            page = _page.get()
            return page.spent(absolute_set(value, page.base)) if page.left >= 0 else None
        if name not in {"href", "src", "poster", "cite", "longdesc"}:
            return value
        page = _page.get()
        if page.left < 0:
            return None
        if name == "href":
            return page.spent(absolute(value, page.base, schemes=schemes))
        if name == "src" and tag == "img" and _PICTURE_ITSELF.match(value):
            return value
        if name == "src" and not value.strip():
            return None
        found = absolute(value, page.base)
        if found and tag == "iframe" and not is_player(found, policy.frame_hosts):
            return None
        return page.spent(found)

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=address,
        tag_attribute_values={"input": {"type": {"checkbox"}}},
        set_tag_attribute_values={
            "input": {"disabled": ""},
            "audio": {"controls": ""},
            "video": {"controls": ""},
            "iframe": {"sandbox": SANDBOX},
        },
        url_schemes=set(schemes | WEB | {"data"}),
        link_rel=None,  # a reader opens links its own way, and has no window to protect
    )


# A reader runs no script, so what an author wrote for such readers is for it: the true picture behind a
# lazy one, the code behind an embedded gist. The lazy picture itself has no address, and goes as hollow.
_NOSCRIPT = re.compile(r"</?noscript\b[^<>]*>", re.IGNORECASE)

# nh3 can drop an attribute but not its element, and leaves what a frame holds as it is, for browsers never look
# at it. What nh3 writes is regular: attributes in double quotes, > escaped. A frame with an address stays, emptied.
_HOLLOW = re.compile(
    r"<(?:(iframe(?=[^>]* src=)[^>]*>).*?(</iframe>)"
    r"|iframe.*?</iframe>"
    r"|img(?![^>]* src(?:set)?=)[^>]*>"
    r"|(?:source|track)(?![^>]* src(?:set)?=)[^>]*>"
    r'|input(?![^>]* type="checkbox")[^>]*>)',
    re.DOTALL,
)


def _emptied(found: re.Match[str]) -> str:
    return f"<{found[1]}{found[2]}" if found[1] else ""


# A picture written into the page is what people look at. A vector one can hold script, and one of less than
# this is a dot that holds the place of a lazy picture.
_PICTURE_ITSELF = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]{200,}\Z", re.IGNORECASE
)

# Names that highlighters and Markdown give. Any other could be hooked by the style sheet of the page a reader shows
# it in: an overlay, a hidden block, a look-alike button. Pygments' and Rouge's own are of at most three characters.
_KNOWN_CLASS = re.compile(
    r"(?:language|lang|highlight|highlighter|codehilite)(?:-[\w+#.-]+)?|[a-z][a-z0-9]{0,2}"
    r"|line(?:no|nos|numbers)?|footnotes?|footnote-(?:ref|backref)|reversefootnote|task-list(?:-item(?:-checkbox)?)?",
    re.ASCII,
)


@lru_cache(maxsize=1024)
def _classes(value: str) -> str | None:
    return " ".join(name for name in value.split() if _KNOWN_CLASS.fullmatch(name)) or None
