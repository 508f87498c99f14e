"""Highlights code with Pygments in the markup of Rouge. Both use the same short class names."""

import re
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

from syndicator.kramdown.escaping import escape_text
from syndicator.kramdown.options import Highlighting

#: Characters of one block, and of all blocks of a text, that are highlighted: some lexers take more
#: than linear time.
MAX_LENGTH = 10_000
MAX_TOTAL = 40_000

#: A line or a run of white space that is longer than in readable code. Many lexers search for an
#: end from each of its characters: the lexer for C++ took 2.6 s for 4,000 spaces.
_LONG = re.compile(r"[^\n]{1001}|\s{101}")

#: Lexers of Pygments that take over half a second for some text of 10,000 characters without such
#: lines. Their time grows with the square or the cube of the length.
_SLOW = frozenset(
    """
    ApacheConf|AspectJ|Augeas|AutoIt|C#|Ceylon|Cheetah|Crystal|Delphi|Desktop file|Devicetree
    Evoque|Fantom|Genshi|Gosu|Groovy|HTML+Evoque|HTML+UL4|Java|JavaScript+Cheetah|JavaScript+Mako
    Javascript+mozpreproc|Kal|Kernel log|Makefile|MoinMoin/Trac Wiki markup|MoonScript|Nemerle
    Org Mode|PEG|Perl6|Ragel in Java Host|SARL|Sed|Soong|TADS 3|Terraform|Thrift|Transact-SQL
    Wikitext|XML+Evoque|XML+Lasso|XML+Mako|XUL+mozpreproc|Xtend|Zeek|autohotkey|tiddler|urlencoded
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
MAX_SLOW = 1_000  #: characters of a block that a slow lexer highlights

#: Lexers that take most of a second for 1,000 characters, or never end. They are not used.
_TOO_SLOW = frozenset(("LilyPond", "MCSchema", "Systemd", "Typographic Number Theory", "X++"))

_PLAIN = frozenset(("plaintext", "text", "plain"))


def highlighted(
    text: str, language: str, options: Highlighting, highlighted_before: int = 0
) -> str | None:
    """The HTML of code, without a wrapper. None if highlighting is off or the language unknown.

    The text itself is never changed, even if the lexer would change it. `highlighted_before` is the
    number of characters of code that were highlighted in the same document. Rouge knows languages
    by names in lower case only.
    """
    name = language.split("?", 1)[0]
    if not options.enabled or (name in _PLAIN and not options.guess_lang):
        return None
    if name in _PLAIN:
        return escape_text(text)
    lexer = _lexer(name) if name == name.lower() else None
    if lexer is None:
        return None
    limit = min(MAX_SLOW if lexer.name in _SLOW else MAX_LENGTH, MAX_TOTAL - highlighted_before)
    slow = len(text) > limit or lexer.name in _TOO_SLOW or _LONG.search(text)
    return escape_text(text) if slow else _highlight(text, lexer)


def block_html(code: str, options: Highlighting) -> str:
    """Wrap the HTML of a block of code.

    Line numbers are left out, whatever the options ask for. Rouge writes them as a column of text,
    which a reader without the site's style sheet shows as part of the text.
    """
    css = options.css_class
    return f'<div class="{css}"><pre class="{css}"><code>{code}</code></pre></div>'


@lru_cache(maxsize=256)
def _lexer(name: str) -> type[Lexer] | None:
    try:
        return find_lexer_class_by_name(name)
    except ClassNotFound:
        return None


def _highlight(text: str, lexer: type[Lexer]) -> str:
    pieces: list[tuple[str, str]] = []
    for kind, value in lexer(stripnl=False, ensurenl=False).get_tokens(text):
        css = _css(kind)
        if pieces and pieces[-1][0] == css:
            value = pieces.pop()[1] + value
        pieces.append((css, value))
    if "".join(value for _, value in pieces) != text:
        return escape_text(text)
    return "".join(
        f'<span class="{css}">{escape_text(value)}</span>' if css else escape_text(value)
        for css, value in pieces
    )


def _css(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")
