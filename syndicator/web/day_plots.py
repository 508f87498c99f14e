"""Plots of the last day as SVG: numbers in, figures out.

A plot is a stepped area, one unit wide for each interval. It has a gap where no daemon ran.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from msgspec import Struct

from syndicator.model.activity import Activity

#: The height of a plot, in units.
HEIGHT = 40

#: The least height of a value that is not 0, so that one event in a day is seen beside thousands.
_LEAST = 2.0

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

#: A value for each interval of the day. None: no daemon ran.
Series = Sequence[int | None]


class Figure(Struct, frozen=True, kw_only=True):
    """A number, and its plot over the last day."""

    title: str
    value: str  #: the present number, or that of the whole day
    unit: str  #: after `value`, such as "a minute"; may be empty
    note: str  #: the highest value of the plot
    failed: int = 0  #: attempts that failed in the last day
    width: int  #: of the plot, in units
    base: str  #: SVG path of a line below the intervals in which a daemon ran
    area: str  #: SVG path; empty: all values are 0
    failures: str = ""  #: SVG path of the failed ones, in front of `area`; empty: none failed

    @property
    def text(self) -> str:
        """What the plot shows, for people who can't see it."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.title} in the last day: {self.note}{failed}"


def figures(
    day: Mapping[datetime, Activity],
    now: datetime,
    interval: timedelta,
    *,
    queued: int,
    subscribers: int,
) -> tuple[Figure, ...]:
    """The figures of the operator's page.

    `day`: by the beginning of each interval. The present one is always there.
    `queued` and `subscribers` are the present numbers.
    """
    last = max(day)
    times = [last - interval * back for back in reversed(range(_DAY // interval))]
    intervals = [day.get(time) for time in times]

    def series(name: str) -> Series:
        return [None if each is None else getattr(each, name) for each in intervals]

    # The present interval may have just begun: look at the one before, too.
    recent = now - last + (interval if intervals[-2] else timedelta())
    rates = _Rates(recent_minutes=max(recent / _MINUTE, 1), minutes=interval / _MINUTE)
    return (
        rates.figure("Requests", series("requests")),
        rates.figure("Deliveries", series("deliveries"), series("failed_deliveries")),
        _events("Pings", series("pings"), series("failed_pings")),
        _events("Builds", series("runs"), series("failed_runs")),
        _level("Queued jobs", queued, series("queued")),
        _level("Subscribers", subscribers, series("subscribers")),
    )


class _Rates(Struct, frozen=True, kw_only=True):
    """Numbers a minute."""

    recent_minutes: float  #: of the last two intervals so far
    minutes: float  #: of each interval

    def figure(self, title: str, done: Series, failed: Series = ()) -> Figure:
        attempts = _sums(done, failed)
        present = _total(done[-2:]) / self.recent_minutes
        return Figure(
            title=title,
            value=_number(present),
            unit="a minute",
            note=f"at most {_number(max(present, _peak(attempts) / self.minutes))} a minute",
            failed=_total(failed),
            **_paths(attempts, failed),
        )


def _events(title: str, done: Series, failed: Series) -> Figure:
    """How many there were in the last day."""
    attempts = _sums(done, failed)
    return Figure(
        title=title,
        value=f"{_total(done):,}",
        unit="in the last day",
        note=f"at most {_peak(attempts):,} in five minutes",
        failed=_total(failed),
        **_paths(attempts, failed),
    )


def _level(title: str, present: int, values: Series) -> Figure:
    """How many there are now."""
    return Figure(
        title=title,
        value=f"{present:,}",
        unit="now",
        note=f"at most {max(present, _peak(values)):,}",
        **_paths(values, ()),
    )


def _total(values: Series) -> int:
    return sum(each or 0 for each in values)


def _peak(values: Series) -> int:
    return max(each or 0 for each in values)


def _sums(done: Series, failed: Series) -> Series:
    if not failed:
        return done
    pairs = zip(done, failed, strict=True)
    return [None if one is None else one + (other or 0) for one, other in pairs]


def _number(value: float) -> str:
    """`0`, `0.4`, `1,204`."""
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def _paths(values: Series, failed: Series) -> dict[str, Any]:
    """What a figure draws. Both series have the scale of `values`."""
    peak = _peak(values)
    return {
        "width": len(values),
        "base": "".join(f"M{start} {HEIGHT}H{start + len(part)}" for start, part in _parts(values)),
        "area": _area(values, peak),
        "failures": _area(failed, peak),
    }


def _parts(values: Series) -> Iterator[tuple[int, list[int]]]:
    """The parts of a series without a gap, each with its place."""
    start = 0
    for is_gap, group in groupby(values, key=lambda value: value is None):
        part = list(group)
        if not is_gap:
            yield start, [value for value in part if value is not None]
        start += len(part)


def _area(values: Series, peak: int) -> str:
    """The SVG path of an area with a step for each value. `peak`: the value at the top.

    Nothing is drawn for a 0.
    """
    path = ""
    for place, part in _parts([value or None for value in values]):
        path += f"M{place} {HEIGHT}"
        for value, equal in groupby(part):
            place += len(list(equal))
            height = max(HEIGHT * value / peak, _LEAST)
            path += f"V{HEIGHT - height:.4g}H{place}"
        path += f"V{HEIGHT}Z"
    return path
