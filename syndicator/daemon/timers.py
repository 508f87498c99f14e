"""Calls at an interval or at a time, by APScheduler.

A call only makes a request, which the thread of a `Worker` carries out. So work can't be missed,
overlap or hang the timers.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler


class Timers:
    """Timers by name, from `start` to `stop`. A timer replaces the one that has its name."""

    def __init__(self) -> None:
        # One thread is enough for requests. The default grace time would drop those that are late.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Make no further calls."""
        self._scheduler.shutdown(wait=False)

    def every(self, name: str, interval: timedelta, call: Callable[[], None]) -> None:
        """Call now, and then at each interval."""
        self._scheduler.add_job(
            call,
            "interval",
            seconds=interval.total_seconds(),
            id=name,
            next_run_time=datetime.now(UTC),
            replace_existing=True,
        )

    def at(self, name: str, due: datetime, call: Callable[[], None]) -> None:
        """Call once, at a time."""
        self._scheduler.add_job(call, "date", run_date=due, id=name, replace_existing=True)

    def cancel(self, name: str) -> None:
        """Don't call. A missing timer is not an error."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)
