"""The span half of the engine.

Spans are parsed in one pass from left to right. A span that is never closed is parsed again as
text. markdown-it pairs the markers in a second pass instead, by flanking rules that kramdown does
not have.
"""

import re
from collections.abc import Callable

from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.limits import too_much_work
from syndicator.kramdown.lookahead import LongestRuns, Lookahead

MAX_OPEN = 60  #: levels of nested spans

# Each branch begins with a literal: `re` then skips all other characters fast.
_HEADS = r"\"|'|\*|_|`|<|\[|&|\\|\$|-(?=-)|\.(?=\.\.)|>(?=>)|\n(?<=  \n)|!(?=\[)|~(?=~)|\{(?=:)"
SPECIAL = re.compile(_HEADS)
SPECIAL_IN_LINK = re.compile(rf"\]|{_HEADS}")
TICKS = re.compile("`+")
_ESCAPED_ALWAYS = frozenset(("", "&", "<", ">"))  # "" is an entity without a character


class SpanState:
    """A text whose spans are being parsed, with its spans so far."""

    def __init__(
        self, src: str, doc: MarkdownDocument, rules: "Rules", special: re.Pattern[str] = SPECIAL
    ) -> None:
        self.src = src
        self.doc = doc
        self.rules = self.all_rules = rules
        self.special = special
        self._ahead: Lookahead | None = None
        self.dead_ends: dict[tuple[str, ...], dict[int, int]] = {}  #: see `EndSearch`
        #: The ends of labels in labels, by their start.
        self.label_ends: dict[tuple[str, ...], dict[int, int]] = {}
        #: The end of each parenthesis, by its start. Set by the first link that needs it.
        self.parentheses: dict[int, int] | None = None
        self.tick_runs: LongestRuns | None = None  #: set when a code span is not closed
        self.pos = 0
        self.text_start = 0  #: start of the plain text before `pos`
        self.tokens: list[Token] = []
        self.pending: list[str] = []  #: text for the next token
        self.open: list[str] = []  #: types of the open spans, outermost first
        self.raw = False  #: in an element whose content is HTML without Markdown
        #: The end of the last symbol that was added as text. To kramdown it is a span of its own.
        self.symbol_end = -1
        self.symbols_as_text = doc.options.plain_typography

    @property
    def ahead(self) -> Lookahead:
        """Created on first use: most texts need no search."""
        if self._ahead is None:
            self._ahead = Lookahead(self.src, self.doc.spend)
        return self._ahead

    def add_text(self, text: str) -> None:
        if text:
            self.pending.append(text)

    def add(self, token: Token) -> Token:
        self.flush()
        self.tokens.append(token)
        return token

    def add_symbol(
        self, kind: str, content: str, length: int, info: str = "", markup: str = ""
    ) -> None:
        """Add a quote, a dash or an entity: as text, unless the options ask for another form."""
        self.pos += length
        if self.symbols_as_text and content not in _ESCAPED_ALWAYS:
            self.pending.append(content)
            self.symbol_end = self.pos
        else:
            self.doc.spend(2)
            self.add(Token(kind, "", 0, content=content, info=info, markup=markup))

    def remove_suffix(self, end: str) -> bool:
        """Remove `end` from the text before `pos`. False if the text does not end in it."""
        if not self.pending or not self.pending[-1].endswith(end):
            return False
        self.pending[-1] = self.pending[-1].removesuffix(end)
        return True

    def flush(self) -> None:
        if self.pending:
            if text := "".join(self.pending):
                self.tokens.append(Token("text", "", 0, content=text))
            self.pending.clear()

    def closing_ticks(self, ticks: str, pos: int) -> int:
        """The end of a code span with these ticks; -1 if it is not closed."""
        if self.tick_runs and self.tick_runs.after(pos) < len(ticks):
            return -1
        end = self.src.find(ticks, pos)
        if end < 0 and not self.tick_runs:
            runs = ((run.start(), len(run[0])) for run in TICKS.finditer(self.src))
            self.tick_runs = LongestRuns(runs)
        return end

    def parse_content(
        self, token: Token, stop: "Stop", special: re.Pattern[str] | None = None
    ) -> bool:
        """Parse the content of a span. True if its end was found: `pos` is then before the end."""
        self.doc.spend(2)
        outer_tokens, outer_pending = self.tokens, self.pending
        outer_special = self.special
        self.tokens, self.pending = children(token), []
        self.special = special or self.special
        self.open.append(token.type)
        closed = scan(self, stop)
        self.open.pop()
        self.flush()
        self.tokens, self.pending = outer_tokens, outer_pending
        self.special = outer_special
        return closed


class EndSearch:
    """One search for the end of a span. It records the places it passes, with their open brackets.

    If the search fails, each of these places is a dead end: a later span of the same kind that
    comes to it, with as many brackets open, has no end either. So an unclosed span is parsed once
    for each kind, not once for each place where one opens.
    """

    __slots__ = ("_dead_ends", "_key", "_known", "_lowest", "_passed")

    def __init__(self, state: SpanState, key: tuple[str, ...]) -> None:
        self._dead_ends = state.dead_ends
        self._key = key
        self._known = state.dead_ends.get(key)
        self._passed: list[tuple[int, int]] = []
        self._lowest = len(state.src) + 1

    def is_dead_end(self, pos: int, depth: int = 1) -> bool:
        """True if no end follows this place. Otherwise the place is recorded."""
        if self._known is not None and (enough := self._known.get(pos, depth + 1)) <= depth:
            self._lowest = depth - enough + 1
            return True
        self._passed.append((pos, depth))
        return False

    def failed(self) -> None:
        """Record each passed place as a dead end, with the number of brackets that is too many."""
        known = self._dead_ends.setdefault(self._key, {})
        lowest = self._lowest
        for pos, depth in reversed(self._passed):
            lowest = min(lowest, depth)
            enough = depth - lowest + 1
            known[pos] = min(known.get(pos, enough), enough)


#: True: the span ends here. None: the span has no end. False: the text goes on.
Stop = Callable[[SpanState], bool | None]
Rule = Callable[[SpanState], bool]
Rules = dict[str, tuple[Rule, ...]]


def scan(state: SpanState, stop: Stop | None) -> bool:
    """Parse spans up to the place where `stop` is true, else to the end of the text."""
    src, doc = state.src, state.doc
    rules = state.rules
    unused = 0
    while True:
        doc.steps_left -= 1
        if doc.steps_left < 0:
            raise too_much_work()
        special = state.special.search(src, state.pos)
        if not special:
            break
        before, state.pos = state.pos, special.start()
        state.text_start, unused = before - unused, 0
        if state.pos > before:
            state.pending.append(src[before : state.pos])
        if stop and (stopped := stop(state)) is not False:
            return bool(stopped)
        char = src[state.pos]
        for rule in rules.get(char, ()):
            if rule(state):
                break
        else:
            state.pending.append(char)
            state.pos += 1
            unused = int(char != "\\")  # a quote after a backslash counts as the start of a text
    if not stop:
        state.add_text(src[state.pos :])
        state.pos = len(src)
    return False


def parse(text: str, doc: MarkdownDocument, rules: Rules) -> list[Token]:
    state = SpanState(text, doc, rules)
    scan(state, None)
    state.flush()
    return state.tokens
