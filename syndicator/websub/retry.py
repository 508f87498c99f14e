"""How often a failed ping or other job is retried: once after each wait of its schedule.

After the last wait the job is given up. This module also decides when failed deliveries end a
subscription.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct

from syndicator.model.outbox import Response

#: The longest `Retry-After` that is obeyed. A day is enough for any maintenance, and a retry after
#: a day still comes in time.
RETRY_AFTER_CAP = timedelta(days=1)

#: How often a verification is retried while its callback gives no answer. Any answer decides it.
VERIFY_RETRIES = 2

#: The largest random extension of a wait, as a part of it. Jobs that failed together are then not
#: retried together.
JITTER = 0.25

#: A subscription ends when every delivery failed for this long. A week is longer than any weekend
#: or holiday.
LOST_AFTER = timedelta(days=7)

#: A subscription ends only after so many failed attempts in a row. A quiet feed makes few (seven
#: for a post by default), so the posts of one day, or of two days a week apart, are not enough.
LOST_ATTEMPTS = 20


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """The schedules of retries: the wait before each."""

    pings: Sequence[timedelta]
    callbacks: Sequence[timedelta]  #: of deliveries and denials

    def pings_after(self, answer: Response) -> Sequence[timedelta]:
        """The schedule of a ping that got this answer.

        A hub that refuses one will refuse the next (RFC 9110 §15.5): one retry is enough for a hub
        that is just being installed. 408 and 429 ask for another try (§15.5.9, RFC 6585 §4).
        """
        refused = answer.status is not None and 400 <= answer.status < 500
        return self.pings[:1] if refused and answer.status not in (408, 429) else self.pings

    @property
    def verifications(self) -> Sequence[timedelta]:
        return self.callbacks[:VERIFY_RETRIES]

    @property
    def longest(self) -> timedelta:
        """The longest wait before any retry, without its random part."""
        return max([RETRY_AFTER_CAP, *self.pings, *self.callbacks])


def is_lost(failing: datetime | None, failures: int, now: datetime) -> bool:
    """Whether a subscription ends: `failures` attempts in a row failed, the first at `failing`."""
    return failing is not None and now - failing >= LOST_AFTER and failures >= LOST_ATTEMPTS


def next_attempt(
    attempts: int, schedule: Sequence[timedelta], answer: Response, now: datetime, jitter: float
) -> datetime | None:
    """The time of the next attempt; None: give up.

    `attempts` counts those made so far, this one included. `jitter` is from 0 to 1. A `Retry-After`
    that is longer than the scheduled wait replaces it, up to `RETRY_AFTER_CAP`.
    """
    if attempts > len(schedule):
        return None
    wait = schedule[attempts - 1] * (1 + JITTER * jitter)
    return now + max(wait, retry_after(answer, now) or wait)


def retry_after(answer: Response, now: datetime) -> timedelta | None:
    """The wait an answer asks for (RFC 9110 §10.2.3), capped; None: it asks for none."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # Ten digits are longer than the cap; int() of a long text is slow, and timedelta overflows.
        seconds = int(value) if len(value) < 10 else RETRY_AFTER_CAP.total_seconds()
        return min(timedelta(seconds=seconds), RETRY_AFTER_CAP)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    wait = date.replace(tzinfo=date.tzinfo or UTC) - now
    return min(max(wait, timedelta()), RETRY_AFTER_CAP)
