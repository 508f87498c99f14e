"""markdown-it with the rules of kramdown instead of its own."""

from functools import lru_cache
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.parser_block import RuleFuncBlockType
from markdown_it.ruler import Ruler
from markdown_it.rules_core.state_core import StateCore
from msgspec.structs import replace

from syndicator.kramdown import (
    blocks,
    definitions,
    heading_ids,
    html,
    limits,
    links,
    lists,
    span_html,
    spans,
    spans_of_blocks,
    tables,
    typography,
)
from syndicator.kramdown.abbreviations import Abbreviations
from syndicator.kramdown.block_engine import BlockRule, Blocks, MarkdownDocument
from syndicator.kramdown.footnotes_and_contents import insert_notes_and_contents
from syndicator.kramdown.options import KramdownOptions
from syndicator.kramdown.render import Html, HtmlOutput
from syndicator.kramdown.span_scanner import Rules

#: rules for blocks that may begin with a letter
_PROSE = ("underlined_heading", "table", "paragraph", "lines")
_BLOCKS = (
    ("blank", blocks.blank),
    ("code", blocks.code),
    ("fence", blocks.fence),
    ("quote", blocks.quote),
    ("heading", blocks.heading),
    ("rule", blocks.rule),
    ("list", lists.list_),
    ("definitions", lists.definitions),
    ("html", html.html),
    ("underlined_heading", blocks.underlined_heading),
    ("math", blocks.math),
    ("table", tables.table),
    ("footnote", definitions.footnote),
    ("link", definitions.link),
    ("abbreviation", definitions.abbreviation),
    ("extension", definitions.extension),
    ("end_marker", blocks.end_marker),
    ("paragraph", blocks.paragraph),
)

#: rules for spans by their first character, in the order in which they are tried
SPANS: Rules = {
    "*": (spans.emphasis,),
    "_": (spans.emphasis,),
    "`": (spans.code,),
    "<": (spans.autolink, span_html.html, typography.symbol),
    "[": (spans.footnote, links.link),
    "!": (links.link,),
    '"': (typography.quote,),
    "'": (typography.quote,),
    "$": (spans.math,),
    "{": (spans.extension,),
    "&": (spans.entity,),
    "-": (typography.symbol,),
    ".": (typography.symbol,),
    ">": (typography.symbol,),
    "\n": (spans.line_break,),
    "\\": (typography.symbol, spans.line_break, spans.escape),
    "~": (spans.strikethrough,),
}
#: rules for `render_typography`: quotes, dashes and HTML, without Markdown
_TYPOGRAPHY_SPANS: Rules = {
    '"': (typography.quote,),
    "'": (typography.quote,),
    "&": (spans.entity,),
    "-": (typography.symbol,),
    ".": (typography.symbol,),
    "\\": (typography.symbol,),
    ">": (typography.symbol,),
    "<": (span_html.html, typography.symbol),
}


def render(text: str, options: KramdownOptions) -> str:
    """Render a text as HTML. Raises MarkdownLimitError."""
    return render_with(text, environment(text, options))


def render_with(text: str, env: dict[str, Any]) -> str:
    """Render a text in the state that `environment` made for it. Raises MarkdownLimitError."""
    md = _markdown_parser()
    return insert_notes_and_contents(md.render(text.removeprefix("\ufeff"), env), md, env)


def render_typography(text: str, options: KramdownOptions) -> str:
    """Set a line of text with typographic quotes, dashes and ellipses.

    Raises MarkdownLimitError.
    """
    env = environment(text, replace(options, input="kramdown"), _TYPOGRAPHY_SPANS)
    html: str = _typography_parser().render(text, env)
    return html.removesuffix("\n")


def environment(text: str, options: KramdownOptions, spans: Rules = SPANS) -> dict[str, Any]:
    """The state for one text, with its steps of work.

    Raises MarkdownLimitError for a text that is too long.
    """
    doc = MarkdownDocument(options=options, steps_left=limits.steps_for(len(text)))
    return {"document": doc, "spans": spans, "output": HtmlOutput()}


@lru_cache(maxsize=1)
def _markdown_parser() -> MarkdownIt:
    return _parser(_BLOCKS)


@lru_cache(maxsize=1)
def _typography_parser() -> MarkdownIt:
    return _parser((("html", html.html), ("lines", blocks.lines)))


def _parser(rules: tuple[tuple[str, BlockRule], ...]) -> MarkdownIt:
    """A parser with these block rules. All state is in `environment`, so threads can share it."""
    md = MarkdownIt("zero", renderer_cls=Html)
    md.block = Blocks()
    md.block.ruler = Ruler[RuleFuncBlockType]()
    for name, rule in rules:
        md.block.ruler.push(name, cast("Any", rule), {"alt": ["prose"] if name in _PROSE else []})
    md.core.ruler.enableOnly(["normalize"])
    md.core.ruler.push("kramdown_blocks", _read_blocks)
    md.core.ruler.push("kramdown_spans", _read_spans)
    return md


def _read_blocks(state: StateCore) -> None:
    state.md.block.parse(state.src.removesuffix("\n") + "\n", state.md, state.env, state.tokens)


def _read_spans(state: StateCore) -> None:
    doc: MarkdownDocument = state.env["document"]
    rules: Rules = state.env["spans"]
    spans_of_blocks.read_spans(state.tokens, doc, rules)
    abbreviations = Abbreviations(doc.abbreviations, doc.spend) if doc.abbreviations else None
    if abbreviations:
        abbreviations.mark_up(state.tokens)
    for note in doc.footnotes.values():
        spans_of_blocks.read_spans([note], doc, rules)
        if abbreviations:
            abbreviations.mark_up([note])
    if doc.options.gfm:
        if doc.options.hard_wrap or "\\\n" in state.src:
            spans_of_blocks.add_line_breaks(state.tokens, doc)
        if doc.options.auto_ids:
            heading_ids.add_heading_ids(state.tokens, doc, {})
