"""Which posts make which feed, under which name, in what order."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syndicator.build.assemble import (
    ALL,
    assemble,
    feed_name,
    feed_slug,
    feed_terms,
    feed_title,
    fold,
    is_in_main_feed,
)
from syndicator.model.content import Entry, FeedSpec, SiteInfo, Term

SITE = SiteInfo(title="The Daily", url="https://news.example.com/")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("News", "news"),
        ("Open Source", "open-source"),
        ("  spaces   around ", "spaces-around"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("R&D", "r-and-d"),
        ("Åäö", "åäö"),
        ("日本語", "日本語"),
        ("हिन्दी", "हिन्दी"),
        ("node.js", "node-js"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "x-%s"),
        ("a/b\\c\0d", "a-b-c-d"),
        ("🎉", "🎉"),
        ("ﬁne", "fine"),
        ("con: fusion!", "con-fusion"),
    ],
)
def test_a_slug_is_readable_and_safe(label: str, expected: str) -> None:
    """Letters and digits of any script stay; what could lead elsewhere becomes a hyphen."""
    made = feed_slug(label)
    if "%s" in expected:
        assert made.startswith("x-")
        assert len(made) == 10
    else:
        assert made == expected


def test_a_long_label_makes_a_short_name_of_its_own() -> None:
    """File names are limited in octets; two long labels that begin alike stay apart."""
    one, other = feed_slug("é" * 300), feed_slug("é" * 299 + "x")
    assert len(one.encode()) <= 120
    assert one != other


def test_labels_that_differ_in_case_width_and_space_are_one() -> None:
    """ "News" and " news" are one category."""
    assert fold("News") == fold("  ｎｅｗｓ ") == "news"


def test_a_taken_name_gets_a_number_and_a_problem() -> None:
    """Two labels with one slug are two feeds; the first keeps the plain name."""
    first, no_problem = feed_name(Term(kind="category", label="News!"), set())
    second, problem = feed_name(Term(kind="category", label="News?"), {"category/news"})
    third, _ = feed_name(Term(kind="category", label="News."), {"category/news", "category/news-2"})
    assert (first, second, third) == ("category/news", "category/news-2", "category/news-3")
    assert no_problem is None
    assert problem is not None
    assert str(problem) == (
        'category/news-2: the category "News?" has this name because category/news is another category'
    )


def test_feeds_are_made_for_the_kinds_that_are_asked_for() -> None:
    """A term counts once, in the spelling that comes first; blank ones don't count."""
    terms = [
        Term(kind="category", label="News"),
        Term(kind="category", label="news"),
        Term(kind="tag", label="x"),
        Term(kind="category", label="  "),
    ]
    assert feed_terms(terms, {"category"}) == [terms[0]]
    assert feed_terms(terms, {"category", "tag"}) == [terms[0], terms[2]]


def test_collections_have_feeds_of_their_own() -> None:
    """jekyll-feed's main feed has posts; what stands in a collection is in the collection's feed."""
    assert is_in_main_feed([Term(kind="category", label="News")])
    assert not is_in_main_feed([Term(kind="collection", label="recipes")])


NOW = datetime(2026, 1, 20, tzinfo=UTC)


def test_titles() -> None:
    """A feed of a term says whose it is first."""
    assert feed_title(SITE, None) == "The Daily"
    assert feed_title(SITE, Term(kind="category", label="News")) == "The Daily: News"


@pytest.mark.parametrize(
    ("moments", "before", "expected"),
    [
        ([], None, None),
        ([3, 5, 4], None, 5),
        ([3], 9, 9),
        ([], 9, 9),
        ([3], 30, 3),
    ],
)
def test_a_feeds_updated_never_goes_backwards(
    moments: list[int], before: int | None, expected: int | None
) -> None:
    """It is the newest entry's, or what it was: a post that is taken back doesn't turn back the clock.

    Unless what it was is yet to come, which a wrong date had said.
    """
    feed = assemble(_spec(), SITE, [_entry(day) for day in moments], _day(before), NOW)
    assert feed.updated == _day(expected)
    assert len(feed.entries) == len(moments)


def test_a_feed_of_summaries_has_no_texts() -> None:
    """Whatever its entries hold."""
    entry = replace(_entry(1), content="All.", summary="A part.")
    assert assemble(_spec(), SITE, [entry], None, NOW).entries == (entry,)
    assert assemble(replace(_spec(), full=False), SITE, [entry], None, NOW).entries == (
        replace(entry, content=""),
    )


def _day(day: int | None) -> datetime | None:
    return None if day is None else datetime(2026, 1, day, tzinfo=UTC)


def _spec() -> FeedSpec:
    return FeedSpec(
        name=ALL,
        title="",
        term=None,
        formats=("rss",),
        base="https://f/",
        hubs=(),
        limit=9,
        max_bytes=9999,
        full=True,
    )


def _entry(day: int) -> Entry:
    moment = datetime(2026, 1, day, tzinfo=UTC)
    return Entry(
        id=f"{day}",
        url="https://news.example.com/",
        title="",
        published=moment,
        updated=moment,
        content="",
        summary="",
        authors=(),
        categories=(),
        tags=(),
    )
