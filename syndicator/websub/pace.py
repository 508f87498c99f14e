"""When a change may be announced to a target that was just sent an earlier one."""

from datetime import datetime, timedelta

from msgspec import Struct

from syndicator.model.outbox import Job


class Pace(Struct, frozen=True):
    """The shortest time between two changes of a topic at one target: a hub or a subscriber."""

    interval: timedelta  #: zero: there is none

    def end(self, job: Job, attempted: datetime | None, now: datetime) -> datetime | None:
        """When a job may be sent; None: now.

        `attempted`: the last attempt to send its target an earlier change, whether it succeeded or
        not; None: there was none. Retries of the same change follow their own schedule. An attempt
        in the future is one of before the clock was set back: nothing waits for it.
        """
        if job.attempts or attempted is None or not attempted <= now < attempted + self.interval:
            return None
        return attempted + self.interval


NO_PACE = Pace(timedelta())
