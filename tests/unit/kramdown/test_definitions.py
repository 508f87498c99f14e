"""Footnotes, abbreviations, attribute lists and extensions.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "b[^b] a[^a]\n\n[^a]: First.\n[^b]: Second.",
        (
            '<p>b<sup id="fnref:b" role="doc-noteref"><a href="#fn:b" class="footnote" '
            'rel="footnote">1</a></sup> a<sup id="fnref:a" role="doc-noteref"><a href="#fn:a" '
            'class="footnote" rel="footnote">2</a></sup></p>\n'
            "\n"
            '<div class="footnotes" role="doc-endnotes">\n'
            "<ol>\n"
            '<li id="fn:b" role="doc-endnote">\n'
            '<p>Second.\N{NO-BREAK SPACE}<a href="#fnref:b" class="reversefootnote" '
            'role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            '<li id="fn:a" role="doc-endnote">\n'
            '<p>First.\N{NO-BREAK SPACE}<a href="#fnref:a" class="reversefootnote" '
            'role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            "</ol>\n"
            "</div>\n"
        ),
        id="a footnote is numbered by its first use and links back",
    ),
    pytest.param(
        "a[^1] b[^1]\n\n[^1]: Note.",
        (
            '<p>a<sup id="fnref:1" role="doc-noteref"><a href="#fn:1" class="footnote" '
            'rel="footnote">1</a></sup> b<sup id="fnref:1:1" role="doc-noteref"><a href="#fn:1" '
            'class="footnote" rel="footnote">1</a></sup></p>\n'
            "\n"
            '<div class="footnotes" role="doc-endnotes">\n'
            "<ol>\n"
            '<li id="fn:1" role="doc-endnote">\n'
            '<p>Note.\N{NO-BREAK SPACE}<a href="#fnref:1" class="reversefootnote" '
            'role="doc-backlink">&#8617;</a>'
            '\N{NO-BREAK SPACE}<a href="#fnref:1:1" class="reversefootnote" '
            'role="doc-backlink">&#8617;<sup>2</sup></a></p>\n'
            "</li>\n"
            "</ol>\n"
            "</div>\n"
        ),
        id="each use has its own link back",
    ),
    pytest.param(
        "a[^1]\n\n[^1]: Para.\n\n    * list",
        (
            '<p>a<sup id="fnref:1" role="doc-noteref"><a href="#fn:1" class="footnote" '
            'rel="footnote">1</a></sup></p>\n'
            "\n"
            '<div class="footnotes" role="doc-endnotes">\n'
            "<ol>\n"
            '<li id="fn:1" role="doc-endnote">\n'
            "<p>Para.</p>\n"
            "\n"
            "<ul>\n"
            "<li>list</li>\n"
            "</ul>\n"
            '<p><a href="#fnref:1" class="reversefootnote" role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            "</ol>\n"
            "</div>\n"
        ),
        id="a footnote of several blocks",
    ),
    pytest.param(
        "a[^1]\n\n[^1]: b[^2]\n[^2]: c",
        (
            '<p>a<sup id="fnref:1" role="doc-noteref"><a href="#fn:1" class="footnote" '
            'rel="footnote">1</a></sup></p>\n'
            "\n"
            '<div class="footnotes" role="doc-endnotes">\n'
            "<ol>\n"
            '<li id="fn:1" role="doc-endnote">\n'
            '<p>b<sup id="fnref:2" role="doc-noteref"><a href="#fn:2" class="footnote" '
            'rel="footnote">2</a></sup>\N{NO-BREAK SPACE}<a href="#fnref:1" '
            'class="reversefootnote" '
            'role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            '<li id="fn:2" role="doc-endnote">\n'
            '<p>c\N{NO-BREAK SPACE}<a href="#fnref:2" class="reversefootnote" '
            'role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            "</ol>\n"
            "</div>\n"
        ),
        id="a footnote within a footnote",
    ),
    pytest.param(
        "a[^2]\n\n[^1]: b",
        "<p>a[^2]</p>\n\n",
        id="an unused footnote is not shown, an undefined one is text",
    ),
    pytest.param(
        "a[^1]\n\n* x\n{:footnotes}\n\nb\n\n[^1]: n",
        (
            '<p>a<sup id="fnref:1" role="doc-noteref"><a href="#fn:1" class="footnote" '
            'rel="footnote">1</a></sup></p>\n'
            "\n"
            '<div class="footnotes" role="doc-endnotes">\n'
            "<ol>\n"
            '<li id="fn:1" role="doc-endnote">\n'
            '<p>n\N{NO-BREAK SPACE}<a href="#fnref:1" class="reversefootnote" '
            'role="doc-backlink">&#8617;</a></p>\n'
            "</li>\n"
            "</ol>\n"
            "</div>\n"
            "\n"
            "<p>b</p>\n"
            "\n"
        ),
        id="footnotes replace a list marked footnotes",
    ),
    pytest.param(
        "HTML, XHTML and HTML5: HTML\n\n*[HTML]: Hyper Text",
        (
            '<p><abbr title="Hyper Text">HTML</abbr>, XHTML and HTML5: <abbr title="Hyper '
            'Text">HTML</abbr></p>\n\n'
        ),
        id="abbreviations",
    ),
    pytest.param(
        '{:.a}\nfirst\n\nsecond\n{: #b .c title="d \\"e\\""}',
        ('<p class="a">first</p>\n\n<p id="b" class="c" title="d &quot;e&quot;">second</p>\n'),
        id="attributes of a block, before or after it",
    ),
    pytest.param(
        '{:note: .note title="n"}\n\ntext\n{:note .x}',
        '\n<p class="note x" title="n">text</p>\n',
        id="named attributes",
    ),
    pytest.param(
        ("{::comment}\n*a*\n{:/comment}\n\n{::nomarkdown}\n*b*\n{:/}\n\nc {::nomarkdown}*d*{:/} e"),
        "<!-- *a* -->\n\n*b*\n\n<p>c *d* e</p>\n",
        id="a comment and raw text",
    ),
    pytest.param(
        '{::options auto_ids="false" /}\n\n# Title',
        "\n<h1>Title</h1>\n",
        id="options within a text",
    ),
    pytest.param(
        "{::nosuch}\na\n{:/}",
        "<p>{::nosuch}\na\n{:/}</p>\n",
        id="an unknown extension is text",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Definitions and extensions have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
