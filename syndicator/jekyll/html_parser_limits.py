"""What the HTML parser behind nh3 (html5ever, ammonia) takes more than linear time for, and HTML without that.

Ordinary HTML comes back as it is. What is rewritten here is what nobody writes but to keep a machine busy.
"""

import re
from collections import Counter
from html import escape


def parsed_in_linear_time(html: str) -> tuple[str, bool]:
    """The HTML as it is, or without what would take quadratic time; and whether it had to be escaped as a whole."""
    if html.count("<") > _DEEPEST and _INNERMOST.sub("", html).count("<") > _DEEPEST:
        html = _flattened(html)
    tags = html.count("<")
    unclear = tags > _MOST_UNCLEAR and _unclear(html) > _MOST_UNCLEAR
    escaped = unclear or (
        tags > MAX_TAGS_AROUND_TABLES and tags * _unclear_in_tables(html) > MAX_FOSTERED
    )
    return _in_short_texts(escape(html, quote=False) if escaped else html), escaped


# To write a text, html5ever looks for the next `<` or `>` (in an attribute, for `"` too) anew after each `&` and each
# character whose first byte in UTF-8 is 0xC2. Where there is none, it looks through the rest of the text.
# https://github.com/servo/html5ever/blob/main/html5ever/src/serialize/mod.rs (write_escaped)

#: Characters of one text or attribute that have its rest searched: 4 MiB take some tenths of a second.
MAX_SEARCHES = 1000
_SEARCHING = re.compile("[&\xa0-\xbf]")
_TEXT = re.compile(rf"[^<>]{{{MAX_SEARCHES},}}")


def _in_short_texts(html: str) -> str:
    """The HTML with long texts cut by what the parser drops: two texts are written like one.

    `<!>` is an empty comment between texts, and a part of the text in a comment or a script. An attribute that is cut
    is one that `is_slow_to_write`.
    """
    return _TEXT.sub(_cut, html) if is_slow_to_write(html) else html


def _cut(found: re.Match[str]) -> str:
    """The text with cuts before a character, since a reference like `&copy;` must stay whole."""
    text = found[0]
    starts = [searching.start() for searching in _SEARCHING.finditer(text)][
        MAX_SEARCHES::MAX_SEARCHES
    ]
    return "<!>".join(
        text[begin:end] for begin, end in zip([0, *starts], [*starts, None], strict=True)
    )


def is_slow_to_write(value: str) -> bool:
    """Whether a text may take quadratic time to be written. No address or description is like that."""
    return len(value) > MAX_SEARCHES and len(_SEARCHING.findall(value)) >= MAX_SEARCHES


# Parsing costs the square of the depth; readers give up at 256 (libxml2) or 512 (browsers) anyway.
_DEEPEST = 200
_INNERMOST = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]*>[^<]*</\1>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][^\s/<>]*)", re.IGNORECASE)
# fmt: off
_EMPTY = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}
_NEVER_DEEP = _EMPTY | {
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "caption", "option",
}  # which end by themselves
# fmt: on


def _flattened(html: str) -> str:
    """The HTML without the tags that stand deeper than anyone reads; their text stays."""
    open_now: Counter[str] = Counter()
    depth = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal depth
        name = found[2].lower()
        if name in _NEVER_DEEP and not (
            open_now["svg"] or open_now["math"]
        ):  # where they are names like any other
            return found[0]
        if found[1]:
            if open_now[name]:
                open_now[name] -= 1
                depth -= 1
            return found[0]
        if depth >= _DEEPEST:
            return "<wbr"  # which has no inside, and takes whatever attributes follow
        open_now[name] += 1
        depth += 1
        return found[0]

    return _TAG.sub(keep, html)


# Tags in comments, attributes and scripts deceive that count. Nobody writes thousands of those but to keep us busy.
_MOST_UNCLEAR = 5_000
_ATTRIBUTES_INSIDE = r"""(?:\s+[\w:.-]+(?:=(?:"[^"<>]*"|'[^'<>]*'|[\w/.:#%?&;-]+))?)*+\s*/?>"""
_PAIR = re.compile(rf"<([a-z][a-z0-9]*){_ATTRIBUTES_INSIDE}[^<]*</\1>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--[\w\s.,:;!?'\"()-]*-->")
_ALONE = re.compile(
    rf"</?(?:{'|'.join(sorted(_NEVER_DEEP))}){_ATTRIBUTES_INSIDE}|{_COMMENT.pattern}", re.IGNORECASE
)


def _unclear(html: str) -> int:
    """How many elements begin when those are gone that can't but end where they seem to."""
    html = _ALONE.sub("", html)
    found = 1
    for _ in range(_DEEPEST):
        if not found:
            break
        html, found = _PAIR.subn("", html)
    return html.count("<") - html.count("</")


# What a table may not hold is put before it, and for each such thing all that stands before the table is gone through
# (HTML §13.2.6.1, foster parent).

#: Tags of a page with tables whose tables need not be looked at: at worst they take a tenth of a second.
MAX_TAGS_AROUND_TABLES = 8_000

#: Tags of a page, times the things in its tables that may be put before them: at worst they take half a second.
MAX_FOSTERED = 64_000_000

#: Stands for a cell or a row that was taken out: only a table, a row or a group of rows may hold it.
_CELLS = "\x01"

#: Stands for any other element that was taken out.
_THING = "\x02"
_IN_TABLE = rf"{_ATTRIBUTES_INSIDE}[\s{_CELLS}]*"
_IN_CELL = rf"{_ATTRIBUTES_INSIDE}[^<{_CELLS}]*"
_OF_TABLES = re.compile(
    rf"<(?:(table){_IN_TABLE}|(t(?:body|head|foot|r)|colgroup){_IN_TABLE}|(t[dh]|caption){_IN_CELL}"
    rf"|(?!(?:t(?:able|body|head|foot|[rdh])|colgroup|caption)\b)([a-z][a-z0-9]*){_IN_CELL})</(?:\1|\2|\3|\4)>",
    re.IGNORECASE,
)
_MARKS = re.compile(
    rf"</?(?:{'|'.join(sorted((_EMPTY - {'col'}) | {'p', 'li', 'dt', 'dd'}))}){_ATTRIBUTES_INSIDE}",
    re.IGNORECASE,
)
_COLUMN = re.compile(rf"<col{_ATTRIBUTES_INSIDE}", re.IGNORECASE)
_OPEN_TABLE = re.compile(r"<table\b", re.IGNORECASE)


def _unclear_in_tables(html: str) -> int:
    """How many things stand in tables, from the first to the last, when clear rows of clear cells are gone."""
    if not _OPEN_TABLE.search(html):
        return 0
    html = _COLUMN.sub(_CELLS, _MARKS.sub(_THING, _COMMENT.sub("", html)))
    found = 1
    for _ in range(_DEEPEST):
        if not found:
            break
        html, found = _OF_TABLES.subn(
            lambda whole: _CELLS if whole[2] or whole[3] else _THING, html
        )
    if (first := _OPEN_TABLE.search(html)) is None:
        return 0
    last = html.lower().rfind("</table", first.start())
    inside = html[first.start() : last if last >= 0 else None]
    return inside.count("<") + inside.count(_THING)
