"""python-liquid with Jekyll's tags, filters and tolerance of mistakes."""

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

from syndicator.liquid import array_filters, other_filters, plugin_tags, tags, text_filters
from syndicator.liquid.captures import Capture
from syndicator.liquid.context import Context, RenderState
from syndicator.liquid.limits import DEPTH, STEPS, Allowance, LiquidLimitError, range_length
from syndicator.liquid.tokens import tokenize
from syndicator.liquid.values import inspect, is_array, output

#: Tags of a block, and expressions in their markup, that count as a step each time it is rendered.
_PARTS_PER_STEP = 8


_HINT = "correct it: until then the tag is left out, and the text around it stays"


class JekyllEnvironment(Environment):
    """Parses templates. Mistakes are reported to `run`; only exceeded limits are raised."""

    context_depth_limit = DEPTH
    block_nesting_limit = DEPTH

    def __init__(self) -> None:
        super().__init__()
        self.run: RenderState | None = None  #: receives the problems
        self._failed: set[int] = set()  #: positions of tags that can't be parsed
        self._orphans: set[str] = set()  #: names of the end tags and branches of such tags

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Add Jekyll's tags and filters to Liquid's. Remove tags that Jekyll's Liquid lacks."""
        super().setup_tags_and_filters(extra=extra)
        ours = (_Output, _Echo, _Cycle, _For, _Tablerow, _UnknownTag, Capture)
        for tag in (*ours, *tags.TAGS, *plugin_tags.TAGS):
            self.add_tag(tag)
        for name in ("render", "doc", "liquid"):
            del self.tags[name]
        self.tags = {name: _TolerantTag(tag, self) for name, tag in self.tags.items()}  # type: ignore[misc]
        self.filters = {**text_filters.FILTERS, **array_filters.FILTERS, **other_filters.FILTERS}

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """A tokenizer that works as Ruby's."""
        return partial(
            tokenize, report=self.error, count=self._count, count_repaired=self._count_repaired
        )

    def _count(self, markup: str) -> None:
        if self.run:
            self.run.meter.count_tag(markup)

    def _count_repaired(self, markup: str) -> None:
        if self.run:
            self.run.meter.count_repaired(markup)

    def parse_nodes(self, source: str) -> list[Node]:
        """Parse a text, once in a run. Raises LiquidLimitError for too many or too deep tags."""
        parsed = self.run.parsed if self.run else {}
        if source not in parsed:
            self._failed.clear()
            self._orphans.clear()
            parsed[source] = _with_cost(self._parse(source))
        return parsed[source]

    def error(self, exc: Any, msg: str | None = None, token: Token | None = None) -> None:
        """Report a mistake. Raises only exceeded limits, which end the run."""
        if not isinstance(exc, LiquidError):
            exc = exc(msg, token=token)
        if isinstance(exc, ResourceLimitError):
            raise exc
        if self.run:
            hint = getattr(exc, "hint", None) or _HINT
            self.run.report(exc.message or "can't be parsed", exc.token or token, hint)

    def parse_tag(self, tag: Tag, stream: TokenStream) -> Node:
        """Parse a tag. One that can't be parsed is skipped, and its content stays.

        Each tag is tried once: otherwise a text of unclosed tags would be parsed again for each.
        """
        start, depth = stream.pos, stream.block_depth
        token = stream.current
        if start not in self._failed:
            try:
                node = tag.parse(stream)
                for block in _blocks(node):
                    block.nodes = _with_cost(block.nodes)
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
        return _SkippedTag(token)

    def is_orphan(self, name: str) -> bool:
        """Whether a tag is the end or a branch of a skipped tag."""
        return name in self._orphans


_BRANCHES = {
    "if": ("elsif", "else"),
    "unless": ("elsif", "else"),
    "case": ("when", "else"),
    "for": ("else",),
}


class _SkippedTag(IllegalNode):
    """Replaces a tag that can't be parsed."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return 0


class _BlockCost(Node):
    """Counts the steps of a block, before its nodes.

    It covers the nodes and expressions that no look-up, filter or output counts.
    """

    def __init__(self, token: Token, steps: int) -> None:
        super().__init__(token)
        self.steps = steps

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        assert isinstance(context, Context)
        context.run.meter.spend(self.steps)
        return 0


def _with_cost(nodes: list[Node]) -> list[Node]:
    """Put a `_BlockCost` before the nodes.

    Without it, a loop of comments or of comparisons between numbers would not be counted.
    """
    parts = len(nodes) + sum(_expressions(node) for node in nodes)
    steps = parts // _PARTS_PER_STEP + sum(isinstance(node, CaseNode) for node in nodes)
    return [_BlockCost(nodes[0].token, steps), *nodes] if steps else nodes


def _children(node: Node) -> Iterable[Node]:
    # No node here uses the context.
    return node.children(None, include_partials=False)  # type: ignore[arg-type]


def _blocks(node: Node) -> list[BlockNode]:
    """The blocks of a tag and of its branches."""
    nodes = list(_children(node))
    for branch in list(nodes):
        if isinstance(branch, (ConditionalBlockNode, MultiExpressionBlockNode)):
            nodes.append(branch.block)
    return [block for block in nodes if isinstance(block, BlockNode)]


def _expressions(node: Node) -> int:
    """The number of expressions of a tag and of its branches."""
    branches = [
        one
        for one in _children(node)
        if isinstance(one, (ConditionalBlockNode, MultiExpressionBlockNode))
    ]
    remaining = [one for each in (node, *branches) for one in each.expressions()]
    count = 0
    while remaining:
        count += 1
        remaining.extend(remaining.pop().children())
    return count


class _TolerantTag:
    """A tag whose parsing never fails."""

    def __init__(self, tag: Tag, environment: JekyllEnvironment) -> None:
        self.tag = tag
        self.environment = environment

    def get_node(self, stream: TokenStream) -> Node:
        return self.environment.parse_tag(self.tag, stream)


class _UnknownTag(Tag):
    """An unknown tag: a plugin's, a typo, or an end tag without its start. The tag is left out."""

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
                    "correct its name or remove it: the tag is left out, its content stays",
                )
            self.env._orphans.add(f"end{token.value}")
        return _SkippedTag(token)


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        assert isinstance(context, Context)
        context.run.meter.count_value(value)
        return buffer.write(output(value))


class _Output(Output):
    node_class = _OutputNode


class _Echo(EchoTag):
    node_class = _OutputNode  # type: ignore[assignment]


class _CycleNode(CycleNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Reject large values before python-liquid joins them all as the name of the cycle."""
        assert isinstance(context, Context)
        allowance = Allowance()
        for expression in self.expressions():
            context.run.meter.spend(len(inspect(expression.evaluate(context), allowance)) // 64)
        return super().render_to_output(context, buffer)


class _Cycle(CycleTag):
    node_class = _CycleNode


class _LimitedLoop(LoopExpression):
    """A loop over any array, with a limited range."""

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[Any], int]:
        if isinstance(obj, range) and range_length(obj) > STEPS:
            message = f"the Liquid has a range of more than {STEPS:,} numbers (an endless loop?)"
            raise LiquidLimitError(message, token=self.token)
        if is_array(obj):
            return iter(obj), len(obj)  # type: ignore[call-overload, arg-type]
        return super()._to_iter(obj, context)

    def _to_int(self, obj: object, *, token: Token) -> int:
        return 0 if obj is None else super()._to_int(obj, token=token)


def _limited(loop: LoopExpression) -> _LimitedLoop:
    return _LimitedLoop(
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
