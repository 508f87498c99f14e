"""The block half of the engine: markdown-it's ruler, fed by position instead of by line.

kramdown's blocks may begin in the middle of a line (after `</div>`), which markdown-it's line tables cannot say.
"""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from markdown_it.parser_block import ParserBlock
from markdown_it.ruler import StateBase
from markdown_it.token import Token

from syndicator.kramdown.attributes import Attributes
from syndicator.kramdown.limits import too_much_work
from syndicator.kramdown.lookahead import Longest, Lookahead
from syndicator.kramdown.options import KramdownOptions

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

#: blocks in blocks; a stranger's text that nests deeper is shown as it is
MAX_DEPTH = 24


@dataclass(slots=True)
class MarkdownDocument:
    """What is known of the whole text, gathered by the blocks and used by the spans."""

    options: KramdownOptions
    effort: int  #: steps left
    links: dict[str, "Definition"] = field(default_factory=dict)
    footnotes: dict[str, Token] = field(default_factory=dict)
    abbreviations: dict[str, "Definition"] = field(default_factory=dict)
    named: dict[str, Attributes] = field(default_factory=dict)
    depth: int = 0
    coloured: int = 0  #: characters of code highlighted so far

    def spend(self, steps: int) -> None:
        """Count work. Raises MarkdownLimitError when no step is left."""
        self.effort -= steps
        if self.effort < 0:
            raise too_much_work()


@dataclass(slots=True)
class Definition:
    """`[id]: target "title"` or `*[id]: title`. The mark is the block that stands in its place."""

    target: str
    title: str | None
    mark: Token


class BlockState(StateBase):
    """A text that is being read, and the blocks found so far."""

    def __init__(
        self, src: str, md: "MarkdownIt", env: MutableMapping[str, Any], tokens: list[Token]
    ) -> None:
        super().__init__(src, md, env)
        self.doc: MarkdownDocument = env["document"]
        self.tokens = tokens
        self.pos = 0
        self.end = len(src)
        self._ahead: Lookahead | None = None
        self.joined: tuple[Token, list[str]] | None = (
            None  #: a paragraph's text, and its parts when it has several
        )
        self.closing_fences: dict[tuple[str, bool], Longest] = {}
        self.no_table = (0, 0)  #: between these places, rows lead to no end of a table
        self.ial: Attributes | None = None  #: an attribute list that waits for the next block
        self.element: Token | None = None  #: the HTML element whose content this is
        self.closed = False  #: its end tag has been read

    @property
    def ahead(self) -> Lookahead:
        """Made when it is asked for: most texts have nothing to look for."""
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
        """Leaves the trace of a block that shows nothing: it parts paragraphs."""
        return self.add("mark", content=kind)

    def after_boundary(self) -> bool:
        if not self.tokens or self.ial:
            return True
        last = self.tokens[-1]
        return last.type == "blank" or (last.type == "mark" and last.content == "end")

    def join(self, inline: Token, text: str) -> None:
        """Add text to a paragraph. `finish_joined` puts it there: a copy for each part would be quadratic."""
        if not self.joined or self.joined[0] is not inline:
            self.finish_joined()
            self.joined = inline, [inline.content]
        self.joined[1].append(text)

    def finish_joined(self) -> None:
        """Give the paragraph that was added to last all of its text."""
        if self.joined:
            inline, parts = self.joined
            inline.content = "".join(parts)
            self.joined = None

    def blocks(self, text: str, into: list[Token]) -> list[Token]:
        """Reads the blocks of a part of the text that has been cut out."""
        self.doc.spend(len(text) // 256)
        return cast("Blocks", self.md.block).parse(text, self.md, self.env, into)


BlockRule = Callable[[BlockState], bool]


def children(token: Token) -> list[Token]:
    """The blocks or spans in it."""
    if token.children is None:
        token.children = []
    return token.children


def spans(text: str) -> Token:
    """A text whose spans are read when all blocks are known."""
    return Token("inline", "", 0, content=text)


class Blocks(ParserBlock):
    """Tries the rules, in their order, where the last block ended."""

    def parse(
        self,
        src: str,
        md: "MarkdownIt",
        env: MutableMapping[str, Any],
        outTokens: list[Token],  # noqa: N803
    ) -> list[Token]:
        state = BlockState(src, md, env, outTokens)
        if state.doc.depth >= MAX_DEPTH:
            state.add("paragraph", "p", [spans(src)])
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
            doc.effort -= 5
            if doc.effort < 0:
                raise too_much_work()
            for rule in prose if state.src[state.pos].isalpha() else rules:
                if rule(state):
                    break
        state.finish_joined()

    def inside(self, state: BlockState, element: Token) -> bool:
        """Reads on as the content of an HTML element; False if its end tag never comes."""
        outer = state.tokens, state.ial, state.element
        state.tokens, state.ial, state.element = children(element), None, element
        state.doc.depth += 1
        self.run(state)
        state.doc.depth -= 1
        state.tokens, state.ial, state.element = outer
        closed, state.closed = state.closed, False
        return closed
