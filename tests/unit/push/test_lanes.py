"""Which lane and queue a job waits in."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syndicator.model.outbox import Delivery, Denial, Job, JobKind, Ping
from syndicator.push import lanes

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
JOB = Job(
    id=1,
    detail=Ping(),
    target="https://a.example:8443/",
    topic="t",
    attempts=0,
    since=NOW,
    due=NOW,
    host="a.example:8443",
)


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


@pytest.mark.parametrize(
    ("job", "queue"),
    [
        (JOB, "a.example:8443"),
        (replace(JOB, detail=Delivery(), host="93.184.215.14"), "93.184.215.14"),
        (replace(JOB, detail=Denial(), host="127.0.0.1"), "127.0.0.1:8443"),
    ],
)
def test_each_port_of_a_hub_has_a_queue(job: Job, queue: str) -> None:
    """All ports of a public callback share one, see `queue_key`."""
    assert lanes.queue_of(job) == queue
