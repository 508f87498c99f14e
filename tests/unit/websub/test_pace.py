"""The first change is announced at once. Those that follow keep their pace."""

from datetime import UTC, datetime, timedelta

import pytest

from syndicator.model.outbox import Job, Ping
from syndicator.websub.pace import NO_PACE, Pace

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
PACE = Pace(timedelta(seconds=5))


def job(attempts: int = 0) -> Job:
    return Job(id=1, detail=Ping(), target="hub", topic="t", attempts=attempts, since=NOW, due=NOW)


@pytest.mark.parametrize(
    ("pace", "attempts", "seconds_ago", "wait"),
    [
        (PACE, 0, None, None),  # the first change of all
        (PACE, 0, 60, None),  # the first after a quiet time
        (PACE, 0, 5, None),
        (PACE, 0, 4.9, 0.1),
        (PACE, 0, 1, 4),
        (PACE, 0, 0, 5),
        (PACE, 0, -1, None),  # the clock was set back
        (PACE, 1, 1, None),  # a retry
        (NO_PACE, 0, 0, None),
        (NO_PACE, 0, 1, None),
    ],
)
def test_how_long_a_change_waits(
    pace: Pace, attempts: int, seconds_ago: float | None, wait: float | None
) -> None:
    """Until the interval since the last attempt to announce an earlier change is over."""
    attempted = None if seconds_ago is None else NOW - timedelta(seconds=seconds_ago)
    expected = None if wait is None else NOW + timedelta(seconds=wait)
    assert pace.end(job(attempts), attempted, NOW) == expected
