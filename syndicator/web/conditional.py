"""Whether a client has what it asks for (RFC 9110 §13)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: An entity tag in a list (§8.8.3); its opaque part may hold commas.
_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

#: The three formats of an HTTP-date (§5.6.7): IMF-fixdate, that of RFC 850, and asctime's.
_DATE = re.compile(
    rb"""
    (?:
        (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),[ ] (?P<day>\d\d)[ ] (?P<month>MONTH)[ ] (?P<year>\d{4})
    |
        (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,[ ]
        (?P<day_850>\d\d)-(?P<month_850>MONTH)-(?P<year_850>\d\d)
    )
    [ ] (?P<time>\d\d:\d\d:\d\d)[ ]GMT
    |
    (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ] (?P<month_c>MONTH)[ ] (?P<day_c>\d\d|[ ]\d)[ ]
    (?P<time_c>\d\d:\d\d:\d\d)[ ] (?P<year_c>\d{4})
    """.replace(b"MONTH", b"|".join(_MONTHS)),
    re.VERBOSE,
)


def has_tag(field: bytes, tag: bytes) -> bool:
    """`If-None-Match`: `*`, or a list that names the tag. Weak comparison (§13.1.2): a proxy that compressed
    the body again made our tag weak, and its client still has our content.
    """
    return (
        field == tag
        or field.strip() == b"*"
        or any(match[2] == tag for match in _TAG.finditer(field))
    )


def has_strong_tag(field: bytes, tag: bytes) -> bool:
    """`If-Match`: the same with strong comparison (§13.1.1)."""
    return field.strip() == b"*" or any(
        not match[1] and match[2] == tag for match in _TAG.finditer(field)
    )


def is_same(last_modified: bytes, date: bytes) -> bool:
    """`If-Modified-Since`: the very date we sent. §13.1.3 would take a later one too; but clients that make up
    dates from their own clocks would then miss what was posted between (nginx compares exactly as well).
    """
    date = date.strip()
    if date == last_modified:
        return True
    said = http_date(date, datetime.now(UTC))
    return said is not None and said == _sent(last_modified)


def is_later(last_modified: bytes, date: bytes) -> bool:
    """`If-Unmodified-Since` (§13.1.4): the file is newer than the date. What is no date is ignored."""
    said = http_date(date.strip(), datetime.now(UTC))
    return said is not None and said < _sent(last_modified)


def http_date(text: bytes, now: datetime) -> datetime | None:
    """Parse an HTTP-date in any of its three formats (§5.6.7); None: it is not valid.

    `now` decides the century of a year with two digits.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    month = _MONTHS.index(found["month"] or found["month_850"] or found["month_c"]) + 1
    day = int(found["day"] or found["day_850"] or found["day_c"])
    hour, minute, second = (int(part) for part in (found["time"] or found["time_c"]).split(b":"))
    try:
        if found["year_850"] is None:
            year = int(found["year"] or found["year_c"])
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        year = now.year // 100 * 100 + 100 + int(found["year_850"])
        # More than 50 years ahead: the latest year in the past that ends in these digits.
        latest = (now.year + 50, *now.timetuple()[1:6])
        while (year, month, day, hour, minute, second) > latest:
            year -= 100
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # no such day or time
        return None


def _sent(last_modified: bytes) -> datetime:
    return parsedate_to_datetime(last_modified.decode("ascii"))
