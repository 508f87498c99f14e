"""Patterns that the rules share: names, HTML elements, and where a block may begin or end."""

import re
from html.entities import name2codepoint

SPACE = " \t\n\v\f\r\0"  # what Ruby strips: without the no-break and the ideographic space

#: the name of a footnote or of an attribute list
ID = r"[A-Za-z0-9_][A-Za-z0-9_\-]*"
NAME = r"(?:[^\W\d][\w.\-]*+:)?[^\W\d][\w.\-]*+"
ATTRIBUTE = rf"[ \t-\r]+{NAME}(?:[ \t-\r]*=[ \t-\r]*(?:\w++|\"[^\"]*+\"|'[^']*+'))?"
TAG = re.compile(rf"<(?P<name>{NAME})(?P<attrs>(?>{ATTRIBUTE})*+)[ \t-\r]*(?P<closed>/)?>")
TAG_START = re.compile(rf"<{NAME}(?>{ATTRIBUTE})*+")
CLOSING_TAG = re.compile(rf"</(?P<name>{NAME})[ \t-\r]*>")
ENTITY = re.compile(
    r"&(?:(?P<name>[\w:][\w.:\-]*+)|\#(?P<decimal>\d++)|\#x(?P<hex>[0-9a-fA-F]++));", re.ASCII
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPAN_ELEMENTS = _names(
    "a abbr acronym b big bdo br button cite code del dfn em i img input ins kbd label mark option "
    "q rb rbc rp rt rtc ruby samp select small span strong sub sup tt u var"
)
BLOCK_ELEMENTS = _names(
    "address article aside applet body blockquote caption col colgroup dd div dl dt fieldset "
    "figcaption footer form h1 h2 h3 h4 h5 h6 header hgroup hr html head iframe legend menu li "
    "main map nav ol optgroup p pre section summary table tbody td th thead tfoot tr ul"
)
VOID_ELEMENTS = _names(
    "area base br col command embed hr img input keygen link meta param source track wbr"
)
#: how the content of an element with `markdown="1"` is parsed; "raw" for elements not listed
CONTENT = (
    dict.fromkeys(
        _names(
            "address applet article aside blockquote body dd details div dl fieldset figure "
            "figcaption footer form header hgroup iframe li main map menu nav noscript object "
            "section summary td"
        ),
        "block",
    )
    | dict.fromkeys(
        _names(
            "a abbr acronym b bdo big button cite caption del dfn dt em h1 h2 h3 h4 h5 h6 i ins "
            "label legend optgroup p q rb rbc rp rt rtc ruby select small span strong sub sup th tt"
        ),
        "span",
    )
    | dict.fromkeys(_names("script style math option textarea pre code kbd samp var"), "raw")
)
ELEMENTS = SPAN_ELEMENTS | BLOCK_ELEMENTS | VOID_ELEMENTS | CONTENT.keys()

ENTITIES = name2codepoint | {"apos": 39, "vellip": 8942}

_INLINE = "|".join(sorted(SPAN_ELEMENTS | {"script"}))
_BLANK = r"[ \t\r\f\v]*(?:\n|\Z)"
#: one character in an attribute list, and the content of a list; a longer list is text
LIST_CHARACTER = r"(?:[^}\\]|\\.|\\(?=\n))"
ATTRIBUTE_LIST = LIST_CHARACTER + "{1,500}+"
_ATTRIBUTES = rf" {{0,3}}\{{:(?![:/]){ATTRIBUTE_LIST}\}}[ \t\r\f\v]*\n"
_MARKER = r"\^[ \t\r\f\v]*\n"
HTML_EDGE = rf"</(?!(?:{_INLINE})\b){NAME}[ \t-\r]*>|<(?!(?:{_INLINE})\b){NAME}"
_LIST = r" {0,3}(?:[+*\-]|[0-9]+\.)[\t| ]"
_DEFINITION = r" {0,3}:[\t| ]"

#: ends of a quote and of a paragraph
LAZY_END = rf"(?:{_BLANK}|{_ATTRIBUTES}|{_MARKER}| {{0,3}}(?:{HTML_EDGE}))"
QUOTE_END = re.compile(rf"^{LAZY_END}", re.MULTILINE)
PARAGRAPH_END = re.compile(rf"^(?:{LAZY_END}|{_DEFINITION})", re.MULTILINE)
PARAGRAPH_END_GFM = re.compile(
    rf"^(?:{LAZY_END}|{_LIST}|\#{{1,6}}[\t ]|{_DEFINITION}| {{0,3}}(?:>|[~`]{{3}}))", re.MULTILINE
)
#: lines that do not continue a block of code or a list item without an indent (kramdown's laziness)
NOT_LAZY = rf"(?:{_ATTRIBUTES}|{_MARKER}| {{0,3}}(?:{HTML_EDGE}))"
BOUNDARY = re.compile(rf"{_BLANK}|{_MARKER}|{_ATTRIBUTES}|\Z")
BLANKS = re.compile(r"(?:[ \t\r\f\v]*\n)+")
RULE = re.compile(r" {0,3}([*\-_])[ \t]*\1[ \t]*\1(?:\1|[ \t]){0,500}+\n")
MARKER = re.compile(_MARKER)


def entity_character(match: re.Match[str]) -> str | None:
    """The character of an entity; None if kramdown does not know the entity."""
    if name := match["name"]:
        point = ENTITIES.get(name)
    else:
        digits = match["decimal"] or match["hex"]
        point = int(digits, 10 if match["decimal"] else 16) if len(digits) < 10 else 0
    if point is None:
        return None
    if 128 <= point < 160:  # these numbers mean Windows-1252
        return bytes([point]).decode("cp1252", "replace")
    return chr(point) if 0 < point < 0x110000 and not 0xD800 <= point < 0xE000 else ""
