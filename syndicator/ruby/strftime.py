"""Dates as Ruby writes them, whatever the machine's locale (Ruby, `Time#strftime`)."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from syndicator.ruby.dates import DAYS, MONTHS, read_moment

_ZONE = re.compile(
    r":\d\d\s*(?:(?P<sign>[+-])(?P<hours>[01]\d):?(?P<minutes>[0-5]\d)|Z|UTC|GMT)\s*$"
)
#: No date is written in more characters.
_LONGEST = 1_000
_DIRECTIVE = re.compile(r"%([-0^#_]*)(\d{0,3})(:{0,2}[a-zA-Z%+])")


def to_date(value: object, zone: tzinfo, now: datetime | None) -> datetime | None:
    """The moment a value names, in the zone it is written in, else the site's; None when it names none.

    `now` and `today` are `now`, so that the same posts make the same page on every day.
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
    if isinstance(value, str) and len(value) > _LONGEST:
        return None
    moment = read_moment(value, zone)
    return moment.astimezone(_zone_of(str(value)) or zone) if moment else None


def _zone_of(text: str) -> tzinfo | None:
    """The zone a date is written with; None when it has none."""
    found = _ZONE.search(text)
    if found is None:
        return None
    minutes = int(found["hours"] or 0) * 60 + int(found["minutes"] or 0)
    return timezone(timedelta(minutes=-minutes if found["sign"] == "-" else minutes))


def strftime(time: datetime, form: str) -> str:
    """The moment in Ruby's directives, with their flags (`%-d`, `%^a`, `%03j`). Unknown ones stay as they are."""

    def replace(found: re.Match[str]) -> str:
        flags, width, directive = found.groups()
        if directive in _COMPOSED:
            return _flagged(strftime(time, _COMPOSED[directive]), flags, width, " ", 0)
        known = _DIRECTIVES.get(directive)
        if known is None:
            return found.group()
        made, pad, digits = known
        return _flagged(made(time), flags, width, pad, digits)

    return _DIRECTIVE.sub(replace, form)


def _flagged(text: str, flags: str, width: str, pad: str, digits: int) -> str:
    for flag in flags:
        match flag:
            case "-":
                digits = 0
            case "0":
                pad = "0"
            case "_":
                pad = " "
            case "^":
                text = text.upper()
            case "#":
                text = text.lower() if text.isupper() else text.upper()
    return text.rjust(int(width or digits), pad)


def _offset(time: datetime, colons: str) -> str:
    seconds = int((time.utcoffset() or timedelta()).total_seconds())
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{sign}{hours:02}{colons[:1]}{minutes:02}" + (":00" if len(colons) > 1 else "")


def _hour12(time: datetime) -> str:
    return str(time.hour % 12 or 12)


def _week(time: datetime, first: int) -> str:
    """The week of the year, where weeks begin on a Sunday (0) or a Monday (1)."""
    return str((time.timetuple().tm_yday + 6 - (time.isoweekday() - first) % 7) // 7)


_Make = Callable[[datetime], str]
#: What each directive writes, what fills it up, and to how many characters.
_DIRECTIVES: dict[str, tuple[_Make, str, int]] = {
    "Y": (lambda t: str(t.year), "0", 4),
    "C": (lambda t: str(t.year // 100), "0", 2),
    "y": (lambda t: str(t.year % 100), "0", 2),
    "m": (lambda t: str(t.month), "0", 2),
    "B": (lambda t: MONTHS[t.month - 1], " ", 0),
    "b": (lambda t: MONTHS[t.month - 1][:3], " ", 0),
    "h": (lambda t: MONTHS[t.month - 1][:3], " ", 0),
    "d": (lambda t: str(t.day), "0", 2),
    "e": (lambda t: str(t.day), " ", 2),
    "j": (lambda t: str(t.timetuple().tm_yday), "0", 3),
    "H": (lambda t: str(t.hour), "0", 2),
    "k": (lambda t: str(t.hour), " ", 2),
    "I": (_hour12, "0", 2),
    "l": (_hour12, " ", 2),
    "P": (lambda t: "am" if t.hour < 12 else "pm", " ", 0),
    "p": (lambda t: "AM" if t.hour < 12 else "PM", " ", 0),
    "M": (lambda t: str(t.minute), "0", 2),
    "S": (lambda t: str(t.second), "0", 2),
    "L": (lambda t: f"{t.microsecond // 1000:03}", "0", 3),
    "N": (lambda t: f"{t.microsecond * 1000:09}", "0", 9),
    "z": (lambda t: _offset(t, ""), " ", 0),
    ":z": (lambda t: _offset(t, ":"), " ", 0),
    "::z": (lambda t: _offset(t, "::"), " ", 0),
    "Z": (lambda t: t.tzname() or "", " ", 0),
    "A": (lambda t: DAYS[t.weekday()], " ", 0),
    "a": (lambda t: DAYS[t.weekday()][:3], " ", 0),
    "u": (lambda t: str(t.isoweekday()), "0", 1),
    "w": (lambda t: str(t.isoweekday() % 7), "0", 1),
    "G": (lambda t: str(t.isocalendar().year), "0", 4),
    "g": (lambda t: str(t.isocalendar().year % 100), "0", 2),
    "V": (lambda t: str(t.isocalendar().week), "0", 2),
    "U": (lambda t: _week(t, 0), "0", 2),
    "W": (lambda t: _week(t, 1), "0", 2),
    "s": (lambda t: str(int(t.timestamp())), "0", 1),
    "n": (lambda t: "\n", " ", 0),
    "t": (lambda t: "\t", " ", 0),
    "%": (lambda t: "%", " ", 0),
}
_COMPOSED = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "x": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "v": "%e-%^b-%Y",
}


def ordinal(day: int) -> str:
    """The day with its English ending: 1st, 2nd, 11th."""
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
