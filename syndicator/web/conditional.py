"""Decides between 200, 304 and 412: the preconditions of a request (RFC 9110 §13).

`evaluate` holds their order of precedence (§13.2.2); the other functions compare one field each.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: The preconditions that are evaluated, in lower case. `If-Range` is not: ranges are not offered.
CONDITIONS = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since"}
)

#: What proxies append to the tag of a file that they compress: Apache's mod_deflate and mod_brotli
#: (https://httpd.apache.org/docs/2.4/mod/mod_deflate.html#deflatealteretag), Caddy, Jetty
#: (`--gzip`), Traffic Server (`-df`).
_CODING_SUFFIX = re.compile(rb"(?:--?|;)(?:gzip|deflate|df|br|zstd)$")

#: An entity tag in a list (§8.8.3). The quoted part may contain commas.
_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")(?=[ \t,]|$)')

#: Tags of an `If-None-Match` that are compared. Caches list one for each encoding they have.
_MAX_TAGS = 100

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


def evaluate(
    fields: Mapping[bytes, bytes],
    etag: bytes,
    last_modified: bytes,
    *,
    others: Collection[bytes] = (),
) -> int:
    """The status of a GET or HEAD for an existing file: 200, 304 or 412.

    Precedence by RFC 9110 §13.2.2:

    1. `If-Match` does not name the ETag: 412.
    2. No `If-Match`, and the file changed after the date of `If-Unmodified-Since`: 412.
    3. `If-None-Match` names the ETag: 304. If it does not, 200, whatever `If-Modified-Since` says.
    4. No `If-None-Match`, and `If-Modified-Since` is the file's date: 304.
    5. `If-Range` applies to range requests only, which are not offered (§14.2).
    6. Otherwise 200.

    `fields` has the request's values by name in lower case; several lines of one field are joined.
    `others`: the ETags of the file's other encodings.
    """
    if (tags := fields.get(b"if-match")) is not None:
        if not matches_strongly(tags, etag):
            return 412
    elif (date := fields.get(b"if-unmodified-since")) is not None and is_modified_after(
        last_modified, date
    ):
        return 412
    if (tags := fields.get(b"if-none-match")) is not None:
        # Nearly all clients send the one tag they have: hot path.
        return 304 if tags == etag or matches_weakly(tags, etag, others) else 200
    if (date := fields.get(b"if-modified-since")) is not None and is_same_date(last_modified, date):
        return 304
    return 200


def matches_weakly(field: bytes, tag: bytes, others: Collection[bytes] = ()) -> bool:
    """Whether `If-None-Match` is `*` or lists the tag, by weak comparison (§13.1.2).

    A proxy that compresses the body makes our tag weak or appends the coding's name to it; its
    client still has our content. So does a client that lost the quotes of our tag or doubled them:
    our tags contain no comma, space, quote or backslash. A tag in `others` is not taken for this
    one with a suffix: a cache that has that encoding only could not use a 304 for this one.
    """
    if field.strip() == b"*":
        return True
    bare = tag.strip(b'"')
    for element in field.translate(None, b'"\\').split(b",", _MAX_TAGS)[:_MAX_TAGS]:
        listed = element.strip().removeprefix(b"W/")
        if listed == bare:
            return True
        if _CODING_SUFFIX.sub(b"", listed) == bare and b'"%b"' % listed not in others:
            return True
    return False


def matches_strongly(field: bytes, tag: bytes) -> bool:
    """Whether `If-Match` is `*` or lists the tag, by strong comparison (§13.1.1)."""
    return field.strip() == b"*" or any(
        not match[1] and match[2] == tag for match in _TAG.finditer(field)
    )


def is_same_date(last_modified: bytes, field: bytes) -> bool:
    """Whether `If-Modified-Since` is exactly the date that we sent.

    §13.1.3 also allows a later date. But clients that send a date of their own clock would then
    miss posts published in between. nginx compares exactly, too.
    """
    field = field.strip()
    if field == last_modified:
        return True
    date = http_date(field, datetime.now(UTC))
    return date is not None and date == _parsed(last_modified)


def is_modified_after(last_modified: bytes, field: bytes) -> bool:
    """Whether the file is newer than `If-Unmodified-Since`. Invalid dates are ignored (§13.1.4)."""
    date = http_date(field.strip(), datetime.now(UTC))
    return date is not None and date < _parsed(last_modified)


def http_date(text: bytes, now: datetime) -> datetime | None:
    """Parse an HTTP-date in any of its three formats (§5.6.7); None if it is not valid.

    `now` determines the century of a year with two digits.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    month = _MONTHS.index(parts["month"] or parts["month_850"] or parts["month_c"]) + 1
    day = int(parts["day"] or parts["day_850"] or parts["day_c"])
    time = parts["time"] or parts["time_c"]
    hour, minute, second = map(int, time.split(b":"))
    try:
        if parts["year_850"] is None:
            year = int(parts["year"] or parts["year_c"])
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        year = now.year // 100 * 100 + 100 + int(parts["year_850"])
        # More than 50 years ahead means the latest past year with these digits.
        latest = (now.year + 50, *now.timetuple()[1:6])
        while (year, month, day, hour, minute, second) > latest:
            year -= 100
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # a day or time that does not exist
        return None


def _parsed(last_modified: bytes) -> datetime:
    return parsedate_to_datetime(last_modified.decode("ascii"))
