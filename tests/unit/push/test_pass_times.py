"""When a pass claims and records, and when it is over."""

import pytest

from syndicator.push.pass_times import (
    CLAIM_INTERVAL,
    CLAIM_LIMIT,
    CLAIM_PER_HOST,
    RECORD_INTERVAL,
    RECORD_LIMIT,
    PassTimes,
)

NOW = 1000.0


@pytest.mark.parametrize(
    ("number", "wait"),
    [(0, CLAIM_INTERVAL), (CLAIM_LIMIT - 1, CLAIM_INTERVAL), (CLAIM_LIMIT, 0)],
)
def test_a_claim_waits_for_its_interval(number: int, wait: float) -> None:
    """Not the first one, and none after a full one: more jobs are due."""
    times = PassTimes()
    assert times.claims(NOW)
    times.claim_done(number, NOW)
    assert [times.claims(NOW + after) for after in (wait - 0.01, wait)] == [False, True]


def test_a_claim_does_not_wait_if_a_job_was_queued() -> None:
    """The pass was nudged."""
    times = PassTimes()
    times.claim_done(1, NOW)
    times.claim_soon()
    assert times.claims(NOW)


@pytest.mark.parametrize(
    ("outcomes", "busy", "elapsed", "records"),
    [
        (0, False, 9, False),
        (1, True, 0, False),
        (1, True, RECORD_INTERVAL, True),
        (RECORD_LIMIT - 1, True, 0, False),
        (RECORD_LIMIT, True, 0, True),
        (1, False, 0, True),
    ],
)
def test_outcomes_are_recorded_together(
    outcomes: int, busy: bool, elapsed: float, records: bool
) -> None:
    """After the interval, many at once, and the last ones without a wait."""
    times = PassTimes()
    times.record_done(NOW)
    assert times.records(outcomes, busy=busy, now=NOW + elapsed) is records


def test_the_first_outcome_is_recorded_at_once() -> None:
    """Nothing was recorded before it."""
    assert PassTimes().records(1, busy=True, now=NOW)


@pytest.mark.parametrize(
    ("claimed", "over"),
    [
        ([0], True),
        ([CLAIM_PER_HOST - 1], True),
        ([CLAIM_PER_HOST], False),
        ([CLAIM_PER_HOST, 0], False),
        ([CLAIM_LIMIT], False),
    ],
)
def test_a_pass_is_over_when_nothing_more_can_be_due(claimed: list[int], over: bool) -> None:
    """A host that had as many jobs as one may have claimed can have more that are due."""
    times = PassTimes()
    for number in claimed:
        times.claim_done(number, NOW)
    times.pages_done(claimed=False, now=NOW)
    assert times.is_over(NOW) is over


def test_the_rest_is_claimed_at_once_and_ends_the_pass() -> None:
    """If nothing is left."""
    times = PassTimes()
    times.pages_done(claimed=False, now=NOW)
    times.claim_done(CLAIM_PER_HOST, NOW)
    times.claim_rest(NOW)
    assert (times.claims(NOW), times.is_over(NOW)) == (True, False)
    times.claim_done(0, NOW)
    assert times.is_over(NOW)


def test_a_pass_is_not_over_while_a_claim_is_due() -> None:
    """The next claim may find jobs. What was claimed still counts after it."""
    times = PassTimes()
    times.claim_done(CLAIM_PER_HOST, NOW)
    later = NOW + CLAIM_INTERVAL
    times.claim_rest(later)
    assert not times.is_over(later)
    times.claim_done(0, later)
    assert not times.is_over(later)


def test_pages_are_claimed_until_none_is_due() -> None:
    """Then they are looked for at intervals. A pass is not over while some may be due."""
    times = PassTimes()
    times.claim_done(0, NOW)
    assert (times.takes_pages(NOW), times.is_over(NOW)) == (True, False)
    times.pages_done(claimed=True, now=NOW)
    assert (times.takes_pages(NOW), times.is_over(NOW)) == (True, False)
    times.pages_done(claimed=False, now=NOW)
    assert (times.takes_pages(NOW), times.is_over(NOW)) == (False, True)
    assert times.takes_pages(NOW + CLAIM_INTERVAL)
