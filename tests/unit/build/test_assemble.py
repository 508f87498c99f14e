"""A feed of its entries: their order, texts, and the date of its last update."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syndicator.build.assemble import assemble, feed_title
from syndicator.model.content import Entry, FeedSpec, SiteInfo, Term

SITE = SiteInfo(title="The Daily", url="https://news.example.com/")
NOW = datetime(2026, 1, 20, tzinfo=UTC)


def test_titles() -> None:
    """The title of a term's feed begins with the site's."""
    assert feed_title(SITE, None) == "The Daily"
    assert feed_title(SITE, Term(kind="category", label="News")) == "The Daily: News"


@pytest.mark.parametrize(
    ("days", "before", "expected"),
    [
        ([], None, None),
        ([3, 5, 4], None, 5),
        ([3], 9, 9),
        ([], 9, 9),
        ([3], 30, 3),
    ],
)
def test_a_feeds_updated_never_goes_backwards(
    days: list[int], before: int | None, expected: int | None
) -> None:
    """It is the newest entry's date, or the feed's date before if that is later.

    A date in the future is dropped: a post had a wrong one.
    """
    feed = assemble(_spec(), SITE, [_entry(day) for day in days], _day(before), NOW)
    assert feed.updated == _day(expected)
    assert len(feed.entries) == len(days)


def test_a_feed_of_summaries_has_no_texts() -> None:
    """Entries lose their content and keep their summary."""
    entry = replace(_entry(1), content="All.", summary="A part.")
    assert assemble(_spec(), SITE, [entry], None, NOW).entries == (entry,)
    assert assemble(replace(_spec(), full=False), SITE, [entry], None, NOW).entries == (
        replace(entry, content=""),
    )


def _day(day: int | None) -> datetime | None:
    return None if day is None else datetime(2026, 1, day, tzinfo=UTC)


def _spec() -> FeedSpec:
    return FeedSpec(
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


def _entry(day: int) -> Entry:
    date = datetime(2026, 1, day, tzinfo=UTC)
    return Entry(
        id=f"{day}",
        url="https://news.example.com/",
        title="",
        published=date,
        updated=date,
        content="",
        summary="",
        authors=(),
        categories=(),
        tags=(),
    )
