"""kramdown's options, `smartify`, and hostile characters."""

import re
from html import unescape

import pytest

from syndicator.kramdown.to_html import KramdownOptions, smartify, to_html


@pytest.mark.parametrize(
    ("config", "text", "expected"),
    [
        pytest.param({"auto_ids": False}, "# A", "<h1>A</h1>\n", id="no ids"),
        pytest.param(
            {"auto_id_prefix": "x-"}, "# A", '<h1 id="x-a">A</h1>\n', id="a prefix of ids"
        ),
        pytest.param(
            {"hard_wrap": True}, "a\nb", "<p>a<br />\nb</p>\n", id="each line end is a break"
        ),
        pytest.param(
            {"smart_quotes": "apos,apos,quot,quot"},
            '"it\'s"',
            '<p>"it\'s"</p>\n',
            id="straight quotes",
        ),
        pytest.param(
            {"entity_output": "symbolic"},
            '"a" &copy;',
            "<p>&ldquo;a&rdquo; &copy;</p>\n",
            id="entities",
        ),
        pytest.param(
            {"typographic_symbols": {"hellip": "..."}}, "a...", "<p>a...</p>\n", id="symbols"
        ),
        pytest.param(
            {"gfm_quirks": "no_auto_typographic"}, "a--b", "<p>a--b</p>\n", id="no symbols"
        ),
        pytest.param(
            {"input": "kramdown"},
            "a\n* b",
            "<p>a\n* b</p>\n",
            id="kramdown: a list does not end a paragraph",
        ),
        pytest.param(
            {"input": "kramdown"}, "~~a~~", "<p>~~a~~</p>\n", id="kramdown: no strikethrough"
        ),
        pytest.param(
            {"parse_block_html": True},
            "<div>\n*a*\n</div>",
            "<div>\n<p><em>a</em></p>\n</div>\n",
            id="Markdown in HTML",
        ),
        pytest.param(
            {"math_engine": None},
            "a $$b$$",
            '<p>a <span class="kdmath">$b$</span></p>\n',
            id="no mathematics",
        ),
        pytest.param(
            {"syntax_highlighter": "none"}, "`a`", "<p><code>a</code></p>\n", id="no highlighting"
        ),
        pytest.param(
            {"syntax_highlighter_opts": {"span": {"disable": True}}},
            "`a`",
            "<p><code>a</code></p>\n",
            id="no highlighting in lines",
        ),
        pytest.param(
            {"footnote_nr": "x", "toc_levels": "y", "nosuch": 1},
            "a",
            "<p>a</p>\n",
            id="invalid values are ignored",
        ),
    ],
)
def test_an_option_has_kramdowns_meaning(
    config: dict[str, object], text: str, expected: str
) -> None:
    """Each option has the meaning that kramdown documents."""
    assert expected == to_html(text, KramdownOptions.from_config(config, None))


def test_the_sites_highlighter_applies_unless_kramdown_names_one() -> None:
    """`highlighter: none` turns highlighting off, unless `syntax_highlighter` is set."""
    plain = "<p><code>a</code></p>\n"
    assert plain == to_html("`a`", KramdownOptions.from_config({}, "none"))
    assert plain != to_html(
        "`a`", KramdownOptions.from_config({"syntax_highlighter": "rouge"}, "none")
    )


def test_line_numbers_are_left_out() -> None:
    """They are a column of text, which a reader without the style sheet shows as text."""
    config = {"syntax_highlighter_opts": {"block": {"line_numbers": True, "start_line": 3}}}
    code = "```ruby\na\nb\n```"
    assert to_html(code, KramdownOptions.from_config(config, None)) == to_html(
        code, KramdownOptions()
    )


def test_code_keeps_its_text_in_any_language() -> None:
    """White space that a lexer would add or drop is kept as it is."""
    code = "\n\n  x\t= 1 < 2\n\n"
    html = to_html(f"```python\n{code}```", KramdownOptions())
    assert "<span" in html
    assert code in unescape(re.sub("<[^>]*>", "", html))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" -- it\'s...', "“a” – it’s…"),
        ("*a* `b` # c", "*a* `b` # c"),
        ('<b>"a"</b> &amp; AT&T', "<b>“a”</b> &amp; AT&amp;T"),
        ('\\"a"', "\\“a”"),
        ('<div>"a"</div>', '<div>"a"</div>'),
        ("", ""),
    ],
)
def test_smartify_changes_quotes_and_symbols_alone(text: str, expected: str) -> None:
    """`smartify` parses typography and HTML, but not Markdown."""
    assert expected == smartify(text)


def test_smartify_uses_the_options() -> None:
    """`smartify` writes the quotes that the options name."""
    straight = KramdownOptions.from_config({"smart_quotes": ["apos", "apos", "quot", "quot"]}, None)
    assert smartify('"a" -- it\'s', straight) == '"a" – it\'s'


def test_invalid_characters_are_harmless() -> None:
    """NUL is replaced. References to it, to surrogates and beyond Unicode stay as written."""
    assert (
        to_html("\0&#0; &#xd800; &#99999999999;", KramdownOptions())
        == "<p>\N{REPLACEMENT CHARACTER}&#0; &#xd800; &#99999999999;</p>\n"
    )


def test_an_attribute_cannot_break_out() -> None:
    """Text in an attribute is escaped."""
    html = to_html('~~~ a"><b>\nx\n~~~\n\n[a](/b"><i>)', KramdownOptions())
    assert "<b>" not in html
    assert "<i>" not in html
