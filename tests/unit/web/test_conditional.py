"""Preconditions by RFC 9110 §13.1."""

from datetime import UTC, datetime

import pytest

from syndicator.web.conditional import (
    evaluate,
    http_date,
    is_modified_after,
    is_same_date,
    matches_strongly,
    matches_weakly,
)

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
        (b'"abc', True, False),  # a client lost quotes, doubled them, or kept their escapes
        (b"abc", True, False),
        (b"W/abc", True, False),
        (b'""abc""', True, False),
        (b'"\\"abc\\""', True, False),
        (b'"x", abc', True, False),
        (b'"*"', False, False),
        (b'"x", *', False, False),
        (b'"abc-gzip"', True, False),  # compressed by Apache, Caddy or Jetty
        (b'W/"abc-gzip"', True, False),
        (b'"abc--gzip"', True, False),
        (b'"abc;gzip"', True, False),
        (b'"abc"-gzip', True, False),
        (b'"abc-br"', True, False),
        (b'"abc-zstd"', True, False),
        (b'"abc-gzip-gzip"', False, False),
        (b'"abd-gzip"', False, False),
        (b'"abcgzip"', False, False),
        (b'w/"ab"', False, False),
        (b'"abcd"', False, False),
        (b'"x"abc"y"', False, False),
        (b"", False, False),
        (b'"ABC"', False, False),
        (b'"abc-gz"', False, False),
    ],
)
def test_a_tag_in_a_list(field: bytes, weakly: bool, strongly: bool) -> None:
    """`If-None-Match` compares weakly (§13.1.2), `If-Match` strongly (§13.1.1).

    Both accept lists and `*`.
    """
    assert matches_weakly(field, b'"abc"') is weakly
    assert matches_strongly(field, b'"abc"') is strongly


@pytest.mark.parametrize("listed", [b'"abc-br"', b'W/"abc-br"', b"abc-br"])
def test_the_tag_of_another_encoding_is_not_this_one_with_a_suffix(listed: bytes) -> None:
    """mod_brotli appends "-br", as we do. A cache can't use a 304 for an encoding it hasn't."""
    assert matches_weakly(listed, b'"abc"')
    assert not matches_weakly(listed, b'"abc"', [b'"abc"', b'"abc-br"'])
    assert matches_weakly(listed + b', "abc"', b'"abc"', [b'"abc"', b'"abc-br"'])


def test_the_first_hundred_tags_are_compared() -> None:
    """A head may have thousands."""
    assert matches_weakly(b'"x", ' * 99 + b'"abc"', b'"abc"')
    assert not matches_weakly(b'"x", ' * 100 + b'"abc"', b'"abc"')


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
        (b"Thu, 15 Jan 2026 05:39:13 +0000", False, False),  # RFC 5322 allows this, HTTP does not
        (b"Thu, 15 Jan 2026 05:39:12 +0000", False, False),
        (b"15 Jan 2026 05:39:12 GMT", False, False),
        (b"Thu, 15 jan 2026 05:39:13 GMT", False, False),  # names are case-sensitive
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
    """`If-Modified-Since` must equal the date that was sent. Invalid dates are ignored."""
    assert is_same_date(DATE, field) is same
    assert is_modified_after(DATE, field) is later


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
    date = http_date(f"Sunday, 06-{month}-{digits} 08:49:37 GMT".encode(), now)
    assert date is not None
    assert date.year == year


OLDER, WRONG = b"Wed, 14 Jan 2026 05:39:13 GMT", b'"x"'


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({b"if-match": b'"abc"'}, 200),
        ({b"if-match": WRONG, b"if-none-match": b'"abc"'}, 412),
        ({b"if-match": b'"abc"', b"if-unmodified-since": OLDER}, 200),
        ({b"if-unmodified-since": OLDER, b"if-none-match": b'"abc"'}, 412),
        ({b"if-none-match": b'"abc"', b"if-modified-since": OLDER}, 304),
        ({b"if-none-match": WRONG, b"if-modified-since": DATE}, 200),
        ({b"if-modified-since": DATE}, 304),
        ({b"if-modified-since": OLDER}, 200),
        ({b"if-range": b'"abc"'}, 200),
    ],
)
def test_precedence(fields: dict[bytes, bytes], status: int) -> None:
    """RFC 9110 §13.2.2: tags before dates, `If-Match` before `If-None-Match`."""
    assert evaluate(fields, b'"abc"', DATE) == status
