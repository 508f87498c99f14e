"""What a push does where its caller gives no other function."""

from datetime import UTC, datetime, timedelta

from syndicator.model.outbox import Response
from syndicator.push.context import PushOptions
from syndicator.websub.retry import RetryPolicy, next_attempt

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RETRY = RetryPolicy(pings=[timedelta(minutes=1)], callbacks=[])


def test_jobs_that_failed_together_are_retried_apart() -> None:
    """A thousand waits are spread, and none is shorter than the schedule's."""
    options = PushOptions(claimer="a", retry=RETRY)
    failed = Response(status=500)
    times = {next_attempt(1, RETRY.pings, failed, NOW, options.jitter()) for _ in range(1000)}
    assert len(times) > 900
    assert all(time and time >= NOW + timedelta(minutes=1) for time in times)
