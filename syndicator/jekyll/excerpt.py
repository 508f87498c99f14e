"""The short text of a post: what the author wrote as such, or Jekyll's rule for finding it."""

import re
from html import unescape

from syndicator.ruby.strip_html import strip_html

_TAG = re.compile(r"{%-?\s*(\w+)")
_DEFINITION = re.compile(r"^ {0,3}(\[[^\]\n]+\])(:.+)$", re.MULTILINE)

#: Characters that are searched for the labels of links, over all definitions: ten thousand of them for an excerpt of
#: a thousand characters, and some milliseconds.
MAX_SEARCHED = 10_000_000

#: Liquid's tags that have an end, with Jekyll's own.
BLOCKS = frozenset(
    {
        "capture",
        "case",
        "comment",
        "for",
        "highlight",
        "if",
        "ifchanged",
        "raw",
        "tablerow",
        "unless",
    }
)


def source(body: str, separator: str) -> str:
    """What stands before the separator, made whole: open Liquid blocks closed, definitions of its links kept.

    An empty separator means no excerpt. Source: Jekyll, `lib/jekyll/excerpt.rb`.
    """
    if not separator:
        return ""
    head, _, tail = _without_leading_lines(body).partition(separator)
    if not tail:
        return head
    tags = _TAG.findall(head)
    for tag in dict.fromkeys(reversed(tags)):  # one end of a kind is enough to Jekyll
        if tag in BLOCKS and f"end{tag}" not in tags:
            head += f"\n{{% end{tag} %}}"
    definitions = _definitions(tail, head)
    return f"{head}\n\n" + "\n".join(definitions) if definitions else head


def _definitions(tail: str, head: str) -> list[str]:
    """The definitions of links and footnotes that the excerpt may need, up to a limit of what is searched for them."""
    found: list[str] = []
    left = MAX_SEARCHED
    for definition in _DEFINITION.finditer(tail):
        left -= len(head)
        if left < 0:
            break
        if definition[1] in head:
            found.append(definition[1] + definition[2])
    return found


def plain(html: str) -> str:
    """HTML as one line of plain text. Not a sanitiser: the result is text, to be escaped by whoever writes it."""
    return " ".join(unescape(strip_html(html)).split())


def _without_leading_lines(text: str) -> str:
    """Jekyll takes blank lines after the front matter for a part of it."""
    indent = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, indent) + 1 :]
