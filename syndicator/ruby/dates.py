"""Moments as Jekyll reads them: Psych first (jekyll's YAML), then Ruby's `Time.parse` on what is still text.

- A date and time that YAML takes for a timestamp is UTC when it names no zone. (Psych, scalar_scanner.rb)
- A bare date, and a text without a zone, is in the site's zone. (jekyll/lib/jekyll/utils.rb parse_date)
- Parts of a second are dropped.
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
# Ruby's Time::ZoneOffset; a zone it doesn't know is the site's
_HOURS = {0: "utc z gmt", -4: "edt", -5: "est cdt", -6: "cst mdt", -7: "mst pdt", -8: "pst"}
_ZONES = {name: hours for hours, names in _HOURS.items() for name in names.split()}

_TIME = re.compile(
    r"""(?<![\d-])
    (?: (?P<hour>\d{1,2})\s*[:h]\s*(?P<minute>\d{1,2})
        (?:\s*:\s*(?P<second>\d{1,2})(?:[.,]\d*)?)?\s*(?P<half>[ap]\.?m\b)?
      | (?P<only_hour>\d{1,2})\s*(?P<only_half>[ap]\.?m\b) )
    (?: \s*(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?(?!\d) | \s*(?P<zone>[a-z]+)\b )?""",
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
_LONGEST = 64  # characters; no date is longer, and a pattern must not be given a novel


def read_moment(value: Any, zone: tzinfo, *, beyond: bool = False) -> datetime | None:
    """The moment a value of front matter names, in UTC and whole seconds; None when it names none.

    `zone` is the site's. A day past its month's end (30 February) names no moment, unless with `beyond`: then it is
    counted on from that end, as Ruby does.
    """
    try:
        if isinstance(value, datetime):
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        elif isinstance(value, date):
            moment = _in_zone(datetime.combine(value, time()), zone)
        elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            moment = _read_text(str(value).strip(), zone, beyond)
        else:
            return None
        return moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _read_text(text: str, zone: tzinfo, beyond: bool) -> datetime:
    if len(text) > _LONGEST:
        raise ValueError("too long for a date")
    if compact := _COMPACT.fullmatch(text):
        *numbers, z = compact.groups(default="")
        moment = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]
        return moment.replace(tzinfo=UTC) if z else _in_zone(moment, zone)
    clock = _TIME.search(text)
    rest = f"{text[: clock.start()]} {text[clock.end() :]}" if clock else text
    day = datetime.combine(_read_day(rest, beyond), time())
    if clock is None:
        return _in_zone(day, zone)
    moment = day + _since_midnight(clock)
    offset = _offset(clock)
    return _in_zone(moment, zone) if offset is None else moment.replace(tzinfo=timezone(offset))


def _read_day(text: str, beyond: bool) -> date:
    if numbers := _NUMBERS.search(text):
        year, month, day = numbers["first"], int(numbers["second"]), numbers["third"]
        if len(day) > 2:
            year, day = day, year
        return _day(_year(year), month, int(day), beyond)
    for pattern in (_DAY_MONTH, _MONTH_DAY, _MONTH_YEAR):
        if named := pattern.search(text):
            parts = named.groupdict(default="1")
            return _day(
                _year(parts["year"]),
                _MONTHS[parts["month"].lower()],
                int(parts.get("day", "1")),
                beyond,
            )
    raise ValueError("no date in it")


def _day(year: int, month: int, day: int, beyond: bool) -> date:
    if beyond and 28 < day <= 31:
        return date(year, month, 28) + timedelta(days=day - 28)
    return date(year, month, day)


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 69 else 1900)


def _since_midnight(clock: re.Match[str]) -> timedelta:
    hour = int(clock["hour"] or clock["only_hour"])
    minute, second = int(clock["minute"] or 0), int(clock["second"] or 0)
    half = (clock["half"] or clock["only_half"] or "")[:1].lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 60:  # 24:00 is midnight, and :60 a leap second
        raise ValueError("no such time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _offset(clock: re.Match[str]) -> timedelta | None:
    """From UTC; None: the site's zone holds."""
    if clock["sign"]:
        offset = timedelta(hours=int(clock["hours"]), minutes=int(clock["minutes"] or 0))
        return -offset if clock["sign"] == "-" else offset
    hours = _ZONES.get((clock["zone"] or "").lower())
    return None if hours is None else timedelta(hours=hours)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """A wall clock's time in a zone: when clocks go back or forward, the later reading, as the C library has it."""
    if zone is UTC:
        return moment.replace(tzinfo=UTC)
    return max(moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
