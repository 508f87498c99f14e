"""A post's excerpt: the text before the separator (jekyll/lib/jekyll/excerpt.rb)."""

import re
from html import unescape

from syndicator.ruby.strip_html import strip_html

_TAG = re.compile(r"{%-?\s*(\w+)")
_DEFINITION = re.compile(r"^ {0,3}(\[[^\]\n]+\])(:.+)$", re.MULTILINE)

#: Characters searched for the labels of links, over all definitions: 10,000 definitions for an
#: excerpt of 1,000 characters, a few milliseconds.
MAX_SEARCHED = 10_000_000

#: Liquid's tags that have an end tag, including Jekyll's.
BLOCKS = frozenset("capture case comment for highlight if ifchanged raw tablerow unless".split())


def source(body: str, separator: str) -> str:
    """The text before the separator, with open Liquid blocks closed and its link definitions added.

    An empty separator means no excerpt.
    """
    if not separator:
        return ""
    head, _, tail = _without_leading_lines(body).partition(separator)
    if not tail:
        return head
    tags = _TAG.findall(head)
    for tag in dict.fromkeys(reversed(tags)):  # Jekyll closes each kind once
        if tag in BLOCKS and f"end{tag}" not in tags:
            head += f"\n{{% end{tag} %}}"
    definitions = _definitions(tail, head)
    return f"{head}\n\n" + "\n".join(definitions) if definitions else head


def _definitions(tail: str, head: str) -> list[str]:
    """The definitions of links and footnotes that the excerpt may need. The search is limited."""
    kept: list[str] = []
    characters_left = MAX_SEARCHED
    for definition in _DEFINITION.finditer(tail):
        characters_left -= len(head)
        if characters_left < 0:
            break
        if definition[1] in head:
            kept.append(definition[1] + definition[2])
    return kept


def plain(html: str) -> str:
    """HTML as one line of plain text. Not a sanitiser: escape the result in HTML."""
    return " ".join(unescape(strip_html(html)).split())


def _without_leading_lines(text: str) -> str:
    """Drop blank lines after the front matter: to Jekyll they are part of it."""
    indent = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, indent) + 1 :]
