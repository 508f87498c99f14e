"""Places of posts as binary numbers, and the intervals that pages are named by."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicator.model.places import EVERYTHING, Interval, Place, common_bits, interval_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DATES = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 9).map(lambda step: AT + timedelta(microseconds=step)),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), AT]),
)
#: Also what isn't UTF-8: names of files may have any bytes, which Python reads as surrogates.
PATHS = st.text("ab/é日\U0001f600\udc80\ud7ff\uffff", min_size=1, max_size=8)
PLACES = st.builds(Place, DATES, PATHS)
BITS = st.integers(0, 140)


@given(PLACES, PLACES)
def test_keys_have_the_order_of_places(one: Place, other: Place) -> None:
    assert (one < other) == (one.key < other.key)
    assert (one == other) == (one.key == other.key)


@given(PLACES, BITS, BITS)
def test_intervals_of_a_place_include_each_other(place: Place, one: int, other: int) -> None:
    """The one of fewer bits is the larger."""
    larger, smaller = (interval_of(place, bits) for bits in sorted((one, other)))
    assert larger.holds(place)
    assert larger.includes(smaller)
    assert smaller.includes(larger) == (one == other)
    assert EVERYTHING.includes(larger)


@given(PLACES, PLACES)
def test_two_places_part_after_their_common_bits(one: Place, other: Place) -> None:
    if one == other:
        return
    bits = common_bits(one.key, other.key)
    assert interval_of(one, bits) == interval_of(other, bits)
    assert interval_of(one, bits + 1) != interval_of(other, bits + 1)


@given(PLACES, BITS)
def test_an_interval_has_the_dates_of_its_places(place: Place, bits: int) -> None:
    interval = interval_of(place, bits)
    assert interval.first <= place.published <= interval.last


@given(PLACES, PLACES, BITS, BITS)
def test_names_are_unique(one: Place, other: Place, bits: int, other_bits: int) -> None:
    """Among all intervals that hold some post, and without a character that a path may not have."""
    intervals = interval_of(one, bits), interval_of(other, other_bits)
    assert (intervals[0] == intervals[1]) == (intervals[0].name == intervals[1].name)
    assert set(intervals[0].name) <= set("0123456789abcdef-")
    assert len(intervals[0].name) <= 32


@pytest.mark.parametrize(
    ("interval", "name"),
    [
        (EVERYTHING, "00010101-000000-64"),
        (interval_of(Place(AT, "a"), 1), "19700101-000000-63"),
        (interval_of(Place(AT, "a"), 44), "20260102-030404-20"),
        (interval_of(Place(datetime(9999, 12, 31, tzinfo=UTC), "a"), 20), "99991110-110303-44"),
    ],
)
def test_names_say_when_and_how_long(interval: Interval, name: str) -> None:
    assert interval.name == name


@pytest.mark.parametrize("bits", [45, 64, 72, 100])
def test_names_within_a_second(bits: int) -> None:
    """They begin with the second, and do not end like a length."""
    second, digest = interval_of(Place(AT, "_posts/a.md"), bits).name.rsplit("-", 1)
    assert second in ("20260102-030404", "20260102-030405")
    assert len(digest) == 16
