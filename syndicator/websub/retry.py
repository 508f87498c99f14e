"""When a request that failed is tried again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from syndicator.model.outbox import Response

#: The longest wait an answer may ask for. A day: long enough for any maintenance, too short to be forgotten.
RETRY_AFTER_CAP = timedelta(days=1)

#: How much longer than scheduled a wait may become, so that targets that failed together return one by one.
JITTER = 0.25

#: When a subscription ends: every delivery attempt failed for this long, and so many of them. A week is longer than any
#: weekend or holiday; and since a quiet feed makes few attempts (seven a post by default), the posts of one day, or of
#: two moments a week apart, are not enough.
LOST_AFTER, LOST_ATTEMPTS = timedelta(days=7), 20


def is_lost(failing: datetime | None, failures: int, now: datetime) -> bool:
    """Whether a subscription ends: `failures` attempts in a row failed, the first of them at `failing`."""
    return failing is not None and now - failing >= LOST_AFTER and failures >= LOST_ATTEMPTS


def next_attempt(
    attempts: int, schedule: Sequence[timedelta], answer: Response, now: datetime, jitter: float
) -> datetime | None:
    """The time of the next attempt; None: give up.

    `attempts` counts those made so far, this one included: there is one, then one after each wait of the
    schedule. `jitter` is from 0 to 1. A `Retry-After` that is longer than the wait wins, up to a day.
    """
    if attempts > len(schedule):
        return None
    wait = schedule[attempts - 1] * (1 + JITTER * jitter)
    return now + max(wait, retry_after(answer, now) or wait)


def retry_after(answer: Response, now: datetime) -> timedelta | None:
    """How long an answer asks to be left alone (RFC 9110 §10.2.3), capped; None: it doesn't say."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # More digits than any sensible wait has; int() of a long text is slow, and timedelta overflows.
        return (
            min(timedelta(seconds=int(value)), RETRY_AFTER_CAP)
            if len(value) < 10
            else RETRY_AFTER_CAP
        )
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    wait = date.replace(tzinfo=date.tzinfo or UTC) - now
    return min(max(wait, timedelta()), RETRY_AFTER_CAP)
