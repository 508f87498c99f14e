"""Formats dates as Ruby's `Time#strftime` does, whatever the machine's locale."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from syndicator.ruby.dates import DAYS, MONTHS

_DIRECTIVE = re.compile(r"%([-0^#_]*)(\d{0,3})(:{0,2}[a-zA-Z%+])")


def strftime(time: datetime, pattern: str) -> str:
    """Format with Ruby's directives and flags (`%-d`, `%^a`, `%03j`). Unknown ones stay."""

    def replace(match: re.Match[str]) -> str:
        flags, width, directive = match.groups()
        if directive in _COMPOSED:
            return _with_flags(strftime(time, _COMPOSED[directive]), flags, width, " ", 0)
        known = _DIRECTIVES.get(directive)
        if known is None:
            return match.group()
        write, pad, digits = known
        return _with_flags(write(time), flags, width, pad, digits)

    return _DIRECTIVE.sub(replace, pattern)


def _with_flags(text: str, flags: str, width: str, pad: str, digits: int) -> str:
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
    """The week of the year; `first` is its first day: Sunday (0) or Monday (1)."""
    return str((time.timetuple().tm_yday + 6 - (time.isoweekday() - first) % 7) // 7)


_Write = Callable[[datetime], str]
#: For each directive: how it is written, the padding character, and the width to pad to.
_DIRECTIVES: dict[str, tuple[_Write, str, int]] = {
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
