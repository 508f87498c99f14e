"""Preconditions by RFC 9110 §13.1."""

from datetime import UTC, datetime

import pytest

from syndicator.web.conditional import has_strong_tag, has_tag, http_date, is_later, is_same

DATE = b"Thu, 15 Jan 2026 05:39:13 GMT"


@pytest.mark.parametrize(
    ("field", "weakly", "strongly"),
    [
        (b'"abc"', True, True),
        (b'W/"abc"', True, False),  # nginx compressed it again
        (b"*", True, True),
        (b" * ", True, True),
        (b'"x", "abc"', True, True),
        (b'"x",W/"abc" ,"y"', True, False),
        (b'"x,y", "abc"', True, True),
        (b'"abc', False, False),
        (b"abc", False, False),
        (b'w/"ab"', False, False),
        (b'"abcd"', False, False),
        (b'"x"abc"y"', False, False),
        (b"", False, False),
        (b'"ABC"', False, False),
        (b'"abc-gz"', False, False),
    ],
)
def test_a_tag_in_a_list(field: bytes, weakly: bool, strongly: bool) -> None:
    """`If-None-Match` compares weakly (§13.1.2), `If-Match` strongly (§13.1.1); both read lists and `*`."""
    assert (weakly, strongly) == (has_tag(field, b'"abc"'), has_strong_tag(field, b'"abc"'))


@pytest.mark.parametrize(
    ("field", "same", "later"),
    [
        (DATE, True, False),
        (b"Thu, 15 Jan 2026 05:39:14 GMT", False, False),
        (b"Thu, 15 Jan 2026 05:39:12 GMT", False, True),
        (b"Thursday, 15-Jan-26 05:39:13 GMT", True, False),
        (b"Thursday, 15-Jan-26 05:39:14 GMT", False, False),
        (b"Thursday, 15-Jan-26 05:39:12 GMT", False, True),
        (b"Sunday, 06-Nov-94 08:49:37 GMT", False, True),
        (b"Thu Jan 15 05:39:13 2026", True, False),
        (b"Thu Jan 15 05:39:14 2026", False, False),
        (b"Sun Nov  6 08:49:37 1994", False, True),
        (b" Thu Jan 15 05:39:13 2026 ", True, False),
        (b"Thu, 15 Jan 2026 05:39:13 +0000", False, False),  # of RFC 5322, not of HTTP
        (b"Thu, 15 Jan 2026 05:39:12 +0000", False, False),
        (b"15 Jan 2026 05:39:12 GMT", False, False),
        (b"Thu, 15 jan 2026 05:39:13 GMT", False, False),  # its letters have one case
        (b"Thu, 32 Jan 2026 05:39:12 GMT", False, False),
        (b"Thu, 15 Jan 2026 25:39:12 GMT", False, False),
        (b"Thu, 15 Jan 0000 05:39:12 GMT", False, False),
        (b"Sunday, 30-Feb-94 08:49:37 GMT", False, False),
        (b"Thu, 15 Jan 2026 05:39:13 GMT, Thu, 15 Jan 2026 05:39:13 GMT", False, False),
        (b"yesterday", False, False),
        (b"\xff", False, False),
        (b"", False, False),
    ],
)
def test_a_date(field: bytes, same: bool, later: bool) -> None:
    """`If-Modified-Since` is the date that was sent, or proves nothing; what is no date is ignored."""
    assert (same, later) == (is_same(DATE, field), is_later(DATE, field))


@pytest.mark.parametrize(
    ("digits", "month", "year"),
    [
        *(("26", "Jan", 2026), ("00", "Jan", 2000), ("75", "Jan", 2075), ("99", "Jan", 1999)),
        *(("77", "Jan", 1977), ("76", "Apr", 2076), ("76", "Jun", 1976)),
    ],
)
def test_a_year_of_two_digits(digits: str, month: str, year: int) -> None:
    """More than 50 years in the future means the latest such year in the past (§5.6.7)."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    found = http_date(f"Sunday, 06-{month}-{digits} 08:49:37 GMT".encode(), now)
    assert found is not None
    assert found.year == year
