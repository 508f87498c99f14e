"""Raw HTML: an element ends at its end tag, and malformed tags are shown as text.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "<div>\n*raw*\n\n    raw too\n</div>\n*text*",
        "<div>\n*raw*\n\n    raw too\n</div>\n<p><em>text</em></p>\n",
        id="blank lines do not end an element",
    ),
    pytest.param(
        "<div>x</div> and *text*",
        "<div>x</div>\n<p>and <em>text</em></p>\n",
        id="text after an end tag is a block",
    ),
    pytest.param(
        '<div class="a" markdown="1">\n*text*\n\n* item\n</div>',
        ('<div class="a">\n<p><em>text</em></p>\n\n<ul>\n<li>item</li>\n</ul>\n</div>\n'),
        id='markdown="1" in a block',
    ),
    pytest.param(
        '<p markdown="span">*a*</p>\n\n<em markdown="0">*b*</em>',
        "<p><em>a</em></p>\n\n<p><em>*b*</em></p>\n",
        id='markdown="span" and markdown="0"',
    ),
    pytest.param(
        '<p markdown="1">*a*</p>',
        "<p><em>a</em></p>\n",
        id='markdown="1" on an element of spans',
    ),
    pytest.param(
        "a <b>*b*</b> <u>*c*</u>",
        "<p>a <b><em>b</em></b> <u>*c*</u></p>\n",
        id="spans are read within inline elements",
    ),
    pytest.param(
        "<a href=x.html>a</a>",
        "<p>&lt;a href=x.html&gt;a&lt;/a&gt;</p>\n",
        id="an unquoted value with a dot is text",
    ),
    pytest.param(
        "a</p>\n\n<p>b</p></div>",
        "<p>a&lt;/p&gt;</p>\n\n<p>b</p>\n<p>&lt;/div&gt;</p>\n",
        id="a stray end tag is text",
    ),
    pytest.param(
        "a <div>b</div>",
        "<p>a &lt;div&gt;b&lt;/div&gt;</p>\n",
        id="a block tag in a line of text is text",
    ),
    pytest.param(
        "<div><p>a",
        "<div><p>a\n</p></div>\n",
        id="unclosed elements are closed at the end",
    ),
    pytest.param(
        "<!-- a\n\nb -->\n\ntext <!-- c -->",
        "<!-- a\n\nb -->\n\n<p>text <!-- c --></p>\n",
        id="comments",
    ),
    pytest.param(
        '<script>\nif (a < b && c) "x"\n\n</script>',
        '<script>\nif (a < b && c) "x"\n\n</script>\n\n',
        id="scripts are unchanged",
    ),
    pytest.param(
        '<P ALIGN="center">a<BR>b</P>',
        '<p align="center">a<br />b</p>\n',
        id="names in capitals become lower case",
    ),
    pytest.param(
        '<a href="/x">*x*</a> text',
        '<p><a href="/x"><em>x</em></a> text</p>\n',
        id="an inline tag begins a paragraph",
    ),
    pytest.param(
        "&copy; &nbsp;| &lt; &amp; &#150; &nosuch; AT&T",
        (
            "<table>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>© \N{NO-BREAK SPACE}</td>\n"
            "<td>&lt; &amp; – &amp;nosuch; AT&amp;T</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "</table>\n"
        ),
        id="entities",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Raw HTML is rendered as kramdown renders it."""
    assert expected == to_html(text, OPTIONS)
