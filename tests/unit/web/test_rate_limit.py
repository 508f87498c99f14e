"""The limit on events of a key within a window."""

import pytest

from syndicator.web.rate_limit import RateLimit


@pytest.mark.parametrize(
    ("events", "last"),
    [
        ([(0.0, 1), (0.0, 1)], None),
        ([(0.0, 1), (0.0, 1), (10.0, 1)], 50.0),
        ([(0.0, 1), (0.0, 1), (59.0, 1)], 1.0),
        ([(0.0, 1), (0.0, 1), (60.0, 1)], None),  # the window is over
        ([(0.0, 1), (59.0, 1), (60.0, 1), (60.0, 1), (61.0, 1)], 59.0),  # the next one is full
        ([(0.0, 2)], None),
        ([(0.0, 3)], 60.0),
        ([(0.0, 1), (0.0, 2), (0.0, 0)], 60.0),  # refused events count, too
        ([(0.0, 2), (0.0, 0)], None),
        ([(0.0, 2), (-1.0, 1)], None),  # the clock was set back
    ],
)
def test_a_limit_holds_from_the_first_event_on(
    events: list[tuple[float, int]], last: float | None
) -> None:
    """Beyond it a key waits until the window ends. Events are a time and a number."""
    limit: RateLimit[str] = RateLimit(2, 60.0)
    assert [limit.wait("a", now, number=number) for now, number in events][-1] == last


def test_each_key_is_counted_alone() -> None:
    """One client over its limit does not limit others."""
    limit: RateLimit[str] = RateLimit(1, 60.0)
    assert [limit.wait(key, 0.0) for key in ("a", "b", "a")] == [None, None, 60.0]


def test_another_version_is_counted_anew() -> None:
    """Also one that the key requested before."""
    limit: RateLimit[str] = RateLimit(1, 60.0)
    assert [limit.wait("a", 0.0, version=version) for version in (1, 2, 1)] == [None] * 3
    assert limit.wait("a", 0.0, version=1) == 60.0


def test_memory_is_bounded() -> None:
    """The key that was not seen for longest is dropped first, whether it is limited or not."""
    limit: RateLimit[str] = RateLimit(1, 60.0, counted_keys=2)
    for key in "abac":
        limit.wait(key, 0.0)
    assert [limit.wait(key, 0.0) for key in "acb"] == [60.0, 60.0, None]
