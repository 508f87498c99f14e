"""Emphasis, code, links and the other spans of a line.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "un*believ*able 中文**重点**中文 和*强调*。",
        "<p>un<em>believ</em>able 中文<strong>重点</strong>中文 和<em>强调</em>。</p>\n",
        id="emphasis within words and in East Asian text",
    ),
    pytest.param(
        "snake_case_name _em_",
        "<p>snake_case_name <em>em</em></p>\n",
        id="an underscore in a word is an underscore",
    ),
    pytest.param(
        "2 * 3 * 4",
        "<p>2 * 3 * 4</p>\n",
        id="a marker before a space is text",
    ),
    pytest.param(
        "**a*",
        "<p><em>*a</em></p>\n",
        id="unclosed strong is tried as emphasis",
    ),
    pytest.param(
        "***a*** **b *c* d**",
        "<p><strong><em>a</em></strong> <strong>b <em>c</em> d</strong></p>\n",
        id="strong and emphasis",
    ),
    pytest.param(
        "*a **b",
        "<p>*a **b</p>\n",
        id="an unclosed marker is text",
    ),
    pytest.param(
        "`a\nb` ``c ` d`` `&lt;`",
        (
            '<p><code class="language-plaintext highlighter-rouge">a\n'
            'b</code> <code class="language-plaintext highlighter-rouge">c ` d</code> <code '
            'class="language-plaintext highlighter-rouge">&amp;lt;</code></p>\n'
        ),
        id="code keeps its line ends and its entities",
    ),
    pytest.param(
        "a ` b",
        "<p>a ` b</p>\n",
        id="an unclosed tick is a tick",
    ),
    pytest.param(
        ('[a](/b) [c](</d e> "t") [f](/g(h)i \'t\') [j][] [k][J] [l]\n\n[j]: /j "J"\n[l]:\t<>'),
        (
            '<p><a href="/b">a</a> <a href="/d e" title="t">c</a> <a href="/g(h)i" title="t">f</a> '
            '<a href="/j" title="J">j</a> <a href="/j" title="J">k</a> <a href="">l</a></p>\n'
            "\n"
        ),
        id="links",
    ),
    pytest.param(
        "[a] [b][c] [d]()",
        '<p>[a] [b][c] <a href="">d</a></p>\n',
        id="a link without a definition is text",
    ),
    pytest.param(
        "[a]\n\n[a]: /1\n[a]: /2",
        '<p><a href="/2">a</a></p>\n\n',
        id="the last definition of a link wins",
    ),
    pytest.param(
        '![a *b*](/c.png "t"){: width="10"} [![d](/e.png)](/f)',
        (
            '<p><img src="/c.png" alt="a *b*" title="t" width="10" /> <a href="/f"><img '
            'src="/e.png" '
            'alt="d" /></a></p>\n'
        ),
        id="images",
    ),
    pytest.param(
        "![a](/b.png){: standalone .c}",
        (
            '<figure class="c">\n<img src="/b.png" alt="a" '
            "/>\n<figcaption>a</figcaption>\n</figure>\n"
        ),
        id="a picture with a caption",
    ),
    pytest.param(
        "<https://example.org/?a=b&c> https://example.org <me@example.org>",
        (
            '<p><a href="https://example.org/?a=b&amp;c">https://example.org/?a=b&amp;c</a> '
            'https://example.org <a href="mailto:me@example.org">me@example.org</a></p>\n'
        ),
        id="an address in angle brackets is a link, a bare one is not",
    ),
    pytest.param(
        "\\*a\\* \\\\ \\a \\~ \\|",
        "<p>*a* \\ \\a ~ |</p>\n",
        id="escapes",
    ),
    pytest.param(
        "~~a *b*~~ ~~ c~~",
        "<p><del>a <em>b</em></del> ~~ c~~</p>\n",
        id="strikethrough",
    ),
    pytest.param(
        '*a*{:.b #c d="e"} text{:.x} "q"{:.y}',
        '<p><em class="b" id="c" d="e">a</em> text{:.x} “q”</p>\n',
        id="attributes of a span",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Spans have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
