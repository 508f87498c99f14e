"""python-liquid set up as Jekyll's Liquid: its tags, its filters, its tolerance."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TextIO

from liquid import Environment, Node, RenderContext, Tag, Token, TokenStream
from liquid.ast import BlockNode, ConditionalBlockNode, IllegalNode
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.cycle_tag import CycleNode, CycleTag
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.token import TOKEN_EXPRESSION, TOKEN_ILLEGAL

from syndicator.liquid import array_filters, other_filters, tags, text_filters
from syndicator.liquid.context import Context, RenderState
from syndicator.liquid.limits import DEPTH, STEPS, Allowance, LiquidLimitError, length
from syndicator.liquid.tokens import tokenize
from syndicator.liquid.values import inspect, is_array, output

#: Tags of a block, and parts of their conditions and arguments, that cost a step each time.
_PARTS_A_STEP = 8


class JekyllEnvironment(Environment):
    """What it finds wrong while it parses goes to the run it is given; only limits are raised."""

    context_depth_limit = DEPTH
    block_nesting_limit = DEPTH

    def __init__(self) -> None:
        super().__init__()
        self.run: RenderState | None = None  #: whose problems they are
        self._failed: set[int] = set()  #: where in the text a tag was given up
        self._orphans: set[str] = set()  #: ends and branches of those

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Jekyll's own beside Liquid's, without those that Ruby's Liquid of Jekyll has no use for."""
        super().setup_tags_and_filters(extra=extra)
        for tag in (_Output, _Echo, _Cycle, _For, _Tablerow, _Unknown, *tags.TAGS):
            self.add_tag(tag)
        for name in ("render", "doc", "liquid"):
            del self.tags[name]
        self.tags = {name: _Tolerant(tag, self) for name, tag in self.tags.items()}  # type: ignore[misc]
        self.filters = {**text_filters.FILTERS, **array_filters.FILTERS, **other_filters.FILTERS}

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """Ruby's way to cut a text."""
        return partial(
            tokenize, report=self.error, count=self._count, count_mended=self._count_mended
        )

    def _count(self, markup: str) -> None:
        if self.run:
            self.run.meter.parse(markup)

    def _count_mended(self, markup: str) -> None:
        if self.run:
            self.run.meter.mended(markup)

    def parse_nodes(self, source: str) -> list[Node]:
        """The tree of a text, parsed once in a run. Raises LiquidLimitError for too many tags, or blocks too deep."""
        known = self.run.parsed if self.run else {}
        if source not in known:
            self._failed.clear()
            self._orphans.clear()
            known[source] = _counted(self._parse(source))
        return known[source]

    def error(self, exc: Any, msg: str | None = None, token: Token | None = None) -> None:
        """Report what is wrong, and go on; a limit ends the whole run."""
        if not isinstance(exc, LiquidError):
            exc = exc(msg, token=token)
        if isinstance(exc, ResourceLimitError):
            raise exc
        if self.run:
            self.run.report(exc.message or "can't be read", exc.token or token)

    def parse_tag(self, tag: Tag, stream: TokenStream) -> Node:
        """Parse a tag; one that can't be is given up, and what it encloses stays.

        Each is tried once: else a text of unclosed tags would be read again for each of them.
        """
        start, depth, token = stream.pos, stream.block_depth, stream.current
        if start not in self._failed:
            try:
                node = tag.parse(stream)
                for block in _blocks(node):
                    block.nodes = _counted(block.nodes)
                return node
            except LiquidError as error:
                error.token = (
                    token if error.token is None or error.token.start_index < 0 else error.token
                )
                self.error(error)
        self._failed.add(start)
        self._orphans.update((f"end{token.value}", *_BRANCHES.get(token.value, ())))
        stream.pos, stream.block_depth = start, depth
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
        return _Nothing(token)

    def is_orphan(self, name: str) -> bool:
        """Whether a tag is the end or a branch of one that was given up."""
        return name in self._orphans


_BRANCHES = {
    "if": ("elsif", "else"),
    "unless": ("elsif", "else"),
    "case": ("when", "else"),
    "for": ("else",),
}


class _Nothing(IllegalNode):
    """Stands where a tag was given up."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return 0


class _Cost(Node):
    """Stands before the nodes of a block, and counts what no look-up, filter or output of theirs does."""

    def __init__(self, token: Token, steps: int) -> None:
        super().__init__(token)
        self.steps = steps

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        context.run.meter.spend(self.steps)
        return 0


def _counted(nodes: list[Node]) -> list[Node]:
    """The nodes, after what counts them: else a loop of comments, or of numbers compared to numbers, is free."""
    parts = len(nodes) + sum(_expressions(node) for node in nodes)
    steps = parts // _PARTS_A_STEP + sum(isinstance(node, CaseNode) for node in nodes)
    return [_Cost(nodes[0].token, steps), *nodes] if steps else nodes


def _children(node: Node) -> Iterable[Node]:
    return node.children(None, include_partials=False)  # type: ignore[arg-type]  # no node here asks for a context


def _blocks(node: Node) -> list[BlockNode]:
    """The blocks of a tag, with those of its branches."""
    found = list(_children(node))
    for branch in list(found):
        if isinstance(branch, (ConditionalBlockNode, MultiExpressionBlockNode)):
            found.append(branch.block)
    return [block for block in found if isinstance(block, BlockNode)]


def _expressions(node: Node) -> int:
    """How many expressions a tag has, with those of its branches."""
    branches = [
        one
        for one in _children(node)
        if isinstance(one, (ConditionalBlockNode, MultiExpressionBlockNode))
    ]
    todo = [one for each in (node, *branches) for one in each.expressions()]
    count = 0
    while todo:
        count += 1
        todo.extend(todo.pop().children())
    return count


class _Tolerant:
    """A tag as the parser sees it: it never fails."""

    def __init__(self, tag: Tag, environment: JekyllEnvironment) -> None:
        self.tag = tag
        self.environment = environment

    def get_node(self, stream: TokenStream) -> Node:
        return self.environment.parse_tag(self.tag, stream)


class _Unknown(Tag):
    """A tag nobody knows: a plugin's, a typo, or an end without a beginning. Its own text is left out."""

    name = TOKEN_ILLEGAL
    block = False
    env: JekyllEnvironment

    def parse(self, stream: TokenStream) -> Node:
        token = stream.current
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
        if not self.env.is_orphan(token.value):
            if self.env.run:
                self.env.run.report(
                    f"unknown tag '{token.value}'",
                    token,
                    "it is left out, and what it encloses stays",
                )
            self.env._orphans.add(f"end{token.value}")
        return _Nothing(token)


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        assert isinstance(context, Context)
        context.run.meter.weigh(value)
        return buffer.write(output(value))


class _Output(Output):
    node_class = _OutputNode


class _Echo(EchoTag):
    node_class = _OutputNode  # type: ignore[assignment]


class _CycleNode(CycleNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Refuse values that are too large, before python-liquid makes a text of them all as the cycle's name."""
        assert isinstance(context, Context)
        left = Allowance()
        for expression in self.expressions():
            context.run.meter.spend(len(inspect(expression.evaluate(context), left)) // 64)
        return super().render_to_output(context, buffer)


class _Cycle(CycleTag):
    node_class = _CycleNode


class _Loop(LoopExpression):
    """A loop over anything, not too far."""

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[Any], int]:
        if isinstance(obj, range) and length(obj) > STEPS:
            raise LiquidLimitError("the Liquid counts too far: an endless loop?", token=self.token)
        if is_array(obj):
            return iter(obj), len(obj)  # type: ignore[call-overload, arg-type]
        return super()._to_iter(obj, context)

    def _to_int(self, obj: object, *, token: Token) -> int:
        return 0 if obj is None else super()._to_int(obj, token=token)


def _limited(loop: LoopExpression) -> _Loop:
    return _Loop(
        loop.token,
        loop.identifier,
        loop.iterable,
        limit=loop.limit,
        offset=loop.offset,
        reversed_=loop.reversed,
        cols=loop.cols,
    )


class _ForNode(ForNode):
    def __init__(self, token: Token, expression: LoopExpression, *rest: Any, **named: Any) -> None:
        super().__init__(token, _limited(expression), *rest, **named)


class _For(ForTag):
    node_class = _ForNode


class _TablerowNode(TablerowNode):
    def __init__(self, token: Token, expression: LoopExpression, *rest: Any, **named: Any) -> None:
        super().__init__(token, _limited(expression), *rest, **named)


class _Tablerow(TablerowTag):
    node_class = _TablerowNode
