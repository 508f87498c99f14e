"""The block half of the engine: markdown-it's ruler, driven by position instead of by line.

kramdown's blocks may begin in the middle of a line (after `</div>`). markdown-it's line tables
have no place for such a block.
"""

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from markdown_it.parser_block import ParserBlock
from markdown_it.ruler import StateBase
from markdown_it.token import Token
from msgspec import Struct, field

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.limits import too_much_work
from syndicator.kramdown.lookahead import LongestRuns, Lookahead
from syndicator.kramdown.options import KramdownOptions

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_DEPTH = 24  #: levels of nested blocks; text that nests deeper becomes a plain paragraph


class MarkdownDocument(Struct):
    """Definitions and counters of the whole text. Blocks fill it, spans use it."""

    options: KramdownOptions
    steps_left: int
    links: dict[str, "Definition"] = field(default_factory=dict)
    footnotes: dict[str, Token] = field(default_factory=dict)
    abbreviations: dict[str, "Definition"] = field(default_factory=dict)
    named_attributes: dict[str, Attributes] = field(default_factory=dict)
    depth: int = 0
    highlighted: int = 0  #: characters of code highlighted so far

    def spend(self, steps: int) -> None:
        """Count steps of work. Raises MarkdownLimitError when none is left."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise too_much_work()


class Definition(Struct):
    """`[id]: target "title"` or `*[id]: title`. `mark` is its invisible token among the blocks."""

    target: str
    title: str | None
    mark: Token


class BlockState(StateBase):
    """A text that is being parsed, with its blocks so far."""

    def __init__(
        self, src: str, md: "MarkdownIt", env: MutableMapping[str, Any], tokens: list[Token]
    ) -> None:
        super().__init__(src, md, env)
        self.doc: MarkdownDocument = env["document"]
        self.tokens = tokens
        self.pos = 0
        self.end = len(src)
        self._ahead: Lookahead | None = None
        #: The inline token of a paragraph that is being extended, and the parts of its text.
        self.open_paragraph: tuple[Token, list[str]] | None = None
        self.closing_fences: dict[tuple[str, bool], LongestRuns] = {}
        self.not_a_table = (0, 0)  #: start and end of rows that are known not to form a table
        self.ial: Attributes | None = None  #: inline attribute list for the next block
        self.element: Token | None = None  #: the HTML element whose content is parsed
        self.closed = False  #: the end tag of `element` has been read

    @property
    def ahead(self) -> Lookahead:
        """Created on first use: most texts need no search."""
        if self._ahead is None:
            self._ahead = Lookahead(self.src, self.doc.spend)
        return self._ahead

    def add(
        self, kind: str, tag: str = "", children: list[Token] | None = None, content: str = ""
    ) -> Token:
        token = Token(kind, tag, 0, children=children, content=content, block=True)
        if self.ial:
            token.meta["ial"] = self.ial
            self.ial = None
        self.tokens.append(token)
        return token

    def mark(self, kind: str) -> Token:
        """Add a token for a block without output. It separates paragraphs."""
        return self.add("mark", content=kind)

    def after_boundary(self) -> bool:
        if not self.tokens or self.ial:
            return True
        last = self.tokens[-1]
        return last.type == "blank" or (last.type == "mark" and last.content == "end")

    def extend_paragraph(self, inline: Token, text: str) -> None:
        """Collect more text of a paragraph until `finish_paragraph`.

        Concatenation for each part would take quadratic time.
        """
        if not self.open_paragraph or self.open_paragraph[0] is not inline:
            self.finish_paragraph()
            self.open_paragraph = inline, [inline.content]
        self.open_paragraph[1].append(text)

    def finish_paragraph(self) -> None:
        """Join the collected parts of the paragraph that was extended last."""
        if self.open_paragraph:
            inline, parts = self.open_paragraph
            inline.content = "".join(parts)
            self.open_paragraph = None

    def parse_blocks(self, text: str, into: list[Token]) -> list[Token]:
        """Parse the blocks of a separate part of the text, such as a list item."""
        self.doc.spend(len(text) // 256)
        return cast("Blocks", self.md.block).parse(text, self.md, self.env, into)


BlockRule = Callable[[BlockState], bool]


def children(token: Token) -> list[Token]:
    """The child tokens, as a list that can be extended."""
    if token.children is None:
        token.children = []
    return token.children


def inline_token(text: str) -> Token:
    """A token of text. Its spans are parsed after all blocks."""
    return Token("inline", "", 0, content=text)


class Blocks(ParserBlock):
    """Parses blocks: tries the rules in order at the end of the last block."""

    def parse(
        self,
        src: str,
        md: "MarkdownIt",
        env: MutableMapping[str, Any],
        outTokens: list[Token],  # noqa: N803
    ) -> list[Token]:
        state = BlockState(src, md, env, outTokens)
        if state.doc.depth >= MAX_DEPTH:
            state.add("paragraph", "p", [inline_token(src)])
            return outTokens
        state.doc.depth += 1
        self.run(state)
        state.doc.depth -= 1
        return outTokens

    def run(self, state: BlockState) -> None:
        rules = cast("list[Any]", self.ruler.getRules(""))
        prose = cast("list[Any]", self.ruler.getRules("prose"))
        doc = state.doc
        while state.pos < state.end and not state.closed:
            doc.steps_left -= 5
            if doc.steps_left < 0:
                raise too_much_work()
            for rule in prose if state.src[state.pos].isalpha() else rules:
                if rule(state):
                    break
        state.finish_paragraph()

    def parse_content(self, state: BlockState, element: Token) -> bool:
        """Parse the content of an HTML element. False if the text ends before its end tag."""
        outer_tokens, outer_ial = state.tokens, state.ial
        outer_element = state.element
        state.tokens, state.ial = children(element), None
        state.element = element
        state.doc.depth += 1
        self.run(state)
        state.doc.depth -= 1
        state.tokens, state.ial = outer_tokens, outer_ial
        state.element = outer_element
        closed, state.closed = state.closed, False
        return closed
