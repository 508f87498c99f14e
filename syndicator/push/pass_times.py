"""When a pass claims and records, and when it is over."""

from msgspec import Struct

#: Jobs that one claim takes.
CLAIM_LIMIT = 512

#: Jobs of one host that may be claimed at once. With `CLAIM_INTERVAL`, one host is sent at most
#: 4 × 128 deliveries a second, and a claim always has room for another host.
CLAIM_PER_HOST = 128

#: Seconds between two claims, and the longest wait for a response before the next claim.
CLAIM_INTERVAL = 0.25

#: Seconds for which outcomes are collected before they are recorded together.
RECORD_INTERVAL = 0.03

#: Responses that are judged at a time, before it is time for something else.
COLLECT_LIMIT = 32

#: Outcomes that are recorded at once even before that. A crash sends at most these a second time.
RECORD_LIMIT = 50


class PassTimes(Struct):
    """The times of the next claim and record: seconds of a monotonic clock, 0 at the beginning.

    Each step of a pass asks it, and reports what it did.
    """

    claim_at: float = 0.0
    record_at: float = 0.0
    pages_at: float = 0.0
    claimed: int = 0  #: jobs, since the pass began or claimed the rest

    def claims(self, now: float) -> bool:
        """Whether it is time to claim."""
        return now >= self.claim_at

    def claim_done(self, number: int, now: float) -> None:
        """Wait for the next claim, but not after a full one: more jobs are due."""
        self.claim_at = now if number == CLAIM_LIMIT else now + CLAIM_INTERVAL
        self.claimed += number

    def claim_soon(self) -> None:
        """Claim at once: a job was queued, or a wave began."""
        self.claim_at = self.pages_at = 0.0

    def takes_pages(self, now: float) -> bool:
        """Whether it is time to claim pages of sweeps."""
        return now >= self.pages_at

    def pages_done(self, *, claimed: bool, now: float) -> None:
        """Wait for the next claim of a page, unless one was claimed, or one is done before."""
        self.pages_at = now if claimed else now + CLAIM_INTERVAL

    def records(self, outcomes: int, *, busy: bool, now: float) -> bool:
        """Whether it is time to record so many outcomes. `busy`: more of them are to come."""
        return outcomes > 0 and (outcomes >= RECORD_LIMIT or now >= self.record_at or not busy)

    def record_done(self, now: float) -> None:
        self.record_at = now + RECORD_INTERVAL

    def is_over(self, now: float) -> bool:
        """Whether a pass without requests and outcomes is over: no job is due any more."""
        waits = not self.claims(now) and not self.takes_pages(now)
        return waits and self.claimed < CLAIM_PER_HOST

    def claim_rest(self, now: float) -> None:
        """Claim at once, as a host may have had `CLAIM_PER_HOST` jobs claimed and more are due."""
        if not self.claims(now):
            self.claim_at, self.claimed = 0.0, 0
