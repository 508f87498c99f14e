"""Paragraphs, headings, code, quotes, rules and mathematics, as kramdown renders them.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "one\ntwo\n\nthree",
        "<p>one\ntwo</p>\n\n<p>three</p>\n",
        id="lines of a paragraph keep their ends",
    ),
    pytest.param(
        "one  \ntwo\\\\\nthree",
        "<p>one<br />\ntwo<br />\nthree</p>\n",
        id="two spaces or two backslashes at the end of a line break it",
    ),
    pytest.param(
        "one\\\ntwo",
        "<p>one<br />\ntwo</p>\n",
        id="GFM: a backslash at the end of a line breaks it",
    ),
    pytest.param(
        "text\n* item\n\ntext\n> quote\n\ntext\n# Heading",
        (
            "<p>text</p>\n"
            "<ul>\n"
            "<li>item</li>\n"
            "</ul>\n"
            "\n"
            "<p>text</p>\n"
            "<blockquote>\n"
            "<p>quote</p>\n"
            "</blockquote>\n"
            "\n"
            "<p>text</p>\n"
            '<h1 id="heading">Heading</h1>\n'
        ),
        id="a list, a quote, a heading or a fence ends a paragraph",
    ),
    pytest.param(
        "```\ncode",
        "<p>```\ncode</p>\n",
        id="an unclosed fence is text",
    ),
    pytest.param(
        "```ruby linenos\nx\n```",
        ('<p><code class="language-plaintext highlighter-rouge">ruby linenos\nx\n</code></p>\n'),
        id="a fence with two words is a code span",
    ),
    pytest.param(
        "#tag",
        "<p>#tag</p>\n",
        id="a number sign without a space is text",
    ),
    pytest.param(
        "## Title ##",
        '<h2 id="title">Title</h2>\n',
        id="closing number signs are dropped",
    ),
    pytest.param(
        "Title\n=====\n\none\ntwo\n---",
        '<h1 id="title">Title</h1>\n\n<p>one\ntwo\n—</p>\n',
        id="an underlined heading needs a blank line before it and has one line",
    ),
    pytest.param(
        "> one\ntwo\n\n> three",
        (
            "<blockquote>\n<p>one\ntwo</p>\n</blockquote>\n\n<blockquote>\n<p>three</p>\n</blockquote>\n"
        ),
        id="a quote continues without its marker up to a blank line",
    ),
    pytest.param(
        "    code\nmore\n\ntext",
        (
            '<div class="language-plaintext highlighter-rouge"><div class="highlight"><pre '
            'class="highlight"><code>code more\n'
            "</code></pre></div>\n"
            "</div>\n"
            "\n"
            "<p>text</p>\n"
        ),
        id="indented code includes the unindented lines after it",
    ),
    pytest.param(
        "one\n\n* * *\n\ntwo",
        "<p>one</p>\n\n<hr />\n\n<p>two</p>\n",
        id="three markers are a rule",
    ),
    pytest.param(
        "$$\na < b\n$$\n\nAnd $$x^2$$ here.",
        "\\[a &lt; b\\]\n\n<p>And \\(x^2\\) here.</p>\n",
        id="mathematics is left as MathJax reads it",
    ),
    pytest.param(
        "It costs $5, or $$.",
        "<p>It costs $5, or $$.</p>\n",
        id="a single dollar is text",
    ),
    pytest.param(
        "* one\n^\n* two",
        "<ul>\n<li>one</li>\n</ul>\n<ul>\n<li>two</li>\n</ul>\n",
        id="a circumflex ends a list",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Blocks have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
