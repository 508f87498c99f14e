"""What a site's configuration changes, the filter `smartify`, and texts of strangers."""

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
            {"hard_wrap": True}, "a\nb", "<p>a<br />\nb</p>\n", id="each end of a line breaks it"
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
            id="kramdown: a list ends no paragraph",
        ),
        pytest.param(
            {"input": "kramdown"}, "~~a~~", "<p>~~a~~</p>\n", id="kramdown: nothing is struck"
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
            id="nonsense is ignored",
        ),
    ],
)
def test_an_option_has_kramdowns_meaning(
    config: dict[str, object], text: str, expected: str
) -> None:
    """Each key below `kramdown:` does what kramdown's own options page says."""
    assert expected == to_html(text, KramdownOptions.from_config(config, None))


def test_the_sites_highlighter_counts_unless_kramdown_names_one() -> None:
    """`highlighter: none` turns colours off; `kramdown: syntax_highlighter:` has the last word."""
    plain = "<p><code>a</code></p>\n"
    assert plain == to_html("`a`", KramdownOptions.from_config({}, "none"))
    assert plain != to_html(
        "`a`", KramdownOptions.from_config({"syntax_highlighter": "rouge"}, "none")
    )


def test_line_numbers_stand_beside_the_code() -> None:
    """With `line_numbers` there is one number for each line, from `start_line` on."""
    config = {"syntax_highlighter_opts": {"block": {"line_numbers": True, "start_line": 3}}}
    html = to_html("```ruby\na\nb\n```", KramdownOptions.from_config(config, None))
    assert '<pre class="lineno">3\n4\n</pre>' in html


def test_code_keeps_its_text_whatever_its_language() -> None:
    """A lexer that would add or drop white space is not believed."""
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
    """Jekyll's filter knows typography and HTML, and no Markdown."""
    assert expected == smartify(text)


def test_smartify_writes_the_quotes_of_the_site() -> None:
    """The filter is kramdown with another parser, so its options count."""
    straight = KramdownOptions.from_config({"smart_quotes": ["apos", "apos", "quot", "quot"]}, None)
    assert smartify('"a" -- it\'s', straight) == '"a" – it\'s'


def test_characters_that_are_none_do_no_harm() -> None:
    """NUL, half a pair of surrogates and numbers beyond Unicode are passed on as they were written, or marked."""
    assert (
        to_html("\0&#0; &#xd800; &#99999999999;", KramdownOptions())
        == "<p>\N{REPLACEMENT CHARACTER}&#0; &#xd800; &#99999999999;</p>\n"
    )


def test_an_attribute_cannot_break_out() -> None:
    """What a text puts into an attribute is escaped there."""
    html = to_html('~~~ a"><b>\nx\n~~~\n\n[a](/b"><i>)', KramdownOptions())
    assert "<b>" not in html
    assert "<i>" not in html
