"""A feed of its entries: their order, texts, and the date of its last update."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from msgspec.structs import replace
from values import SITE, entry, spec

from syndicator.build.assemble import assemble, content_key, feed_title
from syndicator.model.content import Entry, Feed, Term

NOW = datetime(2026, 1, 20, tzinfo=UTC)
FEED = Feed(spec=spec(), site=SITE, updated=None, entries=(entry(),))


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
        ([3], 20, 20),
        ([3], 21, 3),
        ([3], 30, 3),
    ],
)
def test_a_feeds_updated_never_goes_backwards(
    days: list[int], before: int | None, expected: int | None
) -> None:
    """It is the newest entry's date, or the feed's date before if that is later.

    A date a day or more ahead is dropped: a post had a wrong one.
    """
    feed = assemble(spec(), SITE, [dated(day) for day in days], _day(before), NOW)
    assert feed.updated == _day(expected)
    assert len(feed.entries) == len(days)


def test_a_feed_of_summaries_has_no_texts() -> None:
    """Entries lose their content and keep their summary."""
    whole = entry(content="All.", summary="A part.")
    assert assemble(spec(), SITE, [whole], None, NOW).entries == (whole,)
    assert assemble(spec(full=False), SITE, [whole], None, NOW).entries == (
        replace(whole, content=""),
    )


def dated(day: int) -> Entry:
    return entry(updated=_day(day))


def _day(day: int | None) -> datetime | None:
    return None if day is None else datetime(2026, 1, day, tzinfo=UTC)


def key(
    feed: Feed = FEED,
    keys: tuple[str, ...] = ("k",),
    version: str = "1",
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> str:
    return content_key(feed, keys, version, dict(aliases))


def test_equal_keys_mean_equal_files() -> None:
    """The key differs with everything that the files are made of. The entries have their own."""
    others = {
        key(replace(FEED, spec=spec(limit=8))),
        key(replace(FEED, site=replace(SITE, title="Other"))),
        key(replace(FEED, updated=_day(2))),
        key(keys=("other",)),
        key(keys=("k", "k")),
        key(version="2"),
        key(aliases={"feed.xml": "all.rss"}),
    }
    assert len(others | {key()}) == 8
    assert key(replace(FEED, entries=())) == key()
