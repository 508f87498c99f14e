"""Ids of headings, and the table of contents, by the GFM parser's rules.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "# Hello, *World* & `Co`!",
        (
            '<h1 id="hello-world--co">Hello, <em>World</em> &amp; <code class="language-plaintext '
            'highlighter-rouge">Co</code>!</h1>\n'
        ),
        id="an id is the words in lower case with hyphens",
    ),
    pytest.param(
        "# Same\n\n# Same\n\n# Same",
        ('<h1 id="same">Same</h1>\n\n<h1 id="same-1">Same</h1>\n\n<h1 id="same-2">Same</h1>\n'),
        id="the same words again get a number",
    ),
    pytest.param(
        "# 日本語 Überschrift",
        '<h1 id="日本語-überschrift">日本語 Überschrift</h1>\n',
        id="letters of all scripts stay",
    ),
    pytest.param(
        "# Title {#own}\n\n# Other\n{: #other .big}",
        '<h1 id="own">Title</h1>\n\n<h1 id="other" class="big">Other</h1>\n',
        id="an explicit id wins",
    ),
    pytest.param(
        '<div markdown="1">\n# Über 1\n</div>',
        '<div>\n<h1 id="ber-1">Über 1</h1>\n</div>\n',
        id="a heading in HTML gets an ASCII id",
    ),
    pytest.param(
        "* x\n{:toc}\n\n# A\n\n## B *b*\n\n# C\n{:.no_toc}\n\n# [D](/d)",
        (
            '<ul id="markdown-toc">\n'
            '<li><a href="#a" id="markdown-toc-a">A</a><ul>\n'
            '<li><a href="#b-b" id="markdown-toc-b-b">B <em>b</em></a></li>\n'
            "</ul>\n"
            "</li>\n"
            '<li><a href="#d" id="markdown-toc-d">D</a></li>\n'
            "</ul>\n"
            "\n"
            '<h1 id="a">A</h1>\n'
            "\n"
            '<h2 id="b-b">B <em>b</em></h2>\n'
            "\n"
            '<h1 class="no_toc" id="c">C</h1>\n'
            "\n"
            '<h1 id="d"><a href="/d">D</a></h1>\n'
        ),
        id="the list marked toc becomes the table of contents",
    ),
    pytest.param(
        "* x\n{:toc}\n\n### A\n\n# B\n\n## C\n\n## D",
        (
            '<ul id="markdown-toc">\n'
            '<li><a href="#a" id="markdown-toc-a">A</a></li>\n'
            '<li><a href="#b" id="markdown-toc-b">B</a><ul>\n'
            '<li><a href="#c" id="markdown-toc-c">C</a></li>\n'
            '<li><a href="#d" id="markdown-toc-d">D</a></li>\n'
            "</ul>\n"
            "</li>\n"
            "</ul>\n"
            "\n"
            '<h3 id="a">A</h3>\n'
            "\n"
            '<h1 id="b">B</h1>\n'
            "\n"
            '<h2 id="c">C</h2>\n'
            "\n"
            '<h2 id="d">D</h2>\n'
        ),
        id="skipped levels nest too",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Headings have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
