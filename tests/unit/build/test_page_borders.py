"""Where the pages of an archive begin and end."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from syndicator.build.page_borders import Block, block_around, blocks, halves
from syndicator.model.places import Place

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)

#: Dates as sites have them: days, so that posts share one, seconds, and any.
DATES = st.one_of(
    st.integers(0, 30).map(lambda days: BEGIN + timedelta(days=days)),
    st.integers(0, 10**7).map(lambda seconds: BEGIN + timedelta(seconds=seconds)),
    st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)).map(
        lambda date: date.replace(tzinfo=UTC)
    ),
)
PLACES = st.builds(Place, DATES, st.text("ab/-é", min_size=1, max_size=6))
FEEDS = st.sets(PLACES, max_size=60).map(sorted)
MOST = st.integers(1, 8)


@given(FEEDS, MOST)
def test_every_post_is_in_one_block_in_the_feeds_order(feed: list[Place], most: int) -> None:
    divided = list(blocks(feed, most))
    assert [place for block in divided for place in block.places] == feed
    assert all(1 <= len(block.places) <= most for block in divided)
    assert len({block.interval.name for block in divided}) == len(divided)


@given(FEEDS, MOST)
def test_two_neighbours_from_one_interval_do_not_fit_into_one_block(
    feed: list[Place], most: int
) -> None:
    for older, newer in pairwise(blocks(feed, most)):
        if older.interval.bits == newer.interval.bits and older.interval.bits:
            both = older.places + newer.places
            if halves(both) == (older, newer):
                assert len(both) > most


@given(FEEDS, PLACES, MOST)
def test_a_new_post_changes_one_block_or_halves_it(
    feed: list[Place], place: Place, most: int
) -> None:
    before = set(blocks(feed, most))
    after = set(blocks(sorted({*feed, place}), most))
    assert len(before - after) <= 1
    assert len(after - before) <= 2


@given(FEEDS, MOST, st.data())
def test_a_removed_post_changes_one_block_or_joins_two(
    feed: list[Place], most: int, data: st.DataObject
) -> None:
    if not feed:
        return
    place = data.draw(st.sampled_from(feed))
    before = set(blocks(feed, most))
    after = set(blocks([other for other in feed if other != place], most))
    assert len(before - after) <= 2
    assert len(after - before) <= 1


@given(FEEDS, MOST)
def test_new_posts_at_the_end_change_the_newest_block_only(feed: list[Place], most: int) -> None:
    before = list(blocks(feed, most))
    newest = Place(max((place.published for place in feed), default=BEGIN), "zzzzzzz")
    after = list(blocks([*feed, newest], most))
    assert after[: len(before) - 1] == before[:-1]


@given(FEEDS, PLACES, MOST)
def test_a_block_is_found_from_the_posts_around_a_place(
    feed: list[Place], place: Place, most: int
) -> None:
    older = [other for other in feed if other < place][-most - 1 :]
    newer = [other for other in feed if other > place][: most + 1]
    found = block_around(place, [*older, *([place] if place in feed else []), *newer], most)
    if place in feed:
        assert found in blocks(feed, most)
    else:
        # Where it would be: with it, the block has one more post, or is halved.
        assert found.interval.holds(place)
        assert len(found.places) <= most
        inside = tuple(other for other in feed if found.interval.holds(other))
        assert found == Block(found.interval, inside)


@given(FEEDS, MOST)
def test_the_dates_of_an_interval_hold_its_posts(feed: list[Place], most: int) -> None:
    for block in blocks(feed, most):
        first, last = block.interval.first, block.interval.last
        assert all(first <= place.published <= last for place in block.places)
