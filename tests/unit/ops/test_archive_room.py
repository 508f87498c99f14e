"""The estimate of the disk space that archives take."""

import pytest

from syndicator.ops.archive_room import Estimate, FeedSize, estimate


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([FeedSize(posts=1010, shown=20, bytes=4000)], Estimate(1000, 200_000)),
        ([FeedSize(posts=20, shown=20, bytes=4000)], Estimate(0, 0)),  # its files show all
        ([FeedSize(posts=0, shown=0, bytes=100)], Estimate(0, 0)),
        ([FeedSize(posts=9, shown=0, bytes=100)], Estimate(0, 0)),  # no post fits, or unknown
        (
            [FeedSize(posts=3, shown=1, bytes=7), FeedSize(posts=30, shown=20, bytes=4000)],
            Estimate(23, 4021),
        ),
    ],
)
def test_the_estimate(sizes: list[FeedSize], expected: Estimate) -> None:
    """The bytes of an entry, for all but half of the posts that a feed's files show."""
    assert estimate(sizes) == expected
