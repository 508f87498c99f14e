"""Rendering a post: Liquid, Markdown, excerpt, sanitising."""

from datetime import UTC, datetime

import pytest
from reading import Files, site_of
from rendering import CONFIG, OTHERS, entry, post_of, rendering

from syndicator.jekyll.characters import printable
from syndicator.jekyll.excerpt import plain
from syndicator.jekyll.render import Renderer

CONTENTS = [
    ("*a* {{ page.title }}", "", "md", "<p><em>a</em> Third</p>"),
    ("*a* {{ page.title }}", "", "markdown", "<p><em>a</em> Third</p>"),
    ("*a* {{ page.title }}", "", "html", "*a* Third"),
    ("{{ '*a*' }}", "", "md", "<p><em>a</em></p>"),
    ("{{ x }}", "render_with_liquid: false", "md", "<p>{{ x }}</p>"),
    ("<script>x</script><b onclick='x'>b</b>", "", "html", "<b>b</b>"),
    ("![x](y.png) [z](/w)", "", "md", None),
    ("a\x07b &#7; c\ud800", "", "html", "ab  c"),
]


@pytest.mark.parametrize(("body", "front", "suffix", "expected"), CONTENTS)
def test_content(body: str, front: str, suffix: str, expected: str | None) -> None:
    """Liquid, then Markdown by the file's suffix, then sanitising, with absolute addresses."""
    body = body.encode("utf-8", "replace").decode()
    content = entry(body, front, path=f"_posts/2026-01-09-third.{suffix}").content.replace("?", "")
    if expected is None:
        assert 'src="https://e.com/b/2026/01/09/y.png"' in content
        assert 'href="https://e.com/w"' in content
    else:
        assert expected == content


COLOURED = [("rouge", (True, True)), ("none", (False, False)), ("~", (True, False))]


@pytest.mark.parametrize(("highlighter", "coloured"), COLOURED)
def test_code_is_highlighted_as_configured(highlighter: str, coloured: tuple[bool, bool]) -> None:
    """In Markdown by kramdown's options, with rouge as default; in the tag by Jekyll's."""
    config = f"{CONFIG}highlighter: {highlighter}\n"
    bodies = (
        "```ruby\ndef x; end\n```",
        "{% highlight ruby linenos %}def x; end{% endhighlight %}",
    )
    contents = [entry(body, config=config).content for body in bodies]
    assert coloured == tuple("<span" in content for content in contents)


NUMBERED = [
    ("{% highlight ruby linenos %}\nx\ny\n{% endhighlight %}", ""),
    ("```ruby\nx\ny\n```", "kramdown: {syntax_highlighter_opts: {block: {line_numbers: true}}}"),
    (
        '<table class="rouge-table"><tr><td class="rouge-gutter gl"><pre class="lineno">1\n2\n'
        '</pre></td><td class="rouge-code"><pre>x\ny\n</pre></td></tr></table>',
        "",
    ),
    (
        '<table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>1\n2'
        '</pre></div></td><td class="code"><pre>x\ny</pre></td></tr></table>',
        "",
    ),
    ('<pre><span class="lineno">1 </span>x\n<span class="linenos">2</span>y</pre>', ""),
]


@pytest.mark.parametrize(("body", "config"), NUMBERED)
def test_line_numbers_are_not_text(body: str, config: str) -> None:
    """Neither in the content nor in the summary, whichever highlighter wrote them."""
    result = entry(body, config=f"{CONFIG}{config}\n")
    assert plain(result.content).split() == result.summary.split() == ["x", "y"]


SUMMARIES = [
    ("*one*\n\ntwo", "", "one"),
    ("*one*\n\ntwo", "excerpt: said *so*", "said *so*"),
    ("*one*\n\ntwo", "description: A <b>line</b> &amp; more\nexcerpt: x", "A line & more"),
    ("*one*\n\ntwo", "description: Let&rsquo;s&nbsp;x", "Let’s x"),
    ("*one*\n\ntwo", "description: Why Vec<T> <i>is</i> good", "Why Vec<T> is good"),
    ("*one*\n\ntwo", "description: <p>one <b>two</b></p></p>", "one two"),
    ("*one*\n\ntwo", "description: ''\nexcerpt: x", "x"),
    ("one\n\ntwo <!--m--> three", "excerpt_separator: <!--m-->", "one two"),
    ("{% if true %}one\n\ntwo{% endif %}", "", "one"),
    ("[one][1]\n\ntwo\n\n[1]: /x", "", "one"),
    ("", "", ""),
]


@pytest.mark.parametrize(("body", "front", "expected"), SUMMARIES)
def test_summary(body: str, front: str, expected: str) -> None:
    """The description, else the excerpt, else Jekyll's excerpt; plain text on one line."""
    assert expected == entry(body, front).summary


def test_excerpt_only() -> None:
    """A post may set it: the entry then has no content. The site's setting is the feed's."""
    of_the_post = entry("one\n\ntwo", "feed: {excerpt_only: true}")
    of_the_site = entry("one\n\ntwo", config=CONFIG + "feed: {excerpt_only: true}\n")
    assert [(result.content, result.summary) for result in (of_the_post, of_the_site)] == [
        ("", "one"),
        ("<p>one</p>\n\n<p>two</p>", "one"),
    ]


def test_head() -> None:
    """The fields of the head are kept; without an update it is the publication date."""
    result = entry("x", "tags: [a]\ncategories: [b]\nlang: de\nimage: /i.png\naudio: /s.mp3")
    assert (result.id, result.url) == (
        "https://e.com/b/b/2026/01/09/third",
        "https://e.com/b/b/2026/01/09/third.html",
    )
    assert datetime(2026, 1, 9, 5, tzinfo=UTC) == result.published == result.updated
    assert (result.categories, result.tags, result.language) == (("b",), ("a",), "de")
    assert result.image is not None
    assert result.image.url == "https://e.com/b/i.png"
    assert [sound.url for sound in result.enclosures] == ["https://e.com/b/s.mp3"]


def test_problems_are_reported_once() -> None:
    """A problem of the first paragraph is one of the excerpt too, and reported once."""
    result = rendering("{% foo %} one\n\ntwo")
    assert [str(problem) for problem in result.problems] == [
        "_posts/2026-01-09-third.md:5: unknown tag 'foo'"
    ]
    assert result.entry is not None


@pytest.mark.parametrize("image", ["data:image/png;base64,AAAA", "blob:xx"])
def test_an_image_that_is_no_file_is_noted(image: str) -> None:
    """It would be an address at which there is nothing."""
    rendered = rendering("Text.", f"image: '{image}'")
    assert rendered.entry
    assert rendered.entry.image is None
    assert [(problem.message, problem.note) for problem in rendered.problems] == [
        (f'image is not the address of a file: "{image}"', True)
    ]


def test_uses_posts() -> None:
    """A post that lists other posts is rendered again when they change."""
    assert rendering("{{ site.posts.size }}").uses_posts
    assert not rendering("{{ page.title }}").uses_posts


def test_markdown_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the Markdown parser fails, the text is published without markup, with a Problem."""
    renderer = Renderer(site_of(CONFIG), Files({}), OTHERS)

    def broken(text: str, options: object) -> str:
        raise RecursionError("too deep")

    monkeypatch.setattr("syndicator.jekyll.render.to_html", broken)
    result = renderer.render(post_of("a < b\n\nc"))
    assert result.entry is not None
    assert result.entry.content.strip().replace("\n\n", "\n") == "<p>a &lt; b</p>\n<p>c</p>"
    assert [problem.message for problem in result.problems] == [
        "the Markdown can't be parsed: RecursionError: too deep"
    ]


def test_printable() -> None:
    """Characters that XML 1.0 forbids are removed; all others stay."""
    assert printable("a\tb\nc\rd\0\x0b\x1f é\ud800 你\ufffe\uffff 😀") == "a\tb\nc\rd é 你 😀"


@pytest.mark.parametrize(
    ("front", "summary"),
    [
        ("description: [a, b]", "Text."),
        ("description: {a: b}\nexcerpt: Short.", "Short."),
        ("excerpt: [[a]]", "Text."),
        ("description: 5", "5"),
        ("description: true", "true"),
        ("description: 2024-01-02", "2024-01-02"),
    ],
)
def test_a_summary_is_never_a_representation(front: str, summary: str) -> None:
    """A list or mapping is passed over; other values are text as Jekyll prints them."""
    assert entry("Text.", front).summary == summary
