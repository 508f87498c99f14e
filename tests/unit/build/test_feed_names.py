"""The names of feeds and their files."""

import pytest

from syndicator.build.feed_names import (
    FeedNames,
    feed_name,
    feed_slug,
    feed_terms,
    fold,
    is_in_main_feed,
)
from syndicator.model.content import Term
from syndicator.store.feeds import FeedRow


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
    """Letters and digits of any script stay; other characters become hyphens."""
    slug = feed_slug(label)
    if "%s" in expected:
        assert slug.startswith("x-")
        assert len(slug) == 10
    else:
        assert slug == expected


def test_a_long_label_has_a_short_unique_name() -> None:
    """Slugs are limited in bytes; long labels with the same beginning get different ones."""
    one, other = feed_slug("é" * 300), feed_slug("é" * 299 + "x")
    assert len(one.encode()) <= 120
    assert one != other
    assert feed_slug("a" * 120) == "a" * 120
    assert feed_slug("a" * 121).startswith("a" * 110 + "-")


def test_labels_that_differ_in_case_width_and_space_are_one() -> None:
    """ "News" and " news" are one category."""
    assert fold("News") == fold("  ｎｅｗｓ ") == "news"


def test_a_taken_name_gets_a_number_and_a_problem() -> None:
    """Two labels with the same slug have two feeds; the first has the plain name."""
    first, no_problem = feed_name(Term(kind="category", label="News!"), set())
    second, problem = feed_name(Term(kind="category", label="News?"), {"category/news"})
    third, _ = feed_name(Term(kind="category", label="News."), {"category/news", "category/news-2"})
    assert (first, second, third) == ("category/news", "category/news-2", "category/news-3")
    assert no_problem is None
    assert problem is not None
    assert str(problem) == (
        'category/news-2: the category "News?" has this name '
        "because category/news is another category"
    )


def test_only_terms_of_configured_kinds_have_feeds() -> None:
    """A term counts once, in its first spelling; blank ones don't count."""
    terms = [
        Term(kind="category", label="News"),
        Term(kind="category", label="news"),
        Term(kind="tag", label="x"),
        Term(kind="category", label="  "),
    ]
    assert feed_terms(terms, {"category"}) == [terms[0]]
    assert feed_terms(terms, {"category", "tag"}) == [terms[0], terms[2]]
    both = [Term("category", "News"), Term("tag", "news")]
    assert feed_terms(both, {"category", "tag"}) == both


def test_collections_have_feeds_of_their_own() -> None:
    """As in jekyll-feed, documents of a collection are in its feed and not in the main feed."""
    assert is_in_main_feed([Term(kind="category", label="News")])
    assert not is_in_main_feed([Term(kind="collection", label="recipes")])


def test_a_name_once_given_stays() -> None:
    """A label keeps its feed's name in any spelling; `take_new` returns each new name once."""
    row = FeedRow(name="category/news-2", kind="category", label="News?", folded="news?")
    names = FeedNames([row], {"category"})
    terms = (Term("category", " NEWS? "), Term("category", "News!"), Term("tag", "x"))
    assert names.of_all(terms) == ("all", "category/news-2", "category/news")
    assert names.of_all((Term("category", "News."),)) == ("all", "category/news-3")
    new, problems = names.take_new()
    assert [row.name for row in new] == ["category/news", "category/news-3"]
    assert list(problems) == ["category/news-3"]
    assert names.take_new() == ([], {})
    assert names.of_all(terms) == ("all", "category/news-2", "category/news")


GERMAN, ENGLISH = Term(kind="language", label="de"), Term(kind="language", label="en")
NEWS = Term(kind="category", label="News")


def test_the_feeds_of_a_translation() -> None:
    """Only that of its language; posts of the default language have the others too."""
    names = FeedNames([], {"category", "language"}, "en")
    assert names.of_all((NEWS, GERMAN)) == ("language/de",)
    assert names.of_all((NEWS, ENGLISH)) == ("all", "category/news", "language/en")
    assert not is_in_main_feed([GERMAN], "en")
    assert is_in_main_feed([GERMAN], "de")


def test_a_post_of_a_collection_is_in_its_feed_only() -> None:
    """Also if a term of it was seen before; a new term's feed is stored with its first label."""
    names = FeedNames([], {"category", "collection"})
    assert names.of_all((Term("collection", "recipes"),)) == ("collection/recipes",)
    assert names.of_all((Term("category", " Soup "), Term("category", "SOUP"))) == (
        "all",
        "category/soup",
    )
    assert names.take_new()[0] == [
        FeedRow(name="collection/recipes", kind="collection", label="recipes", folded="recipes"),
        FeedRow(name="category/soup", kind="category", label="Soup", folded="soup"),
    ]


def test_problems_of_new_names() -> None:
    """Until they are taken to be stored."""
    names = FeedNames([], {"category"})
    names.of_all((Term("category", "News!"), Term("category", "News?")))
    assert [problem.path for problem in names.problems] == ["category/news-2"]
    names.take_new()
    assert names.problems == []
