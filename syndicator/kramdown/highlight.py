"""Code as Rouge marks it up, coloured by Pygments: the short class names are of one family."""

import re
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

from syndicator.kramdown.options import Highlighting

#: Characters of a block, and of all blocks of a text, that are coloured: some lexers take more than linear time.
MAX_LENGTH, MAX_TOTAL = 10_000, 40_000

#: A line, or a run of white space, that is longer than in code that a person reads. Many lexers look for an end
#: from each of its characters: 4,000 spaces took one for C++ 2.6 s.
_LONG = re.compile(r"[^\n]{1001}|\s{101}")

#: Lexers of Pygments that take over half a second for some text of 10,000 characters without such lines, and the
#: characters of a block that they get: their time grows with the square or the cube of these.
_SLOW = frozenset(
    """
    ApacheConf|AspectJ|Augeas|AutoIt|C#|Ceylon|Cheetah|Crystal|Delphi|Desktop file|Devicetree|Evoque|Fantom|Genshi
    Gosu|Groovy|HTML+Evoque|HTML+UL4|Java|JavaScript+Cheetah|JavaScript+Mako|Javascript+mozpreproc|Kal|Kernel log
    Makefile|MoinMoin/Trac Wiki markup|MoonScript|Nemerle|Org Mode|PEG|Perl6|Ragel in Java Host|SARL|Sed|Soong|TADS 3
    Terraform|Thrift|Transact-SQL|Wikitext|XML+Evoque|XML+Lasso|XML+Mako|XUL+mozpreproc|Xtend|Zeek|autohotkey|tiddler
    urlencoded
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
MAX_SLOW = 1_000

#: Lexers that take most of a second for as much as that, or never come to an end.
_NEVER = frozenset(("LilyPond", "MCSchema", "Systemd", "Typographic Number Theory", "X++"))

_PLAIN = frozenset(("plaintext", "text", "plain"))


def highlighted(text: str, language: str, how: Highlighting, before: int = 0) -> str | None:
    """The code's HTML without a wrapper; None if it is not to be highlighted, or in no language we know.

    The text is the same to the letter, whatever the lexer thinks of it. `before` is how much code of the same text
    has been highlighted already. Rouge's names of languages are in lower case, and no other.
    """
    name = language.split("?", 1)[0]
    if not how.enabled or (name in _PLAIN and not how.guess_lang):
        return None
    if name in _PLAIN:
        return escaped(text)
    lexer = _lexer(name) if name == name.lower() else None
    if lexer is None:
        return None
    most = min(MAX_SLOW if lexer.name in _SLOW else MAX_LENGTH, MAX_TOTAL - before)
    slow = len(text) > most or lexer.name in _NEVER or _LONG.search(text)
    return escaped(text) if slow else _coloured(text, lexer)


def block(code: str, text: str, how: Highlighting) -> str:
    """The wrapper of a block, around the HTML of its text, with a gutter of line numbers if the site wants one."""
    css = how.css_class
    if not how.line_numbers:
        return f'<div class="{css}"><pre class="{css}"><code>{code}</code></pre></div>'
    lines = text.count("\n") + (not text.endswith("\n"))
    numbers = "".join(f"{number}\n" for number in range(how.start_line, how.start_line + lines))
    return (
        f'<div class="{css}"><pre class="{css}"><code><table class="rouge-table"><tbody><tr>'
        f'<td class="rouge-gutter gl"><pre class="lineno">{numbers}</pre></td>'
        f'<td class="rouge-code"><pre>{code}</pre></td></tr></tbody></table></code></pre></div>'
    )


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(maxsize=256)
def _lexer(name: str) -> type[Lexer] | None:
    try:
        return find_lexer_class_by_name(name)
    except ClassNotFound:
        return None


def _coloured(text: str, lexer: type[Lexer]) -> str:
    pieces: list[tuple[str, str]] = []
    for kind, value in lexer(stripnl=False, ensurenl=False).get_tokens(text):
        css = _css(kind)
        if pieces and pieces[-1][0] == css:
            value = pieces.pop()[1] + value
        pieces.append((css, value))
    if "".join(value for _, value in pieces) != text:
        return escaped(text)
    return "".join(
        f'<span class="{css}">{escaped(value)}</span>' if css else escaped(value)
        for css, value in pieces
    )


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")
