"""Which pages of an archive are made again, stay or end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import archive_page

from syndicator.build import archive_plan
from syndicator.build.archive_plan import END
from syndicator.build.page_borders import Block, block_around, blocks
from syndicator.model.archive import ArchivePage
from syndicator.model.places import EVERYTHING, Interval, Place, interval_of

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MOST = 3


def place(day: float) -> Place:
    return Place(BEGIN + timedelta(days=day), "a.md")


def page_of(block: Block, **fields: object) -> ArchivePage:
    values: dict[str, object] = {
        "block": block.interval,
        "oldest": block.places[0],
        "newest": block.places[-1],
    }
    return archive_page(f"all/{block.interval.name}", {}, **(values | fields))


def pages_of(*days: float) -> list[ArchivePage]:
    return [page_of(block) for block in blocks([place(day) for day in days], MOST)]


@pytest.mark.parametrize(("limit", "posts"), [(1, 10), (10, 10), (21, 10), (22, 11), (50, 25)])
def test_posts_on_a_page(limit: int, posts: int) -> None:
    """Half of the newest document's, but not fewer than ten."""
    assert archive_plan.posts_on_a_page(limit) == posts


@pytest.mark.parametrize(("shown", "posts"), [(0, 0), (1, 0), (2, 1), (10, 5), (11, 5)])
def test_the_newest_half_needs_no_page(shown: int, posts: int) -> None:
    assert archive_plan.posts_without_page(shown) == posts


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ((), 12),  # the block itself
        ((12,), 12),
        ((20,), 12),  # its page was smaller, and is joined with its neighbour
        ((8,), 8),  # its page was larger, and is divided: all of it
        ((8, 3), 3),
    ],
)
def test_what_is_divided_again(used: tuple[int, ...], expected: int) -> None:
    at = place(5)
    elsewhere = interval_of(Place(datetime(1960, 1, 1, tzinfo=UTC), "a.md"), 2)
    pages = {elsewhere, *(interval_of(at, bits) for bits in used)}
    region = archive_plan.region(at, Block(interval_of(at, 12), (at,)), pages)
    assert region == interval_of(at, expected)


@given(st.lists(st.builds(interval_of, st.floats(0, 999).map(place), st.integers(0, 70))))
def test_outermost_intervals(intervals: list[Interval]) -> None:
    """Together they include all, and none another."""
    kept = archive_plan.outermost(intervals)
    assert all(any(one.includes(other) for one in kept) for other in intervals)
    assert not any(one.includes(other) for one in kept for other in kept if one != other)
    assert len(kept) == len(set(kept))


def test_pages_outside_of_the_regions_stay() -> None:
    pages = pages_of(1, 2, 3, 4, 50, 51, 52, 200, 201)
    changed = next(page for page in pages if page.block.holds(place(50)))
    plan = archive_plan.decide(pages, [changed.block], [], END)
    assert plan.replaced == (changed,)
    assert plan.keep == tuple(page for page in pages if page != changed)


def test_posts_that_need_no_page() -> None:
    """A page that only has such posts ends. One that begins before them has some of them, too."""
    divided = list(blocks([place(day) for day in (1, 2, 3, 4, 50, 51, 52, 200, 201)], MOST))
    pages = [page_of(block) for block in divided]
    plan = archive_plan.decide(pages, [EVERYTHING], divided, place(51))
    assert {one for block in plan.make for one in block.places} >= {place(4), place(50)}
    assert all(block.places[0] < place(51) for block in plan.make)
    kept = archive_plan.decide(pages, [], [], place(51))
    assert [page.block for page in kept.keep] == [block.interval for block in plan.make]
    assert {page.newest for page in kept.replaced} >= {place(201)}


def test_blocks_are_made_oldest_first() -> None:
    """Each page is linked with one that is there."""
    divided = list(blocks([place(day) for day in range(40)], MOST))
    plan = archive_plan.decide([], [EVERYTHING], reversed(divided), END)
    assert list(plan.make) == divided


@pytest.mark.parametrize(
    ("newest", "days", "expected"),
    [
        (4, (), None),  # its entries are in the feed's own document
        (300, (1, 2, 3, 4, 50), None),
        (50, (1, 2, 3, 4, 50), 50),
        (49, (1, 2, 3, 4, 50), 4),  # the next older one
        (0, (1, 2, 3, 4, 50), None),  # it had the oldest, which are gone
    ],
)
def test_where_a_page_that_ended_leads(
    newest: float, days: tuple[float, ...], expected: float | None
) -> None:
    pages = pages_of(*days)
    ended = page_of(Block(EVERYTHING, (place(0), place(newest))), feed="all")
    page = next((each for each in pages if each.block.holds(place(expected or 0))), None)
    name = page.name if page and expected is not None else "all"
    assert archive_plan.moved_to(ended, pages) == name


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=60), st.lists(st.integers(0, 400), max_size=4)
)
def test_regions_lead_to_a_division_from_nothing(days: set[int], changes: list[int]) -> None:
    """Any posts that come or go, and in any order."""
    before = sorted(map(place, days))
    after = sorted(map(place, days.symmetric_difference(changes)))
    pages = [page_of(block) for block in blocks(before, MOST)]
    used = {page.block for page in pages}
    regions = archive_plan.outermost(
        archive_plan.region(at, block_around(at, around(at, after), MOST), used)
        for at in map(place, changes)
    )
    divided = [
        block
        for one in regions
        for block in blocks([each for each in after if one.holds(each)], MOST, one)
    ]
    plan = archive_plan.decide(pages, regions, divided, END)
    left = {page.block for page in plan.keep} | {block.interval for block in plan.make}
    assert left == {block.interval for block in blocks(after, MOST)}
    assert len(plan.make) <= 3 * len(changes)


def around(at: Place, feed: list[Place]) -> list[Place]:
    older = [other for other in feed if other < at][-MOST - 1 :]
    return [*older, *[other for other in feed if other >= at][: MOST + 2]]
