import nh3
import pytest

from syndicator.jekyll.foreign_names import NAMES, with_foreign_names_marked
from syndicator.jekyll.sanitize import clean, shown

BASE = "https://site.example/post/"


def cleaned(html: str) -> str:
    return clean(html, base=BASE).html


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_text_behind_a_foreign_name_stays(name: str) -> None:
    """As a browser shows it; nh3 alone would drop it, else the name need not be listed."""
    html = f"<p>a <{name}> b</p>"
    assert cleaned(html) == "<p>a  b</p>"
    assert "b" not in nh3.clean(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<pre>value.Match<int>(1);\n}</int></pre>", "<pre>value.Match(1);\n}</pre>"),
        ("<p>也包括<g>、<symbol>元素</symbol></g></p>", "<p>也包括、元素</p>"),
        ("<p>Run cp <PATH> <b>here</b></p>", "<p>Run cp  <b>here</b></p>"),
        ('<p title="List<int> x">a</p>', '<p title="List&lt;int&gt; x">a</p>'),
        ('<p>a <text class="b"/>b</p>', "<p>a b</p>"),
        ('<p><a href="/<int>">a</a></p>', '<p><a href="https://site.example/%3Cint%3E">a</a></p>'),
        ("<button>a</button> <set> b", "a  b"),
    ],
)
def test_the_rest_of_the_element_stays(html: str, expected: str) -> None:
    """In attributes nothing changes."""
    assert cleaned(html) == expected


def test_names_in_drawings_and_formulas_are_theirs() -> None:
    """A formula is kept, and of a drawing its title, also in a group."""
    formula = "<math><mi>x</mi><mo>=</mo></math>"
    drawing = '<svg><g><title>Sales</title><path d="M0"/></g></svg>'
    assert cleaned(f"{formula} {drawing} <p>a <g>b</p>") == f"{formula} Sales <p>a b</p>"


def test_an_end_tag_alone_does_not_end_a_drawing() -> None:
    assert with_foreign_names_marked("</svg><svg><g></g></svg>") == "</svg><svg><g></g></svg>"


def test_a_summary_has_the_text_too() -> None:
    assert "b" in shown("<button>a</button> <set> b", base=BASE)


def test_nothing_gets_through() -> None:
    """An element with a marked name is an unknown one, and is removed with its attributes."""
    html = '<set onbegin=alert(1)>a<animate href="javascript:x"><script>b</script></set>'
    assert cleaned(html) == "a"
