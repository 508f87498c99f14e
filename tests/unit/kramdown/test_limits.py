"""Markdown made to be slow: work grows with the text, and too much work is always refused."""

import time

import pytest
from pathological import KINDS

from syndicator.kramdown import limits, parser
from syndicator.kramdown.to_html import KramdownOptions, MarkdownLimitError, smartify, to_html

OPTIONS = KramdownOptions()
#: Their output or their tables grow with the square of the text. The steps limit them.
MULTIPLYING = {
    "abbreviations of all lengths",
    "abbreviations that nearly match",
    "abbreviations with a long title",
    "attributes named once, used often",
    "attributes of classes",
    "attributes of lists of lists",
    "columns and rows",
    "columns and rows of one",
    "references to a long address",
    "references to a long title",
}
#: Texts that took too much time or memory before the limits.
WORST = [
    "items",
    "footnotes used",
    "link with a quote across lines",
    "abbreviations with a long title",
    "columns and rows",
]


def _rendered(text: str) -> str:
    """The HTML, or the error."""
    try:
        return to_html(text, OPTIONS)
    except MarkdownLimitError as error:
        return str(error)


def _steps(text: str) -> int | None:
    """The steps that a text takes; None if it takes more than allowed."""
    env = parser.environment(text, OPTIONS)
    allowed = env["document"].steps_left
    try:
        parser.render_with(text, env)
    except MarkdownLimitError:
        return None
    return int(allowed - env["document"].steps_left)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - MULTIPLYING))
def test_work_grows_with_the_text(kind: str) -> None:
    """Four times the text takes about four times the steps. Sixteen times would be quadratic."""
    small, large = (_steps(KINDS[kind](size)) for size in (1_250, 5_000))
    assert small is not None
    assert large is not None
    assert large <= 5 * small + 1_500


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", sorted(MULTIPLYING))
def test_quadratic_output_meets_the_limit(kind: str) -> None:
    """Output that grows with the square of a text is refused before it is built."""
    started = time.process_time()
    with pytest.raises(MarkdownLimitError):
        to_html(KINDS[kind](40_000), OPTIONS)
    assert time.process_time() - started < 2.5


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", WORST)
def test_a_megabyte_ends_soon(kind: str) -> None:
    """A text of any size takes at most some seconds of processor time, even on a busy machine."""
    started = time.process_time()
    html = _rendered(KINDS[kind](1_000_000))
    assert "<" in html or html.startswith("its Markdown ")
    assert time.process_time() - started < 8


def _deep_list() -> str:
    return "\n".join("  " * depth + "* a" for depth in range(400))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("> " * 30_000, id="quotes in quotes"),
        pytest.param(_deep_list(), id="lists in lists"),
        pytest.param("[" * 80_000, id="brackets"),
        pytest.param("![" * 40_000, id="images in images"),
        pytest.param("[a](" + "(" * 80_000, id="parentheses"),
        pytest.param("*a _b **c " * 30_000, id="emphasis"),
        pytest.param(" ".join("`" * length for length in range(700)), id="ticks"),
        pytest.param("<b>" * 40_000, id="elements"),
        pytest.param("<div>" * 20_000, id="blocks of HTML"),
        pytest.param("<!-- " * 20_000, id="comments"),
        pytest.param('x <a b="' * 40_000, id="attributes"),
        pytest.param("{:a " * 40_000, id="attribute lists"),
        pytest.param("|" * 80_000, id="cells"),
        pytest.param("a|b\n" * 20_000, id="rows"),
        pytest.param("# a\n" * 20_000, id="headings"),
        pytest.param(" " * 200_000 + "a", id="spaces"),
        pytest.param("[a]:" + " " * 80_000 + "b", id="a definition of spaces"),
        pytest.param("".join("~" * (3 + length) + "\n" for length in range(700)), id="fences"),
        pytest.param(
            "\n".join(f"{{:a{n}: a{n + 1} a{n + 1}}}" for n in range(99)) + "\n\na\n{:a0}",
            id="named lists",
        ),
        pytest.param("|<code>" * 30_000, id="code elements in cells"),
        pytest.param("```" + "a?" * 100_000 + " b\n", id="questions after a fence"),
        pytest.param("```" + " " * 100_000 + "a b\n", id="spaces after a fence"),
        pytest.param("# " + "#" * 200_000 + "a\n", id="hashes in a heading"),
        pytest.param("* " + "\t " * 100_000 + "a\n", id="tabs in an item"),
        pytest.param("[a]: b" + " " * 4_000 + '\n"' + "c" * 200_000, id="a title below spaces"),
        pytest.param("<b a='1'" + " a='2'" * 50_000 + "<b", id="a tag that is never closed"),
        pytest.param("".join(f"<b{n}></b{n}>" for n in range(20_000)), id="elements of many names"),
        pytest.param(
            "".join(f"* {' ' * (n % 300)}a\n" for n in range(2_000)), id="items of many widths"
        ),
        pytest.param(
            "*[a b]: c\n" * 50_000 + "\n" + "a b " * 50_000, id="one abbreviation many times"
        ),
        pytest.param("</div>\n" * 50_000, id="paragraphs in parts"),
        pytest.param("`a`{:.language-ruby} " * 20_000, id="highlighted spans"),
        pytest.param("{::a}".join(map(str, range(50_000))), id="extensions of no kind"),
        pytest.param("[" * 20_000 + "](" * 20_000 + ")", id="brackets that lead nowhere"),
    ],
)
def test_a_hostile_text_ends_soon(text: str) -> None:
    """Any text is rendered or refused with one error. `smartify` always returns a text."""
    started = time.process_time()
    html = _rendered(text)
    assert "<" in html or html.startswith("its Markdown ")
    assert isinstance(smartify(text), str)
    assert time.process_time() - started < 8


def test_limits_of_size() -> None:
    """A text that is too long, or becomes too much HTML, is refused with an error for its limit."""
    with pytest.raises(
        MarkdownLimitError, match="its Markdown is longer than 2,097,152 characters"
    ):
        to_html("a" * (limits.SOURCE + 1), OPTIONS)
    assert to_html("a" * limits.SOURCE, OPTIONS)
    with pytest.raises(
        MarkdownLimitError, match="its Markdown becomes more than 4,194,304 characters of HTML"
    ):
        to_html("    " + "&" * (limits.SOURCE - 5) + "\n", OPTIONS)


def test_a_refusal_is_always_the_same() -> None:
    """Work is counted in steps, not in time: the same text ends at the same step."""
    assert [_steps(KINDS["all marks"](20_000)) for _ in range(3)] == [
        _steps(KINDS["all marks"](20_000))
    ] * 3


def test_a_long_ordinary_text_is_rendered_completely() -> None:
    """A megabyte of prose, lists, tables and code is rendered to its end."""
    part = (
        "## A heading\n\n"
        + 'Some *words* of [prose](/a) and `code`, "quoted" -- as it is. ' * 8
        + "\n\n"
        "* an item of a list, with some words\n* another, with **strong** words\n\n"
        "| one | two |\n|-----|-----|\n| three and four | five and six |\n\n"
        "> a quotation of some length that is cited here\n\n```\nsome code\n```\n\n"
    )
    html = to_html(part * (1_000_000 // len(part)) + "The *end*.", OPTIONS)
    assert html.endswith("<p>The <em>end</em>.</p>\n")
