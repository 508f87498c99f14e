"""Lists by kramdown's indents: the text of an item begins at the column after its marker.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "* one\n* two",
        "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n",
        id="items without blank lines have no p element",
    ),
    pytest.param(
        "* one\n\n* two",
        "<ul>\n<li>\n<p>one</p>\n</li>\n<li>\n<p>two</p>\n</li>\n</ul>\n",
        id="items with a blank line between them have a p element",
    ),
    pytest.param(
        "* one\n* two\n\n  more",
        "<ul>\n<li>one</li>\n<li>\n<p>two</p>\n\n<p>more</p>\n</li>\n</ul>\n",
        id="the last item follows the others",
    ),
    pytest.param(
        "* one\n  * two\n* three",
        "<ul>\n<li>one\n<ul>\n<li>two</li>\n</ul>\n</li>\n<li>three</li>\n</ul>\n",
        id="two spaces nest below a bullet",
    ),
    pytest.param(
        "1. one\n    * two\n2. three",
        "<ol>\n<li>one\n<ul>\n<li>two</li>\n</ul>\n</li>\n<li>three</li>\n</ol>\n",
        id="four spaces nest below a number",
    ),
    pytest.param(
        "1. one\n  * two",
        "<ol>\n<li>one\n<ul>\n<li>two</li>\n</ul>\n</li>\n</ol>\n",
        id="two spaces do not nest below a number",
    ),
    pytest.param(
        "1. one\n\n   ```\n   code\n   ```\n2. two",
        (
            "<ol>\n"
            "<li>\n"
            "<p>one</p>\n"
            "\n"
            '<div class="language-plaintext highlighter-rouge"><div class="highlight"><pre '
            'class="highlight"><code>code\n'
            "</code></pre></div>\n"
            "</div>\n"
            "</li>\n"
            "<li>\n"
            "<p>two</p>\n"
            "</li>\n"
            "</ol>\n"
        ),
        id="code in an item is indented from its column",
    ),
    pytest.param(
        "7. one\n9. two",
        "<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n",
        id="numbers of items are ignored",
    ),
    pytest.param(
        "* [ ] open\n* [x] done",
        (
            '<ul class="task-list">\n'
            '<li class="task-list-item"><input type="checkbox" class="task-list-item-checkbox" '
            'disabled="disabled" />open</li>\n'
            '<li class="task-list-item"><input type="checkbox" class="task-list-item-checkbox" '
            'disabled="disabled" checked="checked" />done</li>\n'
            "</ul>\n"
        ),
        id="tasks",
    ),
    pytest.param(
        "* {:.one} first\n* second\n{:.list}",
        '<ul class="list">\n<li class="one">first</li>\n<li>second</li>\n</ul>\n',
        id="attributes of an item and of the list",
    ),
    pytest.param(
        "* one\ntwo",
        "<ul>\n<li>one\ntwo</li>\n</ul>\n",
        id="a line may continue an item without its indent",
    ),
    pytest.param(
        "term\n: one\n: two\n\nother *term*\n\n: a paragraph",
        (
            "<dl>\n"
            "<dt>term</dt>\n"
            "<dd>one</dd>\n"
            "<dd>two</dd>\n"
            "<dt>other <em>term</em></dt>\n"
            "<dd>\n"
            "<p>a paragraph</p>\n"
            "</dd>\n"
            "</dl>\n"
        ),
        id="definitions",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Lists have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
