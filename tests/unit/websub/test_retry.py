"""One attempt, then one after each wait of the schedule; then it is given up."""

from datetime import UTC, datetime, timedelta

import pytest

from syndicator.model.outbox import Response
from syndicator.websub.retry import RetryPolicy, is_lost, next_attempt, retry_after

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
Schedule = tuple[timedelta, ...]
SCHEDULE = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))


def seconds(time: datetime | None) -> float | None:
    return None if time is None else (time - NOW).total_seconds()


@pytest.mark.parametrize(
    ("attempts", "jitter", "after", "wait"),
    [
        (1, 0.0, None, 5),
        (2, 0.0, None, 30),
        (3, 0.0, None, 120),
        (4, 0.0, None, None),  # no wait left
        (1, 1.0, None, 6.25),  # jitter only ever lengthens
        (2, 0.5, None, 33.75),
        (1, 0.0, "3", 5),  # a shorter Retry-After is ignored
        (1, 0.0, "90", 90),
        (3, 0.0, "90", 120),
        (4, 0.0, "90", None),  # a Retry-After adds no retry
        (1, 0.0, "Thu, 15 Jan 2026 12:10:00 GMT", 600),
        (1, 0.0, "Thu, 15 Jan 2026 11:00:00 GMT", 5),
        (1, 0.0, "999999999", 86400),  # capped at a day
        (1, 0.0, "9" * 5000, 86400),
        (1, 0.0, "Thu, 15 Jan 2036 12:10:00 GMT", 86400),
        (1, 0.0, "soon", 5),
        (1, 0.0, "-5", 5),
        (1, 0.0, "٣", 5),  # a digit, but not in HTTP
    ],
)
def test_the_next_attempt(
    attempts: int, jitter: float, after: str | None, wait: float | None
) -> None:
    """The scheduled wait plus jitter, or a longer Retry-After of up to a day."""
    answer = Response(status=503, headers={} if after is None else {"retry-after": after})
    assert wait == seconds(next_attempt(attempts, SCHEDULE, answer, NOW, jitter))


def test_an_empty_schedule_gives_up_at_once() -> None:
    """`retry = []` means one attempt."""
    assert next_attempt(1, (), Response(status=500), NOW, 0.0) is None


def test_no_answer_asks_for_no_wait() -> None:
    """Without an answer there is no Retry-After."""
    assert retry_after(Response(status=None, error="refused"), NOW) is None


@pytest.mark.parametrize(
    ("status", "retries"),
    [(None, 3), (301, 3), (400, 1), (404, 1), (408, 3), (429, 3), (499, 1), (500, 3), (503, 3)],
)
def test_a_ping_that_is_refused_is_tried_once_more(status: int | None, retries: int) -> None:
    """What a hub refuses, it refuses again. 408 and 429 ask for another try."""
    policy = RetryPolicy(pings=SCHEDULE, callbacks=SCHEDULE)
    assert policy.pings_after(Response(status=status)) == SCHEDULE[:retries]
    assert RetryPolicy(pings=(), callbacks=()).pings_after(Response(status=status)) == ()


@pytest.mark.parametrize(
    ("days", "failures", "lost"),
    [
        (None, 99, False),  # none failed
        (3, 500, False),  # a long weekend, of a feed that changes often
        (6.9, 500, False),
        (7, 19, False),  # two posts, a week apart
        (7, 20, True),
        (30, 7, False),
        (30, 99, True),
        (-1, 99, False),  # the clock was set back
    ],
)
def test_a_subscription_ends_after_a_week_of_failures(
    days: float | None, failures: int, lost: bool
) -> None:
    """Long enough for any holiday, and enough failures for a feed that rarely changes."""
    failing = None if days is None else NOW - timedelta(days=days)
    assert is_lost(failing, failures, NOW) == lost


@pytest.mark.parametrize(
    ("pings", "callbacks", "verifications", "longest"),
    [
        ((), (), (), DAY),
        (SCHEDULE, SCHEDULE[:1], SCHEDULE[:1], DAY),
        ((), SCHEDULE, SCHEDULE[:2], DAY),
        ((2 * DAY,), SCHEDULE, SCHEDULE[:2], 2 * DAY),
        ((), (3 * DAY,), (3 * DAY,), 3 * DAY),
    ],
)
def test_the_schedules_of_a_policy(
    pings: Schedule, callbacks: Schedule, verifications: Schedule, longest: timedelta
) -> None:
    """A verification is retried twice at most. A Retry-After may be the longest wait."""
    policy = RetryPolicy(pings=pings, callbacks=callbacks)
    assert (policy.verifications, policy.longest) == (verifications, longest)
