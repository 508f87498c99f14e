"""The span half of the engine.

Spans are read once, from left to right; what never closes is read again as text. markdown-it looks for pairs of
markers afterwards instead, by rules of flanking that kramdown does not have.
"""

import re
from collections.abc import Callable

from markdown_it.token import Token

from syndicator.kramdown.block_engine import MarkdownDocument, children
from syndicator.kramdown.limits import too_much_work
from syndicator.kramdown.lookahead import Longest, Lookahead

MAX_OPEN = 60  #: spans in spans

# one literal at the head of each branch: re then skips all other characters fast
_HEADS = r"\"|'|\*|_|`|<|\[|&|\\|\$|-(?=-)|\.(?=\.\.)|>(?=>)|\n(?<=  \n)|!(?=\[)|~(?=~)|\{(?=:)"
SPECIAL = re.compile(_HEADS)
SPECIAL_IN_LINK = re.compile(rf"\]|{_HEADS}")
TICKS = re.compile("`+")
_ESCAPED_ALWAYS = frozenset(("", "&", "<", ">"))  # the empty one stands for no character at all


class SpanState:
    """A text whose spans are being read, and those found so far."""

    def __init__(
        self, src: str, doc: MarkdownDocument, rules: "Rules", special: re.Pattern[str] = SPECIAL
    ) -> None:
        self.src = src
        self.doc = doc
        self.rules = self.all_rules = rules
        self.special = special
        self._ahead: Lookahead | None = None
        self.unclosed: dict[tuple[str, ...], dict[int, int]] = {}  #: see `Trail`
        self.closed: dict[
            tuple[str, ...], dict[int, int]
        ] = {}  #: where labels in labels end, by where they begin
        self.parentheses: dict[int, int] | None = (
            None  #: where each is closed; set when a link is read
        )
        self.ticks: Longest | None = None  #: set when a code span was not closed
        self.pos = 0
        self.plain = 0  #: since where the text before `pos` has been no span
        self.tokens: list[Token] = []
        self.pending: list[str] = []
        self.open: list[str] = []  #: what is open here, outermost first
        self.raw = False  #: in an element whose content is HTML alone
        self.symbol_end = (
            -1
        )  #: where the last character that is no text to kramdown ended, if it was kept as text
        self.as_text = doc.options.plain_typography

    @property
    def ahead(self) -> Lookahead:
        """Made when it is asked for: most texts have nothing to look for."""
        if self._ahead is None:
            self._ahead = Lookahead(self.src, self.doc.spend)
        return self._ahead

    def text(self, text: str) -> None:
        if text:
            self.pending.append(text)

    def add(self, token: Token) -> Token:
        self.flush()
        self.tokens.append(token)
        return token

    def symbol(
        self, kind: str, content: str, length: int, info: str = "", markup: str = ""
    ) -> None:
        """A quote, a dash, an entity: text in all but name, unless the options want it written otherwise."""
        self.pos += length
        if self.as_text and content not in _ESCAPED_ALWAYS:
            self.pending.append(content)
            self.symbol_end = self.pos
        else:
            self.doc.spend(2)
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

    def closing_ticks(self, ticks: str, pos: int) -> int:
        """Where a code span with these ticks ends; -1 if nowhere."""
        if self.ticks and self.ticks.after(pos) < len(ticks):
            return -1
        end = self.src.find(ticks, pos)
        if end < 0 and not self.ticks:
            self.ticks = Longest((run.start(), len(run[0])) for run in TICKS.finditer(self.src))
        return end

    def inside(self, token: Token, stop: "Stop", special: re.Pattern[str] | None = None) -> bool:
        """Reads on as the content of a span; whether its end was found. Stands before that end then."""
        self.doc.spend(2)
        outer = self.tokens, self.pending, self.special
        self.tokens, self.pending = children(token), []
        self.special = special or self.special
        self.open.append(token.type)
        found = scan(self, stop)
        self.open.pop()
        self.flush()
        self.tokens, self.pending, self.special = outer
        return found


class Trail:
    """The places that a span passes while its end is looked for, each with the brackets open there.

    When the end is never found, a span of the same kind that comes to one of them, with as many brackets open, has
    none either. So what is not closed is read once for each kind, not once for each place where it opens.
    """

    __slots__ = ("_key", "_known", "_lowest", "_passed", "_unclosed")

    def __init__(self, state: SpanState, key: tuple[str, ...]) -> None:
        self._unclosed = state.unclosed
        self._key = key
        self._known = state.unclosed.get(key)
        self._passed: list[tuple[int, int]] = []
        self._lowest = len(state.src) + 1

    def hopeless(self, pos: int, depth: int = 1) -> bool:
        """Note a place. True if no end is found from there."""
        if self._known is not None and (enough := self._known.get(pos, depth + 1)) <= depth:
            self._lowest = depth - enough + 1
            return True
        self._passed.append((pos, depth))
        return False

    def failed(self) -> None:
        """The end was not found: note for each place how many brackets are too many."""
        known = self._unclosed.setdefault(self._key, {})
        lowest = self._lowest
        for pos, depth in reversed(self._passed):
            lowest = min(lowest, depth)
            enough = depth - lowest + 1
            known[pos] = min(known.get(pos, enough), enough)


#: True: the span ends here; None: it ends nowhere
Stop = Callable[[SpanState], bool | None]
Rule = Callable[[SpanState], bool]
Rules = dict[str, tuple[Rule, ...]]


def scan(state: SpanState, stop: Stop | None) -> bool:
    """Reads spans up to where `stop` says, or to the end of the text if there is no such place."""
    src, rules, unused = state.src, state.rules, 0
    doc = state.doc
    while True:
        doc.effort -= 1
        if doc.effort < 0:
            raise too_much_work()
        found = state.special.search(src, state.pos)
        if not found:
            break
        before, state.pos = state.pos, found.start()
        state.plain, unused = before - unused, 0
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
            unused = int(char != "\\")  # a quote after a backslash is as at the start of a text
    if not stop:
        state.text(src[state.pos :])
        state.pos = len(src)
    return False


def parse(text: str, doc: MarkdownDocument, rules: Rules) -> list[Token]:
    state = SpanState(text, doc, rules)
    scan(state, None)
    state.flush()
    return state.tokens
