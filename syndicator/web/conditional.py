"""Whether a client has what it asks for (RFC 9110 §13)."""

import re
from email.utils import parsedate_to_datetime

#: An entity tag in a list (§8.8.3); its opaque part may hold commas.
_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def has_tag(field: bytes, tag: bytes) -> bool:
    """`If-None-Match`: `*`, or a list that names the tag. Weak comparison (§13.1.2): a proxy that compressed
    the body again made our tag weak, and its client still has our content.
    """
    return field == tag or field.strip() == b"*" or any(match[2] == tag for match in _TAG.finditer(field))


def has_strong_tag(field: bytes, tag: bytes) -> bool:
    """`If-Match`: the same with strong comparison (§13.1.1)."""
    return field.strip() == b"*" or any(not match[1] and match[2] == tag for match in _TAG.finditer(field))


def is_same(last_modified: bytes, date: bytes) -> bool:
    """`If-Modified-Since`: the very date we sent. §13.1.3 would take a later one too; but clients that make up
    dates from their own clocks would then miss what was posted between (nginx compares exactly as well).
    """
    return date.strip() == last_modified


def is_later(last_modified: bytes, date: bytes) -> bool:
    """`If-Unmodified-Since` (§13.1.4): the file is newer than the date. What is no date is ignored."""
    try:
        return parsedate_to_datetime(last_modified.decode()) > parsedate_to_datetime(date.decode("latin-1"))
    except (ValueError, TypeError):  # not a date; a date without a zone
        return False
