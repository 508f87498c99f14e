"""Rewrites HTML that would take the parser behind nh3 (html5ever, ammonia) more than linear time.

Ordinary HTML is returned unchanged. Only HTML that is written to keep a machine busy is rewritten.
"""

import re
from collections import Counter
from html import escape


def parsed_in_linear_time(html: str) -> tuple[str, bool]:
    """The HTML, rewritten where it would take quadratic time, and whether all of it was escaped."""
    if _has_long_tag(html):
        return _with_short_texts(escape(html, quote=False)), True
    if html.count("<") > _MAX_DEPTH and _INNERMOST.sub("", html).count("<") > _MAX_DEPTH:
        html = _flattened(html)
    tags = html.count("<")
    ambiguous = tags > _MAX_AMBIGUOUS and _ambiguous_tags(html) > _MAX_AMBIGUOUS
    escaped = (
        ambiguous
        or (tags > MAX_TAGS_AROUND_TABLES and tags * _ambiguous_in_tables(html) > MAX_FOSTERED)
        or _open_formatting(html, tags) > 0
    )
    return _with_short_texts(escape(html, quote=False) if escaped else html), escaped


# html5ever compares the name of each attribute with those before it in the tag.
# https://github.com/servo/html5ever/blob/main/html5ever/src/tokenizer/mod.rs (finish_attribute)

#: Different attributes of one tag. A page of such tags takes a few tenths of a second.
MAX_ATTRIBUTES = 1000

#: Characters that are read in search of such a tag: a quarter of a second. An ordinary page is read
#: about once, since no tag begins inside another one.
MAX_READ_IN_TAGS = 20_000_000
#: The name of an attribute in a long tag counts as so many, since it takes as much longer.
_COST_OF_NAME = 40

_SPACE = r"[\t\n\f\r ]"
_TAG_START = re.compile(r"</?[a-z]", re.IGNORECASE)
# As in HTML §13.2.5.32 to §13.2.5.40: a name may begin with = and contain quotes and <.
_NAME = rf"(?:{_SPACE}|/)*+(=?[^\t\n\f\r />=]*+)"
_VALUE = rf"{_SPACE}*+={_SPACE}*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?+"
_NAMED = re.compile(rf"(?=[^>]){_NAME}(?:{_VALUE})?+")
#: What follows a tag's first letter.
_REST_OF_TAG = re.compile(rf"[^\t\n\f\r />]*+(?:{_NAMED.pattern})*+")


def _has_long_tag(html: str) -> bool:
    """Whether a tag may have too many attributes, if every `<` before a letter begins one.

    In a script, `i<n` begins none, but has few different words behind it before the next `>`.
    """
    if len(html) < 2 * MAX_ATTRIBUTES:
        return False
    left = MAX_READ_IN_TAGS
    for start in _TAG_START.finditer(html):
        rest = _REST_OF_TAG.match(html, start.end())
        length = len(rest[0]) if rest else 0
        left -= length
        if rest and length > 2 * MAX_ATTRIBUTES:
            names = _NAMED.findall(rest[0])
            left -= _COST_OF_NAME * len(names)
            if len(names) > MAX_ATTRIBUTES and len(set(map(str.lower, names))) > MAX_ATTRIBUTES:
                return True
        if left < 0:
            return True
    return False


# When html5ever writes a text, it searches for the next `<` or `>` (in an attribute, `"` too) again
# after each `&` and each character whose first UTF-8 byte is 0xC2. Without one it searches the rest
# of the text each time.
# https://github.com/servo/html5ever/blob/main/html5ever/src/serialize/mod.rs (write_escaped)

#: Characters of one text or attribute that cause such a search: 4 MiB then take a few tenths of a
#: second.
MAX_SEARCHES = 1000
_SEARCHING = re.compile("[&\xa0-\xbf]")
_TEXT = re.compile(rf"[^<>]{{{MAX_SEARCHES},}}")


def _with_short_texts(html: str) -> str:
    """The HTML with long texts cut by `<!>`, which the parser drops.

    `<!>` is an empty comment between texts. In a comment or a script it is a part of the text. An
    attribute that is cut by it is dropped later, as `is_slow_to_write`.
    """
    return _TEXT.sub(_cut, html) if is_slow_to_write(html) else html


def _cut(long_text: re.Match[str]) -> str:
    """The text, cut before such a character, so that a reference like `&copy;` stays whole."""
    text = long_text[0]
    starts = [match.start() for match in _SEARCHING.finditer(text)][MAX_SEARCHES::MAX_SEARCHES]
    ends = [*starts, None]
    return "<!>".join(text[begin:end] for begin, end in zip([0, *starts], ends, strict=True))


def is_slow_to_write(value: str) -> bool:
    """Whether a text may take quadratic time to write. Ordinary addresses don't."""
    return len(value) > MAX_SEARCHES and len(_SEARCHING.findall(value)) >= MAX_SEARCHES


# Parsing time is quadratic in the depth. Readers stop at 256 levels (libxml2) or 512 (browsers).
_MAX_DEPTH = 200
_INNERMOST = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]*>[^<]*</\1>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*)", re.IGNORECASE)
# fmt: off
_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}
_SELF_CLOSING = _VOID | {
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "caption",
    "option",
}  # these end without an end tag
# fmt: on


def _flattened(html: str) -> str:
    """The HTML without the tags below _MAX_DEPTH levels. Their text stays."""
    open_tags: Counter[str] = Counter()
    depth = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth
        name = tag[2].lower()
        is_foreign = (
            open_tags["svg"] or open_tags["math"]
        )  # there the names have no special meaning
        if name in _SELF_CLOSING and not is_foreign:
            return tag[0]
        if tag[1]:
            if open_tags[name]:
                open_tags[name] -= 1
                depth -= 1
            return tag[0]
        if depth >= _MAX_DEPTH:
            return "<wbr"  # an empty element that may have the attributes that follow
        open_tags[name] += 1
        depth += 1
        return tag[0]

    return _TAG.sub(keep, html)


# The patterns below are text: few posts need one, which `re` then compiles and keeps.

# Tags in comments, attributes and scripts make the depth wrong. Thousands of them are an attack.
_MAX_AMBIGUOUS = 5_000
_ATTRIBUTES_INSIDE = r"""(?:\s+[\w:.-]+(?:=(?:"[^"<>]*"|'[^'<>]*'|[\w/.:#%?&;-]+))?)*+\s*/?>"""
_PAIR = rf"(?i)<([a-z][a-z0-9]*){_ATTRIBUTES_INSIDE}[^<]*</\1>"
_COMMENT = r"<!--[\w\s.,:;!?'\"()-]*-->"
_ALONE = rf"(?i)</?(?:{'|'.join(sorted(_SELF_CLOSING))}){_ATTRIBUTES_INSIDE}|{_COMMENT}"


def _ambiguous_tags(html: str) -> int:
    """The number of start tags left after removing elements whose end is certain."""
    html = re.sub(_ALONE, "", html)
    removed = 1
    for _ in range(_MAX_DEPTH):
        if not removed:
            break
        html, removed = re.subn(_PAIR, "", html)
    return html.count("<") - html.count("</")


# A formatting element that is open when a paragraph or a cell ends is repeated in the next one
# (HTML §13.2.4.3, reconstruct the active formatting elements): 16 kB of HTML can become 6 MB.

#: Tags of a page, times the formatting elements that may be open: at worst as many elements are
#: written, in half a second.
MAX_REPEATED = 1_000_000

#: Levels of closed elements that are recognised, each at the cost of reading the HTML once.
_MAX_NESTED_FORMATTING = 10

#: Replaces a removed element.
_ELEMENT_MARK = "\x02"
_NAMES = "a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_FORMATTING = re.compile(rf"<(?:{_NAMES})\b(?:{_ATTRIBUTES_INSIDE})?", re.IGNORECASE)
_IN_LINES = f"{_NAMES}|abbr|bdi|bdo|cite|data|dfn|kbd|label|mark|q|samp|span|sub|sup|time|var"
#: The second group is there if the element may end a paragraph, and is replaced by a mark.
_CLOSED = (
    rf"(?i)<(?:({_IN_LINES}){_ATTRIBUTES_INSIDE}[^<{_ELEMENT_MARK}]*|(?!(?:{_IN_LINES})\b)"
    rf"([a-z][a-z0-9]*){_ATTRIBUTES_INSIDE}[^<]*)</(?:\1|\2)>"
)


def _open_formatting(html: str, tags: int) -> int:
    """How many formatting elements may be open at once, at most; 0 if the limit is far.

    One is certainly closed if its end tag follows with nothing but text, or closed ones, between.
    """
    open_at_once = _active(html)
    removed = 1
    for _ in range(_MAX_NESTED_FORMATTING):
        if open_at_once * tags <= MAX_REPEATED:
            return 0
        if not removed:
            break
        html, removed = re.subn(_CLOSED, lambda part: _ELEMENT_MARK if part[2] else "", html)
        open_at_once = _active(html)
    return open_at_once


def _active(html: str) -> int:
    """How many formatting elements are open at once if none is closed.

    Of equal ones, three; of links, one (HTML §13.2.4.3, Noah's Ark clause; §13.2.6.4.7).
    """
    counts = Counter(_FORMATTING.findall(html))
    numbers = (
        min(count, 3) if tag.endswith(">") else count
        for tag, count in counts.items()
        if not tag.lower().startswith(("<a ", "<a>"))
    )
    return min(sum(numbers) + 1, _MAX_DEPTH)


# An element that a table may not contain is moved before the table, and each move goes through
# everything before the table (HTML §13.2.6.1, foster parent).

#: Tags of a page whose tables are not checked: at worst they take a tenth of a second.
MAX_TAGS_AROUND_TABLES = 8_000

#: Tags of a page, times the elements in its tables that may be moved: at worst they take half a
#: second.
MAX_FOSTERED = 64_000_000

#: Replaces a removed cell or row: only a table, a row or a group of rows may contain it. Any other
#: removed element is replaced by _ELEMENT_MARK.
_CELL_MARK = "\x01"

_IN_TABLE = rf"{_ATTRIBUTES_INSIDE}[\s{_CELL_MARK}]*"
_IN_CELL = rf"{_ATTRIBUTES_INSIDE}[^<{_CELL_MARK}]*"
_CLEAR_PART = (
    rf"(?i)<(?:(table){_IN_TABLE}|(t(?:body|head|foot|r)|colgroup){_IN_TABLE}|(t[dh]|caption){_IN_CELL}"
    r"|(?!(?:t(?:able|body|head|foot|[rdh])|colgroup|caption)\b)"
    rf"([a-z][a-z0-9]*){_IN_CELL})</(?:\1|\2|\3|\4)>"
)
_SINGLE_NAMES = "|".join(sorted((_VOID - {"col"}) | {"p", "li", "dt", "dd"}))
_SINGLE_TAG = rf"(?i)</?(?:{_SINGLE_NAMES}){_ATTRIBUTES_INSIDE}"
_COLUMN = rf"(?i)<col{_ATTRIBUTES_INSIDE}"
_OPEN_TABLE = re.compile(r"<table\b", re.IGNORECASE)


def _ambiguous_in_tables(html: str) -> int:
    """The number of elements from the first table to the last, after removing well-formed rows."""
    if not _OPEN_TABLE.search(html):
        return 0
    html = re.sub(_SINGLE_TAG, _ELEMENT_MARK, re.sub(_COMMENT, "", html))
    html = re.sub(_COLUMN, _CELL_MARK, html)
    removed = 1
    for _ in range(_MAX_DEPTH):
        if not removed:
            break
        html, removed = re.subn(
            _CLEAR_PART, lambda part: _CELL_MARK if part[2] or part[3] else _ELEMENT_MARK, html
        )
    if (first := _OPEN_TABLE.search(html)) is None:
        return 0
    last = html.lower().rfind("</table", first.start())
    inside = html[first.start() : last if last >= 0 else None]
    return inside.count("<") + inside.count(_ELEMENT_MARK)
