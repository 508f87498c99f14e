"""Texts made to be slow: each step takes time in proportion to the length, or refuses the text."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import pytest
from reading import Files, site_of
from rendering import CONFIG, OTHERS, liquid, post_of
from yaml import YAMLError

from syndicator.jekyll.emojis import html_with_emoji
from syndicator.jekyll.excerpt import source
from syndicator.jekyll.fast_yaml import read_line
from syndicator.jekyll.markup import MAX_PLAIN
from syndicator.jekyll.render import Renderer
from syndicator.jekyll.safe_yaml import YamlLimitError, load_yaml
from syndicator.jekyll.sanitize import clean
from syndicator.jekyll.titles import plain_title
from syndicator.kramdown.options import KramdownOptions

#: The factor that a text of four times the length may take longer. Sixteen is quadratic.
GROWTH = 12.0
#: Seconds. Shorter measurements are noise.
NOISE = 0.0125

Text = TypeVar("Text")
Length = int
#: Characters of the texts that are compared.
LENGTHS = (10_000, 40_000)
#: Characters of one more text for the cases where the HTML parser takes quadratic time: as many as
#: are cleaned of a post.
LONGEST = 1_000_000


def seconds(work: Callable[[], object]) -> float:
    """The processor time that `work` takes."""
    begun = time.thread_time()
    with suppress(YamlLimitError, YAMLError):
        work()
    return time.thread_time() - begun


def is_linear(
    work: Callable[[Text], object], text: Callable[[Length], Text], lengths: tuple[int, ...]
) -> None:
    """Compare each length with the one before. Repeat slow runs: the machine may be busy."""
    before, length = 0.0, 0
    for longer in lengths:
        run = partial(work, text(longer))
        took = seconds(run)
        allowed = max(before, NOISE) * GROWTH / 4 * (longer / length) if length else took
        for _ in range(4):
            took = took if took <= allowed else min(took, seconds(run))
        assert took <= allowed, f"{longer:,} characters"
        before, length = took, longer


def repeated(part: str, before: str = "") -> Callable[[Length], str]:
    return lambda length: (before + part * (length // len(part) + 1))[:length]


REPEATED = [
    *("&", "&&", "& ", "&a", "&a;", "&amp;", "&copy;", "&#", "&#x", "&zzzz;", "\xa0", "« ", "°"),
    *(
        "<table>x",
        "<table>x</table>",
        "<table>x<tr>",
        "<table><b>x",
        "<table><br>",
        "<table><tr>x</table>",
    ),
    *(
        "<table><td><col>x<br>",
        "<table><td><caption></caption>x<br></td>",
        "<a>x<table>",
        "<table><select>",
    ),
    *("<tr><td>x</td></tr>", "<table><tr><td>x</td></tr></table>", "<table><form>x", "<p><table>"),
    *(
        "<",
        "<b",
        "<b>",
        "</b>",
        "<div></p>",
        "<i>x</b>",
        "<ul><li>x",
        "<b><p>",
        "<h1><h2>",
        "<a><b></a>",
    ),
    *(
        "<!--",
        "<!-- a",
        "<![CDATA[",
        "<?",
        "<svg>",
        "<svg><title>",
        "<math><mi>",
        "<select><b>",
        "<noscript>",
    ),
    *(
        "<script>",
        "<style>",
        "<textarea>",
        "<iframe",
        '<a b="',
        "<a href=b>",
        "<img src=a>",
        "<img srcset='a 1x'>",
    ),
]
REPLACED = [
    *("<iframe src=/x></iframe>", "<iframe data-src=/x>", "<object data=/x>", "<embed src=/x>"),
    *("<svg><title>x</title></svg>", "<svg><title>x", "<div hidden>", "<p style='display:none'>"),
    *("<div class=mermaid>", "<div class=mermaid>a<br>b</div>", "<math><mi>x", "<canvas>"),
    *("<img data-src=/a>", "<img data-srcset='/a 1w, /b 2w'>", "<noscript><img src=/a></noscript>"),
    *("<picture><source data-srcset=/x><img data-src=/y></picture>", "<picture><noscript>"),
    *("<button>x</button>", "<form><input>", "<select><option>", "<textarea>", "<dialog open>"),
    *("<table><tr><td class=gutter>x</td></tr></table>", "<p style='text-align:left'>x</p>"),
    *("<math></math><span class=katex-html>x</span>", "<script src=//gist.github.com/a.js>"),
    *("<script src=//gist.github.com/a.js ", "<pre hidden>\n", "<img src='data:image/svg"),
    *(" hidden ", " display:", " data-src", "<script src=' "),
    *("<xmp>", "<xmp>a</xmp>", "</xmp>", "<plaintext>", "<a-b>", "<a-b", "<a-b src=/x></a-b>"),
    *("<a-b src=/x />", "<mjx-container><svg>x", "<noembed><img src=/a>", "<img alt=x>", "<img"),
    *(
        "<svg><text>x<tspan>",
        "<script></script><noscript>",
        "<script></script> ",
        "<amp-img src=x>",
    ),
    *("<div style='background:url(/x)'>", "<p style='background:url(/x)'></p>", "background:"),
    *("<lite-youtube videoid=a>", "<picture data-iesrc=/x></picture>", " data-bg", " lazy"),
]


@pytest.mark.parametrize("part", REPLACED)
@pytest.mark.parametrize("before", ["", "".join(f"<b id=x{n}>" for n in range(190)) + "<canvas>"])
def test_replacing_repeated(before: str, part: str) -> None:
    """Elements that a feed can't show, alone and below elements that repeat themselves."""
    is_linear(lambda html: clean(html, base="https://e.com/x"), repeated(part, before), LENGTHS)


@pytest.mark.parametrize(("before", "part"), [(":<", "a"), (":", "1"), (":", "<a"), ("", ":a")])
def test_emoji_repeated(before: str, part: str) -> None:
    is_linear(html_with_emoji, repeated(part, before), LENGTHS)


REPLACED_INSIDE = [
    *(("<svg><p style='", "text-align:"), ("<svg><p style='", "display:")),
    *(("<svg><p class='", " gutter"), ("<svg><img data-srcset='", "a.b,"), ("<script src=", " ")),
    ("<script", " src=//gist.github.com/a.js/"),
    *(
        ("<p style='", "background:"),
        ("<p style='", "background:url("),
        ("<img data-x='", "/a.png?"),
    ),
    *(("<img data-", "x-"), ("<img data-x=", "/a"), ("<a-", "b-"), ("<p data-bg='", "url(")),
    *(("<img src='", "a:"), ("</script>", " "), ("<img alt='", "data-src=")),
]


@pytest.mark.parametrize(("before", "part"), REPLACED_INSIDE)
def test_replacing_repeated_inside(before: str, part: str) -> None:
    """Attributes by which they are found."""
    is_linear(lambda html: clean(html, base="https://e.com/x"), repeated(part, before), LENGTHS)


FORMATTING = "<p>" + "".join(f"<b id=x{n}>" for n in range(190))
INSIDE = [
    *(
        ('<a title="', "&"),
        ('<a title="', "&amp;"),
        ('<a href="http://e.com/?', "&"),
        ("<a title=", "&"),
    ),
    *(
        ("<!--", "&"),
        ("<table>", "x<br>"),
        ("<table><tr>", "<b>x</b>"),
        ("<table><tr><td>", "x<br>"),
    ),
    *(("<b>" * 150, "x<br>"), ("<font>" * 190, "<p></font>")),
    (FORMATTING, "<p>text"),
    (FORMATTING + "<table><td>" + "</b>" * 190 + "</table>", "<p>text"),
    (FORMATTING, "<p>text</p></b>"),
    (FORMATTING, "<li>text"),
]


@pytest.mark.parametrize("part", REPEATED)
def test_cleaning_repeated(part: str) -> None:
    """HTML that repeats one part."""
    lengths = (*LENGTHS, LONGEST) if "&" in part or part.startswith("<table>x") else LENGTHS
    is_linear(lambda html: clean(html, base="https://e.com/x"), repeated(part), lengths)


@pytest.mark.parametrize(("before", "part"), INSIDE)
def test_cleaning_repeated_inside(before: str, part: str) -> None:
    """An element or an attribute that repeats one part."""
    is_linear(lambda html: clean(html, base="https://e.com/x"), repeated(part, before), LENGTHS)


LIQUID = [
    "{{ a }}",
    "{{}}",
    "{% x %}",
    "{% if %}",
    "{% %}",
    "{% endif %}",
    "{% # %}",
    "{{",
    "{%",
    "{% raw %}",
    "{{ a['",
]


@pytest.mark.parametrize("part", LIQUID)
def test_liquid(part: str) -> None:
    """Liquid that repeats one part. Parsing is limited too."""
    is_linear(liquid, repeated(part), (50_000, 200_000))


@pytest.mark.parametrize(
    "work",
    [
        lambda length: read_line("a: [a" + " " * length + '"'),
        lambda length: plain_title("<script" * (length // 7), KramdownOptions()),
        lambda length: plain_title("<!--" * (length // 4), KramdownOptions()),
        lambda length: source("{% if %}" * (length // 8) + "\n\nx", "\n\n"),
        lambda length: source("a" * length + "\n\n" + "[a]: b\n" * (length // 7), "\n\n"),
    ],
    ids=["list", "script", "comment", "open tags", "definitions"],
)
def test_heads_and_excerpts(work: Callable[[Length], object]) -> None:
    """Lines of front matter, titles and excerpts."""
    is_linear(work, lambda length: length, (7_500, 30_000))


def merged(levels: int) -> str:
    lines = [
        f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}\n"
        for level in range(1, levels)
    ]
    return "a0: &a0 {x: 1}\n" + "".join(lines)


YAML = {
    "merge keys": merged(25),
    "large merges": f"a: &a {{{'b: 1, ' * 2000}}}\n" + "- {<<: *a}\n" * 2000,
    "aliases": "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    "keys": "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} {{? *a{n - 1} : *a{n - 1}}}\n" for n in range(1, 60)),
    "itself": "a: &a {b: &b {<<: *a}}",
    "numbers that collide": "".join(f"{number * (2**61 - 1)}: \n" for number in range(1, 40_000)),
    "the same in hexadecimal": "".join(
        f"{number * (2**61 - 1):#x}: \n" for number in range(9, 40_000)
    ),
    "values": f"[{'a,' * 500_000}]",
    "empty values": f"{{{'a,' * 500_000}}}",
    "directives": "".join(f"%TAG !a{number}! x\n" for number in range(40_000)) + "---\na: b\n",
    **{
        f"directives and {end!r}": "".join(f"%TAG !a{number}! x{end}" for number in range(40_000))
        + f"---{end}a: b{end}"
        for end in "\r\x85\u2028\u2029"
    },
    "indentation": "".join(" " * depth + "a:\n" for depth in range(1400)),
}


@pytest.mark.parametrize("kind", YAML)
def test_yaml_is_refused_before_it_is_built(kind: str) -> None:
    """YAML that would be large or slow to build is refused in about the time to parse it."""
    begun = time.thread_time()
    with pytest.raises((YamlLimitError, YAMLError)):
        load_yaml(YAML[kind])
    assert time.thread_time() - begun < 3


def test_ordinary_merge_keys() -> None:
    """Merge keys work in ordinary YAML. A key of the mapping itself wins."""
    loaded = load_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}]}\n")
    assert loaded["b"] == {"x": 1, "y": 3}
    assert loaded["c"] == {"x": 1, "y": 2, "z": 4}


def test_text_that_is_split_for_the_parser_is_the_same() -> None:
    """Long texts with many ampersands, quotes and references are cleaned as short ones."""
    text = "a & b « c » &copy; &amp; é " * 700
    short = clean("a & b « c » &copy; &amp; é ", base="https://e.com/x").html
    assert clean(text, base="https://e.com/x").html == short * 700
    assert clean(f"<p>x</p><!-- {text} -->", base="https://e.com/x").html == "<p>x</p>"


def test_tables_of_many_cells_stay() -> None:
    """A large table of plain cells stays. A malformed one of the same size is escaped."""
    rows = "<tr><td>x <b>y</b><br></td><td></td></tr>" * 4000
    html = f"<table><thead><tr><th>a</th></tr></thead><tbody>{rows}</tbody></table>"
    assert clean(html, base="https://e.com/x").html.count("<td>") == 8000
    odd = clean("<table>x<br>" + "<br>" * 25_000, base="https://e.com/x").html
    assert odd.startswith("&lt;table&gt;")


def test_a_post_of_too_much_markdown_is_published_as_text() -> None:
    """One problem names the limit. As much of the text is published as of any post over a limit."""
    rendering = Renderer(site_of(CONFIG), Files({}), OTHERS).render(
        post_of("* a\n" * 130_000, "description: x")
    )
    assert [str(problem) for problem in rendering.problems] == [
        "_posts/2026-01-09-third.md:5: its Markdown takes more parsing steps than its length "
        "allows (at most 600,000)"
    ]
    assert rendering.entry is not None
    assert rendering.entry.content.count("* a") == MAX_PLAIN // len("* a\n")


def numbered(part: str, before: str) -> Callable[[Length], str]:
    """A text of parts with their numbers."""

    def text(length: Length) -> str:
        count = length // (len(part) + 5) + 1
        return (before + "".join(part.format(number) for number in range(count)))[:length]

    return text


NAMES = [
    (" a{}", "<p"),
    (" a{}='>'", "<p"),
    (" <a{}", "<p"),
    ("/a{}", "</p"),
    (" a{}='>'", "<!-- <b x=' --><p"),
    (" a{}='>'", "<p =' b='>' "),
    (" a{}='>'", "<p b=c='d e='>' "),
    (' a{}=">"', "<div markdown=1"),
]


@pytest.mark.parametrize(("part", "before"), NAMES)
def test_a_tag_of_many_attributes(part: str, before: str) -> None:
    """The parser compares each of them with all before. Such HTML is shown as text."""
    lengths = (*LENGTHS, 160_000)
    is_linear(lambda html: clean(html, base="https://e.com/x"), numbered(part, before), lengths)
    assert clean(numbered(part, before)(100_000), base="https://e.com/x").escaped


def test_ordinary_attributes_stay() -> None:
    """Many tags with some, large embedded pictures, and a comparison in a script."""
    picture = f'<img src="data:image/png;base64,{"A" * 40_000}">'
    html = f"<p{' a=1' * 2_000} title=x>b</p>{picture * 40}"
    script = f"<script>for (i=0; i<n; i++) {{ {'a = b + c; ' * 2_000} }}</script>"
    result = clean(html + script * 3, base="https://e.com/x")
    assert not result.escaped
    assert result.html == f'<p title="x">b</p>{picture * 40}'
