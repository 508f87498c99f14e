"""kramdown's options as a value, parsed from a site's settings or from a text."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class Highlighting(Struct, frozen=True, kw_only=True):
    """How code is highlighted: `syntax_highlighter_opts`, one value for blocks, one for spans."""

    enabled: bool = True
    default_lang: str = "plaintext"
    guess_lang: bool = True  #: False: plain text gets no wrapper of the highlighter
    css_class: str = "highlight"


class KramdownOptions(Struct, frozen=True, kw_only=True):
    """The options that change the HTML.

    Defaults are those that Jekyll sets (configuration.rb), else kramdown's own (options.rb).
    """

    input: str = "GFM"  #: or "kramdown"
    auto_ids: bool = True
    auto_id_prefix: str = ""
    #: Entity names or code points.
    smart_quotes: tuple[str, ...] = ("lsquo", "rsquo", "ldquo", "rdquo")
    #: Pairs of a symbol's name and its replacement.
    typographic_symbols: tuple[tuple[str, str], ...] = ()
    footnote_nr: int = 1
    footnote_prefix: str = ""
    footnote_backlink: str = "&#8617;"  #: "": no link back
    footnote_backlink_inline: bool = False
    hard_wrap: bool = False
    toc_levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    header_offset: int = 0
    entity_output: str = "as_char"  #: or "as_input", "symbolic", "numeric"
    parse_block_html: bool = False
    parse_span_html: bool = True
    remove_line_breaks_for_cjk: bool = False
    paragraph_end: bool = True  #: GFM's quirk: a list, quote, heading or fence ends a paragraph
    typographic: bool = True  #: False: GFM's quirk `no_auto_typographic`
    math: bool = True  #: False: `math_engine` is turned off
    syntax_highlighter: str = "rouge"
    block_code: Highlighting = Highlighting()
    span_code: Highlighting = Highlighting()

    @classmethod
    def from_config(cls, kramdown: Mapping[str, Any], highlighter: str | None) -> "KramdownOptions":
        """Parse a site's kramdown options. Unknown keys and invalid values are ignored.

        `highlighter` applies if the options have no `syntax_highlighter`; None means "rouge".
        """
        syntax_highlighter = kramdown.get("syntax_highlighter") or highlighter or "rouge"
        options = cls().updated(kramdown)
        opts = kramdown.get("syntax_highlighter_opts")
        opts = dict(opts) if isinstance(opts, Mapping) else {}
        opts.setdefault("guess_lang", kramdown.get("guess_lang") is not False)
        return replace(
            options,
            syntax_highlighter=str(syntax_highlighter),
            block_code=_highlighting(opts, "block"),
            span_code=_highlighting(opts, "span"),
        )

    def updated(self, values: Mapping[str, Any]) -> "KramdownOptions":
        """A copy with other values, from a site's settings or from `{::options … /}` in a text."""
        changes: dict[str, Any] = {}
        for name, read in _READERS.items():
            if values.get(name) is not None:
                try:
                    changes[name] = read(values[name])
                except (TypeError, ValueError):
                    continue
        if "gfm_quirks" in values:
            quirks = _words(values["gfm_quirks"] or ())
            changes |= {
                "paragraph_end": "paragraph_end" in quirks,
                "typographic": "no_auto_typographic" not in quirks,
            }
        if "math_engine" in values:
            changes["math"] = str(values["math_engine"]).lower() not in _OFF
        return replace(self, **changes) if changes else self

    @property
    def plain_typography(self) -> bool:
        """True if quotes, dashes and entities are written as plain characters."""
        standard = ("lsquo", "rsquo", "ldquo", "rdquo")
        return (
            self.entity_output == "as_char"
            and self.smart_quotes == standard
            and not self.typographic_symbols
        )

    @property
    def gfm(self) -> bool:
        return self.input.upper() == "GFM"


_OFF = ("none", "nil", "false", "", "null")


def _highlighting(opts: Mapping[str, Any], kind: str) -> Highlighting:
    own = opts.get(kind)
    merged = {
        str(key): value
        for key, value in {**opts, **(own if isinstance(own, Mapping) else {})}.items()
    }
    return Highlighting(
        enabled=not merged.get("disable"),
        default_lang=str(merged.get("default_lang") or "plaintext"),
        guess_lang=bool(merged.get("guess_lang")),
        css_class=str(merged.get("css_class", "highlight")),
    )


def _flag(value: Any) -> bool:
    return str(value).strip().lower() not in ("false", "")


def _words(value: Any) -> tuple[str, ...]:
    return tuple(value.split(",")) if isinstance(value, str) else tuple(str(word) for word in value)


def _quotes(value: Any) -> tuple[str, ...]:
    words = tuple(word.strip() for word in _words(value))
    if len(words) != 4:
        raise ValueError("four quotes are needed")
    return words


def _levels(value: Any) -> tuple[int, ...]:
    if isinstance(value, str) and (span := re.fullmatch(r"(\d)\.\.(\d)", value)):
        return tuple(range(int(span[1]), int(span[2]) + 1))
    return tuple(int(level) for level in _words(value))


def _symbols(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(text)) for name, text in dict(value).items())


_READERS: dict[str, Callable[[Any], Any]] = {
    "input": str,
    "auto_ids": _flag,
    "auto_id_prefix": str,
    "smart_quotes": _quotes,
    "typographic_symbols": _symbols,
    "footnote_nr": int,
    "footnote_prefix": str,
    "footnote_backlink": str,
    "footnote_backlink_inline": _flag,
    "hard_wrap": _flag,
    "toc_levels": _levels,
    "header_offset": int,
    "entity_output": lambda value: str(value).lstrip(":"),
    "parse_block_html": _flag,
    "parse_span_html": _flag,
    "remove_line_breaks_for_cjk": _flag,
}
