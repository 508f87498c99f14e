"""Which lanes get more jobs."""

import pytest

from syndicator.model.outbox import JobKind
from syndicator.push import lanes


@pytest.mark.parametrize(
    ("full", "kinds"),
    [
        (set(), set(JobKind)),
        ({"hubs"}, {JobKind.DELIVER, JobKind.VERIFY, JobKind.DENY}),
        ({"deliveries"}, {JobKind.PING, JobKind.VERIFY, JobKind.DENY}),
        ({"verifications"}, {JobKind.PING, JobKind.DELIVER}),
        (set(lanes.LANES), set()),
    ],
)
def test_no_more_jobs_are_claimed_for_a_full_lane(full: set[str], kinds: set[JobKind]) -> None:
    """The other lanes get theirs."""
    waiting = {lane: lanes.LANE_LIMIT - (lane not in full) for lane in lanes.LANES}
    assert set(lanes.kinds_with_room(waiting.__getitem__)) == kinds
