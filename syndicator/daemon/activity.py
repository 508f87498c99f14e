"""Stores what the daemon did, so that the plots of the operator's page survive a restart."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from syndicator.errors import StateError
from syndicator.model.activity import Activity
from syndicator.observe import Metrics
from syndicator.store import activity
from syndicator.store.activity import interval_of
from syndicator.store.database import Database

#: Seconds between two writes, at least.
_PAUSE = 60.0


class ActivityMeter:
    """Reads the metrics once a minute and stores what was done since.

    One for the whole process, through reloads. One thread at a time may store: that of pushes.
    """

    def __init__(
        self, metrics: Metrics, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._stored = Activity()  # the counts of the process that the state has
        self._interval: datetime | None = None  # of the last row written
        self._due = time.monotonic() + _PAUSE

    def store_when_due(self, database: Database) -> None:
        """Store if the last time was a minute ago. If nothing happened, once in five minutes."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _PAUSE
        self.store(database)

    def store(self, database: Database) -> None:
        """Store what was done since the last time. After an error it is stored the next time."""
        counts, now = self._metrics.activity(), self._clock()
        done = counts.since(self._stored)
        interval = interval_of(now)
        if interval == self._interval and not done.has_events:
            return
        # A power cut may lose the last minute. An error is left to the next pass, which logs it.
        with suppress(StateError), database.begin(durable=False) as connection:
            activity.add(connection, done, now)
            self._interval = interval
            self._stored = counts

    def last_day(
        self, stored: Mapping[datetime, Activity], now: datetime
    ) -> Mapping[datetime, Activity]:
        """The last day by intervals of five minutes: what is stored, and what was done since."""
        present = interval_of(now)
        done = self._metrics.activity().since(self._stored)
        return {**stored, present: stored.get(present, Activity()).plus(done)}
