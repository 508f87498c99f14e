"""Tables, with or without outer pipes.

Each value was compared with the output of kramdown 2.4.
"""

import pytest

from syndicator.kramdown.to_html import KramdownOptions, to_html

OPTIONS = KramdownOptions.from_config({}, None)

CASES = [
    pytest.param(
        "a|b\n-|-\nc|d",
        (
            "<table>\n"
            "<thead>\n"
            "<tr>\n"
            "<th>a</th>\n"
            "<th>b</th>\n"
            "</tr>\n"
            "</thead>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>c</td>\n"
            "<td>d</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "</table>\n"
        ),
        id="no outer pipes",
    ),
    pytest.param(
        "|l|c|r|\n|:-|:-:|-:|\n|1|2|3|",
        (
            "<table>\n"
            "<thead>\n"
            "<tr>\n"
            '<th style="text-align: left">l</th>\n'
            '<th style="text-align: center">c</th>\n'
            '<th style="text-align: right">r</th>\n'
            "</tr>\n"
            "</thead>\n"
            "<tbody>\n"
            "<tr>\n"
            '<td style="text-align: left">1</td>\n'
            '<td style="text-align: center">2</td>\n'
            '<td style="text-align: right">3</td>\n'
            "</tr>\n"
            "</tbody>\n"
            "</table>\n"
        ),
        id="alignment",
    ),
    pytest.param(
        "|a|b|\n|---\n|c|d|\n|---\n|e|f|\n|===\n|g|h|",
        (
            "<table>\n"
            "<thead>\n"
            "<tr>\n"
            "<th>a</th>\n"
            "<th>b</th>\n"
            "</tr>\n"
            "</thead>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>c</td>\n"
            "<td>d</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>e</td>\n"
            "<td>f</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "<tfoot>\n"
            "<tr>\n"
            "<td>g</td>\n"
            "<td>h</td>\n"
            "</tr>\n"
            "</tfoot>\n"
            "</table>\n"
        ),
        id="no head, several bodies and a foot",
    ),
    pytest.param(
        "a | `b|c` | d\\|e",
        (
            "<table>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>a</td>\n"
            '<td><code class="language-plaintext highlighter-rouge">b|c</code></td>\n'
            "<td>d|e</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "</table>\n"
        ),
        id="a pipe in code, or escaped, does not end a cell",
    ),
    pytest.param(
        "|a|b|\n|c|",
        (
            "<table>\n"
            "<tbody>\n"
            "<tr>\n"
            "<td>a</td>\n"
            "<td>b</td>\n"
            "</tr>\n"
            "<tr>\n"
            "<td>c</td>\n"
            "<td>\N{NO-BREAK SPACE}</td>\n"
            "</tr>\n"
            "</tbody>\n"
            "</table>\n"
        ),
        id="missing cells are filled",
    ),
    pytest.param(
        "a | b\nno pipe",
        "<p>a | b\nno pipe</p>\n",
        id="a table needs a pipe on each line",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_becomes_the_html_that_kramdown_makes(text: str, expected: str) -> None:
    """Tables have the HTML of kramdown."""
    assert expected == to_html(text, OPTIONS)
