"""Quotes, dashes and ellipses by SmartyPants' rules.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "\"one\" 'two' \"'three'\"",
        "<p>“one” ‘two’ “‘three’”</p>\n",
        id="pairs of quotes",
    ),
    pytest.param(
        "it's the '80s, the dogs' \"bark\"",
        "<p>it’s the ’80s, the dogs’ “bark”</p>\n",
        id="an apostrophe",
    ),
    pytest.param(
        "\"*a*\" '**b**'",
        "<p>“<em>a</em>” ‘<strong>b</strong>’</p>\n",
        id="a quote before emphasis opens, after it closes",
    ),
    pytest.param(
        '*a*", *b*"...',
        "<p><em>a</em>”, <em>b</em>“…</p>\n",
        id="a quote before punctuation closes",
    ),
    pytest.param(
        '("a") --"b" a-"b"',
        "<p>(“a”) –“b” a-“b”</p>\n",
        id="a quote after a bracket or a dash opens",
    ),
    pytest.param(
        '"é" 「"中"」 \'ü\'',
        "<p>“é” 「”中”」 ‘ü’</p>\n",
        id="a quote next to letters that are not ASCII",
    ),
    pytest.param(
        "\"''a' b\" *c*''d'' ''... \"\"e\" f ''g''",
        "<p>”'’a’ b” <em>c</em>'’d’’ ‘‘… ““e” f ‘‘g’’</p>\n",
        id="of two quotes without a text before them, the first may be straight",
    ),
    pytest.param(
        "a -- b --- c... ....",
        "<p>a – b — c… ….</p>\n",
        id="dashes and ellipses",
    ),
    pytest.param(
        "<< a >> <<b>> \\<<c",
        "<p>«\N{NO-BREAK SPACE}a\N{NO-BREAK SPACE}» «b» &lt;&lt;c</p>\n",
        id="guillemets",
    ),
    pytest.param(
        '\\"a\\" `"b"`',
        '<p>"a" <code class="language-plaintext highlighter-rouge">"b"</code></p>\n',
        id="an escaped quote is straight",
    ),
    pytest.param(
        '<span title="a \'b\'">"c"</span>',
        "<p><span title=\"a 'b'\">“c”</span></p>\n",
        id="quotes in code and attributes are unchanged",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Quotes, dashes and ellipses have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
