"""From a post to an entry: Liquid, Markdown, excerpt, and only what is safe to send."""

from datetime import UTC, datetime

import pytest
from reading import Files, site_of
from rendering import CONFIG, OTHERS, entry, post_of, rendering

from syndicator.jekyll.characters import printable
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
    """Liquid first, then Markdown by the file's suffix, then what is safe, with absolute addresses."""
    body = body.encode("utf-8", "replace").decode()
    content = entry(body, front, path=f"_posts/2026-01-09-third.{suffix}").content.replace("?", "")
    if expected is None:
        assert 'src="https://e.com/b/2026/01/09/y.png"' in content
        assert 'href="https://e.com/w"' in content
    else:
        assert expected == content


COLOURED = [("rouge", (True, True)), ("none", (False, False)), ("~", (True, False))]


@pytest.mark.parametrize(("said", "coloured"), COLOURED)
def test_code_is_coloured_as_the_site_says(said: str, coloured: tuple[bool, bool]) -> None:
    """Markdown's by kramdown, which takes rouge where nothing is said, and that of the tag by Jekyll."""
    config = f"{CONFIG}highlighter: {said}\n"
    bodies = (
        "```ruby\ndef x; end\n```",
        "{% highlight ruby linenos %}def x; end{% endhighlight %}",
    )
    contents = [entry(body, config=config).content for body in bodies]
    assert coloured == tuple("<span" in content for content in contents)
    assert coloured[1] == ("lineno" in contents[1])


SUMMARIES = [
    ("*one*\n\ntwo", "", "one"),
    ("*one*\n\ntwo", "excerpt: said *so*", "said *so*"),
    ("*one*\n\ntwo", "description: A <b>line</b> &amp; more\nexcerpt: x", "A line & more"),
    ("*one*\n\ntwo", "description: ''\nexcerpt: x", "x"),
    ("one\n\ntwo <!--m--> three", "excerpt_separator: <!--m-->", "one two"),
    ("{% if true %}one\n\ntwo{% endif %}", "", "one"),
    ("[one][1]\n\ntwo\n\n[1]: /x", "", "one"),
    ("", "", ""),
]


@pytest.mark.parametrize(("body", "front", "expected"), SUMMARIES)
def test_summary(body: str, front: str, expected: str) -> None:
    """The description, else the excerpt, else Jekyll's excerpt; plain text in one line."""
    assert expected == entry(body, front).summary


def test_excerpt_only() -> None:
    """A post may give its excerpt only: the entry then has no content. What its site says is the feed's to decide."""
    of_the_post = entry("one\n\ntwo", "feed: {excerpt_only: true}")
    of_the_site = entry("one\n\ntwo", config=CONFIG + "feed: {excerpt_only: true}\n")
    assert [(found.content, found.summary) for found in (of_the_post, of_the_site)] == [
        ("", "one"),
        ("<p>one</p>\n\n<p>two</p>", "one"),
    ]


def test_head() -> None:
    """What the ledger and the reader of posts decided stands as it is; without an update it is the publication."""
    found = entry("x", "tags: [a]\ncategories: [b]\nlang: de\nimage: /i.png\naudio: /s.mp3")
    assert (found.id, found.url) == (
        "https://e.com/b/b/2026/01/09/third",
        "https://e.com/b/b/2026/01/09/third.html",
    )
    assert datetime(2026, 1, 9, 5, tzinfo=UTC) == found.published == found.updated
    assert (found.categories, found.tags, found.language) == (("b",), ("a",), "de")
    assert found.image is not None
    assert found.image.url == "https://e.com/b/i.png"
    assert [sound.url for sound in found.enclosures] == ["https://e.com/b/s.mp3"]


def test_problems_are_told_once() -> None:
    """What is wrong in the first paragraph is wrong in the excerpt too, and is one problem."""
    found = rendering("{% foo %} one\n\ntwo")
    assert [str(problem) for problem in found.problems] == [
        "_posts/2026-01-09-third.md:5: unknown tag 'foo'"
    ]
    assert found.entry is not None


def test_uses_posts() -> None:
    """Who lists other posts is rendered again when they change."""
    assert rendering("{{ site.posts.size }}").uses_posts
    assert not rendering("{{ page.title }}").uses_posts


def test_markdown_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """If ever a text breaks the Markdown parser, its words go out without markup, and it is a problem."""
    renderer = Renderer(site_of(CONFIG), Files({}), OTHERS)

    def broken(text: str) -> str:
        raise RecursionError("too deep")

    monkeypatch.setattr(renderer, "_markdown", broken)
    found = renderer.render(post_of("a < b\n\nc"))
    assert found.entry is not None
    assert found.entry.content.strip().replace("\n\n", "\n") == "<p>a &lt; b</p>\n<p>c</p>"
    assert [problem.message for problem in found.problems] == [
        "the Markdown can't be parsed: RecursionError: too deep"
    ]


def test_printable() -> None:
    """What XML 1.0 can't hold is gone; everything else is as it was."""
    assert printable("a\tb\nc\rd\0\x0b\x1f é\ud800 你\ufffe\uffff 😀") == "a\tb\nc\rd é 你 😀"
