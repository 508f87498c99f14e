"""The setting `feeds.lead_image`: an entry's image at the top of its content."""

from datetime import UTC, datetime
from time import thread_time

import pytest
from msgspec.structs import replace

from syndicator.build.assemble import assemble
from syndicator.build.lead_image import with_lead_image
from syndicator.model.content import Entry, FeedSpec, Media, SiteInfo

DATE = datetime(2024, 2, 1, tzinfo=UTC)
IMAGE = Media(url="https://example.org/i/lead.jpg?a=1&b='2'", type="image/jpeg", alt='A "dog" <1>')
LEAD = (
    "<p><img src=\"https://example.org/i/lead.jpg?a=1&amp;b='2'\""
    ' alt="A &quot;dog&quot; &lt;1&gt;"></p>\n'
)
ENTRY = Entry(
    id="https://example.org/x",
    url="https://example.org/x",
    title="x",
    published=DATE,
    updated=DATE,
    content="<p>Text.</p>",
    summary="Text.",
    authors=(),
    categories=(),
    tags=(),
    image=IMAGE,
)
SPEC = FeedSpec(
    name="all",
    title="",
    term=None,
    formats=("rss",),
    base="https://f/",
    hubs=(),
    limit=9,
    max_bytes=9999,
    full=True,
)
SITE = SiteInfo(title="T", url="https://example.org/")


def content_of(content: str) -> str:
    return with_lead_image(replace(ENTRY, content=content)).content


@pytest.mark.parametrize(
    "content",
    [
        "<p>Text.</p>",
        "Text <img src='https://example.org/other.jpg'>",
        '<p title="<img >">Text.</p>',
        "<imgs>Text.</imgs>",
        "<pre><code>&lt;img src=</code></pre>",
    ],
)
def test_text_comes_after_the_image(content: str) -> None:
    """The image is at the top, with its alternative text, as a paragraph of its own."""
    assert content_of(content) == LEAD + content


@pytest.mark.parametrize(
    "content",
    [
        '<img src="https://example.org/other.jpg">',
        '<p><a href="https://example.org/"><img alt="a > b" src="/o.jpg"></a> Text.</p>',
        '\n<figure title="a > b">\n<picture><source srcset="x"><img src="o"></picture></figure>',
        f"<p>Text.</p>{LEAD}",
    ],
)
def test_no_second_picture_at_the_top(content: str) -> None:
    """Content that begins with a picture, or has this one elsewhere, is as it was."""
    assert content_of(content) == content


def test_entries_without_an_image_or_text() -> None:
    """A summary stays a summary; a post that is only a picture has it as its content."""
    no_image, summary = replace(ENTRY, image=None), replace(ENTRY, content="")
    assert with_lead_image(no_image) == no_image
    assert with_lead_image(summary) == summary
    assert with_lead_image(replace(summary, summary="")).content == LEAD


def test_only_where_the_setting_asks_for_it() -> None:
    """By default, and in feeds of summaries, content is as it was."""

    def content(**spec: bool) -> str:
        return assemble(replace(SPEC, **spec), SITE, [ENTRY], None, DATE).entries[0].content

    assert content() == ENTRY.content
    assert content(lead_image=True) == LEAD + ENTRY.content
    assert content(lead_image=True, full=False) == ""


def test_many_tags_take_linear_time() -> None:
    """A megabyte of tags without a picture."""
    begun = thread_time()
    for tag in ("<b>", '<b a=">">', "<b ", '<b "'):
        content_of(tag * (2**20 // len(tag)))
    assert thread_time() - begun < 3
