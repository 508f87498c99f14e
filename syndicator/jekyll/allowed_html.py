"""The elements and attributes that an entry may contain.

MathML: the elements that show a formula, without `maction` and links. Readers such as Miniflux keep
the same ones.
"""

import re

import nh3

_MEDIA = {"width", "height"}
_CELL = {"colspan", "rowspan", "headers", "align", "valign", "abbr"}
_ROWS = {"align", "valign"}

#: Elements that show a formula (https://w3c.github.io/mathml-core/). A reader without MathML shows
#: their text.
FORMULAS = frozenset(
    """
    math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow
    ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none
    """.split()
)
_OF_FORMULAS = frozenset(
    """
    accent accentunder align columnalign columnlines columnspacing columnspan depth display
    displaystyle fence form frame height largeop linethickness lspace mathvariant maxsize minsize
    movablelimits notation rowalign rowlines rowspacing rowspan rspace scriptlevel separator
    stretchy symmetric voffset width
    """.split()
)

ATTRIBUTES: dict[str, set[str]] = {
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
    "h4": {"align"},
    "h5": {"align"},
    "h6": {"align"},
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
    **{element: set(_OF_FORMULAS) for element in FORMULAS},
}
TAGS = (
    nh3.ALLOWED_TAGS | ATTRIBUTES.keys() | {"address", "big", "main", "picture", "rb", "section"}
) - {"*"}

#: Elements whose `text-align` becomes `align`.
ALIGNED = frozenset({"td", "th", "p", "div", "h1", "h2", "h3", "h4", "h5", "h6"})

#: Their text is code, or is not meant to be shown. `fallbacks` has replaced the others that can't
#: be shown.
DROPPED_WITH_CONTENT = frozenset(
    """
    annotation annotation-xml applet button datalist dialog embed fieldset form frameset head legend
    malignmark mglyph noembed noframes object optgroup option output plaintext portal script select
    style svg template textarea title xmp
    """.split()
)

#: Inline pictures are kept. Vector pictures may contain scripts, and a picture with fewer
#: characters is the placeholder of a lazy one.
INLINE_PICTURE = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]{200,}\Z", re.IGNORECASE
)
