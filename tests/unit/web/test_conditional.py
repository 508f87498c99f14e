"""Preconditions by RFC 9110 §13.1."""

import pytest

from syndicator.web.conditional import has_strong_tag, has_tag, is_later, is_same

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
        (b"yesterday", False, False),
        (b"\xff", False, False),
        (b"", False, False),
    ],
)
def test_a_date(field: bytes, same: bool, later: bool) -> None:
    """`If-Modified-Since` is the date that was sent, or proves nothing; what is no date is ignored."""
    assert (same, later) == (is_same(DATE, field), is_later(DATE, field))
