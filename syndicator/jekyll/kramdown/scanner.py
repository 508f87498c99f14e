"""The span half of the engine.

Spans are read once, from left to right; what never closes is read again as text. markdown-it looks for pairs of
markers afterwards instead, by rules of flanking that kramdown does not have.
"""

import re
from collections.abc import Callable

from markdown_it.token import Token

from syndicator.jekyll.kramdown.engine import Document, children

MAX_OPEN = 60  #: spans in spans

# one literal at the head of each branch: re then skips all other characters fast
_HEADS = r"\"|'|\*|_|`|<|\[|&|\\|\$|-(?=-)|\.(?=\.\.)|>(?=>)|\n(?<=  \n)|!(?=\[)|~(?=~)|\{(?=:)"
SPECIAL = re.compile(_HEADS)
SPECIAL_IN_LINK = re.compile(rf"\]|{_HEADS}")
_ESCAPED_ALWAYS = frozenset(("", "&", "<", ">"))  # the empty one stands for no character at all


class SpanState:
    """A text whose spans are being read, and those found so far."""

    def __init__(self, src: str, doc: Document, rules: "Rules", special: re.Pattern[str] = SPECIAL) -> None:
        self.src = src
        self.doc = doc
        self.rules = self.all_rules = rules
        self.special = special
        self.pos = 0
        self.plain = 0  #: since where the text before `pos` has been no span
        self.tokens: list[Token] = []
        self.pending: list[str] = []
        self.open: list[str] = []  #: what is open here, outermost first
        self.raw = False  #: in an element whose content is HTML alone
        self.symbol_end = -1  #: where the last character that is no text to kramdown ended, if it was kept as text
        self.as_text = doc.options.plain_typography

    def text(self, text: str) -> None:
        if text:
            self.pending.append(text)

    def add(self, token: Token) -> Token:
        self.flush()
        self.tokens.append(token)
        return token

    def symbol(self, kind: str, content: str, length: int, info: str = "", markup: str = "") -> None:
        """A quote, a dash, an entity: text in all but name, unless the options want it written otherwise."""
        self.pos += length
        if self.as_text and content not in _ESCAPED_ALWAYS:
            self.pending.append(content)
            self.symbol_end = self.pos
        else:
            self.add(Token(kind, "", 0, content=content, info=info, markup=markup))

    def take_back(self, end: str) -> bool:
        """Takes the end of the text before `pos` away, if it is this."""
        if not self.pending or not self.pending[-1].endswith(end):
            return False
        self.pending[-1] = self.pending[-1].removesuffix(end)
        return True

    def flush(self) -> None:
        if self.pending:
            if text := "".join(self.pending):
                self.tokens.append(Token("text", "", 0, content=text))
            self.pending.clear()

    def fail(self, speed: int = 50) -> bool:
        """A look ahead to the end of the text found nothing. The speed is in characters for a step of effort."""
        return self.doc.fail((len(self.src) - self.pos) // speed)

    def inside(self, token: Token, stop: "Stop", special: re.Pattern[str] | None = None) -> bool:
        """Reads on as the content of a span; whether its end was found. Stands before that end then."""
        outer = self.tokens, self.pending, self.special
        self.tokens, self.pending = children(token), []
        self.special = special or self.special
        self.open.append(token.type)
        found = scan(self, stop)
        self.open.pop()
        self.flush()
        self.tokens, self.pending, self.special = outer
        return found


Stop = Callable[[SpanState], bool]
Rule = Callable[[SpanState], bool]
Rules = dict[str, tuple[Rule, ...]]


def scan(state: SpanState, stop: Stop | None) -> bool:
    """Reads spans up to where `stop` says, or to the end of the text if there is no such place."""
    src, rules, unused = state.src, state.rules, 0
    while state.doc.effort > 0:
        state.doc.effort -= 1
        found = state.special.search(src, state.pos)
        if not found:
            break
        before, state.pos = state.pos, found.start()
        state.plain, unused = before - unused, 0
        if state.pos > before:
            state.pending.append(src[before : state.pos])
        if stop and stop(state):
            return True
        char = src[state.pos]
        for rule in rules.get(char, ()):
            if rule(state):
                break
        else:
            state.pending.append(char)
            state.pos += 1
            unused = int(char != "\\")  # a quote after a backslash is as at the start of a text
    if not stop:
        state.text(src[state.pos :])
        state.pos = len(src)
    return False


def parse(text: str, doc: Document, rules: Rules) -> list[Token]:
    state = SpanState(text, doc, rules)
    scan(state, None)
    state.flush()
    return state.tokens
