"""Other posts in Liquid: their front matter and text, and the neighbours of a post.

The expected values are the output of Jekyll 4.3.1, unless a test says otherwise.
"""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from reading import Files, site_of
from rendering import CONFIG, OTHERS, Posts, head, post_of

from syndicator.jekyll.markup import markup_of
from syndicator.liquid import Liquid, LiquidResult
from syndicator.liquid.limits import STEPS
from syndicator.model.content import PostHead

TEXTS = {
    "_posts/2026-01-08-second.md": (
        "---\ntitle: Second\nlayout: post\ndescription: The second\nimage: /a.png\n"
        "author: Ann\nnext: mine\nhero: {src: h.png}\n---\nFirst *line*.\n\nMore.\n"
    ),
    "_posts/2026-01-07-first.md": "---\ntitle: First\nexcerpt: Short\n---\nText.\n",
}


def render(template: str, *, posts: Posts | None = None) -> LiquidResult:
    """The Liquid of the third post, of January 8; the other two can be read."""
    site = site_of(CONFIG)
    post = post_of(template)
    post = replace(post, head=OTHERS.heads[0])
    posts = posts or Posts(*OTHERS.heads, texts=TEXTS)
    engine = Liquid(site=site, files=Files(), posts=posts, markup=markup_of(site))
    return engine.render(post.body, post=post, first_line=post.body_line)


FIND = '{% assign p = site.posts | where: "title", "Second" | first %}'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (FIND + "{{ p.description }} {{ p.image }} {{ p.author }}", "The second /a.png Ann"),
        (FIND + "{{ p.hero.src }} {{ p.layout }} {{ p.ext }}", "h.png post .md"),
        (FIND + "[{{ p.nope }}] {{ p.draft }}", "[] false"),
        (FIND + "{{ p.excerpt }}", "<p>First <em>line</em>.</p>\n"),
        (FIND + "{{ p.content }}", "First *line*.\n\nMore.\n"),
        ('{{ site.posts | where: "author", "Ann" | map: "title" }}', "Second"),
        ("{{ site.posts.last.excerpt }}", "Short"),
        ("{{ page.previous.title }} {{ page.previous.url }}", "Second /2026/01/08/second.html"),
        ("{{ page.previous.description }}", "The second"),
        ("{{ page.previous.previous.title }}", "First"),
        ("{{ page.previous.next.title }}", "Third"),
        ("[{{ page.next.url }}{{ page.next }}]", "[]"),
        ("{% if page.next %}newer{% else %}newest{% endif %}", "newest"),
    ],
)
def test_properties_of_other_posts(template: str, expected: str) -> None:
    result = render(template)
    assert (expected, True, ()) == (result.text, result.uses_posts, result.problems)


def test_a_post_that_can_not_be_read() -> None:
    """What the index knows of it stays."""
    result = render("{{ page.previous.title }}[{{ page.previous.description }}]", posts=OTHERS)
    assert (result.text, result.problems) == ("Second[]", ())


def test_reading_posts_is_limited() -> None:
    """A list of the newest 10,000 posts by a property of their files, and not many of them."""
    posts = Posts(*(head(f"p{number}", 1) for number in range(10_001)))
    template = '{{ site.posts | where: "series", "x" | size }}'
    result = render(template * 3, posts=posts)
    assert result.text == "0"
    assert [problem.message for problem in result.problems] == [
        f"the Liquid takes more than {STEPS:,} steps (an endless loop?)"
    ]


class CountedPosts(Posts):
    """Posts whose look-ups are counted."""

    lookups = 0

    def find(self, name: str) -> PostHead | None:
        self.lookups += 1
        return super().find(name)

    def newest(self, limit: int) -> Iterable[PostHead]:
        self.lookups += 1
        return super().newest(limit)

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        self.lookups += 1
        return super().neighbour(head, newer=newer)


@pytest.mark.parametrize(
    "tag",
    [
        "{{ site.posts.size }}",
        "{{ site.posts.first.title }}",
        "{{ site.categories.News.size }}",
        "{{ site.tags.size }}",
        "{{ site.related_posts.first.url }}",
        "{% for p in site.documents limit: 1 %}{{ p.url }}{% endfor %}",
        "{{ page.previous.title }}",
        "{% post_url second %}",
        "{% link _posts/nope.md %}",
    ],
)
def test_a_look_up_in_a_loop_is_done_once(tag: str) -> None:
    posts = CountedPosts(*OTHERS.heads, texts=TEXTS)
    render(f"{{% for i in (1..500) %}}{tag}{{% endfor %}}", posts=posts)
    assert posts.lookups == 1


def test_different_look_ups_are_limited() -> None:
    posts = CountedPosts(*OTHERS.heads, texts=TEXTS)
    tag = "{% assign name = 'x' | append: i %}{% link {{ name }} %}"
    render(f"{{% for i in (1..20000) %}}{tag}{{% endfor %}}", posts=posts)
    assert posts.lookups < STEPS / 10


LIST = "* a\n" * 45_000


def test_an_excerpt_over_a_limit_of_markdown_is_plain() -> None:
    """It is a problem of its own post only."""
    texts = {**TEXTS, "_posts/2026-01-08-second.md": f"---\ntitle: x\n---\n{LIST}"}
    result = render("{{ page.previous.excerpt }}", posts=Posts(*OTHERS.heads, texts=texts))
    assert result.text.startswith("<p>* a\n* a")
    assert result.problems == ()


def test_a_message_quotes_a_post_briefly() -> None:
    result = render(f"{{% post_url {'a' * 9000} %}}")
    assert [len(problem.message) for problem in result.problems] == [300]
