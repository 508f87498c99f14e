"""Times as the state stores them: microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def to_us(time: datetime) -> int: ...


@overload
def to_us(time: datetime | None) -> int | None: ...


def to_us(time: datetime | None) -> int | None:
    """A time as microseconds: exact, unlike the float of `timestamp()`. None stays None."""
    return None if time is None else (time - EPOCH) // _MICROSECOND


@overload
def from_us(microseconds: int) -> datetime: ...


@overload
def from_us(microseconds: int | None) -> datetime | None: ...


def from_us(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)
