"""Times, sizes and numbers of jobs as people read them."""

from collections.abc import Mapping
from datetime import datetime

from syndicator.model.outbox import JOB_NOUNS
from syndicator.model.report import count


def ago(then: datetime, now: datetime) -> str:
    """A relative time: `3 minutes ago`, `in 2 hours`. From a day on, the date is added."""
    seconds = (now - then).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number = int(abs(seconds) / length)
        if number:
            duration = count(number, unit)
            date = f" ({then:%Y-%m-%d %H:%M} UTC)" if unit == "day" else ""
            return f"{duration} ago{date}" if seconds > 0 else f"in {duration}{date}"
    return "now"


def due(then: datetime, now: datetime) -> str:
    """When a job is due: `now` if it is overdue, since it waits only for its turn."""
    return ago(max(then, now), now)


def time_of(then: datetime, now: datetime) -> str:
    """A time to compare with another: `12:03:01 UTC`, with its date unless that is today."""
    return f"{then:%H:%M:%S} UTC" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M:%S} UTC"


def size(length: int) -> str:
    """A number of bytes in a readable unit: `1.4 MiB`."""
    number = float(length)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def job_counts(jobs: Mapping[str, int]) -> str:
    """`8 pings, 1 delivery`; empty if there are none."""
    return ", ".join(
        f"{number:,} {JOB_NOUNS[kind][number != 1]}" for kind, number in jobs.items() if number
    )
