"""Parses dates as Jekyll does: Psych (Jekyll's YAML) first, then Ruby's `Time.parse` for text.

- A YAML timestamp without a zone is in UTC (Psych, scalar_scanner.rb).
- A bare date, and a text without a zone, is in the site's zone (jekyll's utils.rb, parse_date).
- Fractions of a second are dropped.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTHS = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*"
# Ruby's Time::ZoneOffset. For other names the site's zone is used.
_HOURS = {0: "utc z gmt", -4: "edt", -5: "est cdt", -6: "cst mdt", -7: "mst pdt", -8: "pst"}
_ZONES = {name: hours for hours, names in _HOURS.items() for name in names.split()}

_TIME = re.compile(
    r"""(?<![\d-])
    (?: (?P<hour>\d{1,2})\s*[:h]\s*(?P<minute>\d{1,2})
        (?:\s*:\s*(?P<second>\d{1,2})(?:[.,]\d*)?)?\s*(?P<half>[ap]\.?m\b)?
      | (?P<only_hour>\d{1,2})\s*(?P<only_half>[ap]\.?m\b) )
    (?: \s*(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?(?!\d)
      | \s*(?P<zone>[a-z]+)\b )?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_COMPACT = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:t?(\d\d)(\d\d)(\d\d)?)?(z?)", re.IGNORECASE | re.ASCII
)
_NUMBERS = re.compile(
    r"(?<![\d-])(?P<first>\d{1,4})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,4})(?!\d)",
    re.ASCII,
)
_DAY_MONTH = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s.-]*{_MONTH}[\s.,'-]*(?P<year>\d{{2,4}})", re.I | re.A
)
_MONTH_DAY = re.compile(
    rf"{_MONTH}[\s.-]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b[\s,']*(?P<year>\d{{2,4}})", re.I | re.A
)
_MONTH_YEAR = re.compile(rf"{_MONTH}[\s.,-]*(?P<year>\d{{4}})", re.I | re.A)
#: Characters of a date. The patterns must not search long texts.
_MAX_LENGTH = 64
#: Characters of a date in Liquid.
_MAX_LIQUID_LENGTH = 1_000
_ZONE_SUFFIX = re.compile(
    r":\d\d\s*(?:(?P<sign>[+-])(?P<hours>[01]\d):?(?P<minutes>[0-5]\d)|Z|UTC|GMT)\s*$"
)


def parse_date(value: Any, zone: tzinfo, *, overflow: bool = False) -> datetime | None:
    """The time of a front matter value, in UTC and whole seconds; None if the value is not a date.

    `zone` is the site's. A day past the end of its month (30 February) is not a date. With
    `overflow` it runs on into the next month, as in Ruby.
    """
    try:
        if isinstance(value, datetime):
            when = value if value.tzinfo else value.replace(tzinfo=UTC)
        elif isinstance(value, date):
            when = _in_zone(datetime.combine(value, time()), zone)
        elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            when = _parse_text(str(value).strip(), zone, overflow)
        else:
            return None
        return when.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def to_date(value: object, zone: tzinfo, now: datetime | None) -> datetime | None:
    """The time of a Liquid value, in its own zone or else the site's; None if it is not a date.

    "now" and "today" are the given `now`, so that the same posts make the same page on every day.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    if isinstance(value, str) and value.strip().lower() in ("now", "today"):
        return now.astimezone(zone) if now else None
    if (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isdigit()
    ):
        try:
            return datetime.fromtimestamp(int(str(value)[:15]), zone)
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(value, str) and len(value) > _MAX_LIQUID_LENGTH:
        return None
    when = parse_date(value, zone)
    return when.astimezone(_zone_of(str(value)) or zone) if when else None


def _zone_of(text: str) -> tzinfo | None:
    """The zone that a text names; None if it names none."""
    match = _ZONE_SUFFIX.search(text)
    if match is None:
        return None
    minutes = int(match["hours"] or 0) * 60 + int(match["minutes"] or 0)
    return timezone(timedelta(minutes=-minutes if match["sign"] == "-" else minutes))


def _parse_text(text: str, zone: tzinfo, overflow: bool) -> datetime:
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long for a date")
    if compact := _COMPACT.fullmatch(text):
        *numbers, z = compact.groups(default="")
        when = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]
        return when.replace(tzinfo=UTC) if z else _in_zone(when, zone)
    time_match = _TIME.search(text)
    rest = f"{text[: time_match.start()]} {text[time_match.end() :]}" if time_match else text
    day = datetime.combine(_parse_day(rest, overflow), time())
    if time_match is None:
        return _in_zone(day, zone)
    when = day + _since_midnight(time_match)
    offset = _offset(time_match)
    return _in_zone(when, zone) if offset is None else when.replace(tzinfo=timezone(offset))


def _parse_day(text: str, overflow: bool) -> date:
    if numbers := _NUMBERS.search(text):
        year, day = numbers["first"], numbers["third"]
        if len(day) > 2:
            year, day = day, year
        return _day(_year(year), int(numbers["second"]), int(day), overflow)
    for pattern in (_DAY_MONTH, _MONTH_DAY, _MONTH_YEAR):
        if named := pattern.search(text):
            parts = named.groupdict(default="1")
            return _day(
                _year(parts["year"]),
                _MONTHS[parts["month"].lower()],
                int(parts.get("day", "1")),
                overflow,
            )
    raise ValueError("no date in it")


def _day(year: int, month: int, day: int, overflow: bool) -> date:
    if overflow and 28 < day <= 31:
        return date(year, month, 28) + timedelta(days=day - 28)
    return date(year, month, day)


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 69 else 1900)


def _since_midnight(time_match: re.Match[str]) -> timedelta:
    hour = int(time_match["hour"] or time_match["only_hour"])
    minute, second = int(time_match["minute"] or 0), int(time_match["second"] or 0)
    half = (time_match["half"] or time_match["only_half"] or "")[:1].lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 60:  # 24:00 is midnight, and :60 a leap second
        raise ValueError("no such time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _offset(time_match: re.Match[str]) -> timedelta | None:
    """The offset from UTC; None: the time is in the site's zone."""
    if time_match["sign"]:
        offset = timedelta(hours=int(time_match["hours"]), minutes=int(time_match["minutes"] or 0))
        return -offset if time_match["sign"] == "-" else offset
    hours = _ZONES.get((time_match["zone"] or "").lower())
    return None if hours is None else timedelta(hours=hours)


def _in_zone(wall_time: datetime, zone: tzinfo) -> datetime:
    """The time in UTC. An ambiguous or missing wall time is the later one, as in the C library."""
    if zone is UTC:
        return wall_time.replace(tzinfo=UTC)
    return max(wall_time.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
