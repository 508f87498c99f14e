"""The place of a post in a feed, and intervals of places, which are the pages of an archive.

A place is the date and the path of a post, in the order of a feed (`store.post_queries.newest`).
Read as one long binary number, places form a tree: each bit halves an interval.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

#: Bits of a date: microseconds, counted from 2**63 before 1970.
_DATE_BITS = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Intervals of fewer bits of time than this are shorter than a second.
_SECOND_BITS = 20


class Place(NamedTuple):
    """Where a post stands in a feed. Places are ordered as the posts, oldest first."""

    published: datetime
    path: str

    @property
    def key(self) -> bytes:
        """Its binary number. The order of keys is that of places."""
        since = (self.published - _EPOCH) // timedelta(microseconds=1)
        date = (since + (1 << _DATE_BITS - 1)).to_bytes(_DATE_BITS // 8)
        return date + self.path.encode("utf-8", "surrogatepass")


class Interval(NamedTuple):
    """All places whose keys begin with the same bits."""

    bits: int
    prefix: bytes  #: the bits, padded with zeros to whole bytes

    def holds(self, place: Place) -> bool:
        return interval_of(place, self.bits) == self

    def includes(self, other: "Interval") -> bool:
        return self.bits <= other.bits and _cut(other.prefix, self.bits) == self.prefix

    @property
    def first(self) -> datetime:
        """The date of its earliest places."""
        return _date(self._begin)

    @property
    def last(self) -> datetime:
        """The date of its latest places."""
        return _date(self._begin | (1 << max(_DATE_BITS - self.bits, 0)) - 1)

    @property
    def _begin(self) -> int:
        size = _DATE_BITS // 8
        return int.from_bytes(self.prefix[:size].ljust(size, b"\x00"))

    @property
    def name(self) -> str:
        """A file's name: the second it begins at, and its length as a power of two microseconds.

        One within a second, for posts of one date, has a digest of its prefix instead. No other
        interval has the name.
        """
        begin = f"{self.first.year:04}{self.first:%m%d-%H%M%S}"
        free = _DATE_BITS - self.bits
        if free >= _SECOND_BITS:
            return f"{begin}-{free}"
        return f"{begin}-{blake2b(repr(self).encode(), digest_size=8).hexdigest()}"


#: The interval of all places.
EVERYTHING = Interval(0, b"")


def interval_of(place: Place, bits: int) -> Interval:
    """The interval of a place that has so many bits."""
    return Interval(bits, _cut(place.key, bits))


def _cut(key: bytes, bits: int) -> bytes:
    """The first bits of a key, padded with zeros to whole bytes. A short key ends in zeros."""
    size = -(-bits // 8)
    number = int.from_bytes(key[:size].ljust(size, b"\x00"))
    free = size * 8 - bits
    return (number >> free << free).to_bytes(size)


def common_bits(one: bytes, other: bytes) -> int:
    """How many bits two different keys have in common at the beginning."""
    size = max(len(one), len(other))
    differing = int.from_bytes(one.ljust(size, b"\x00")) ^ int.from_bytes(
        other.ljust(size, b"\x00")
    )
    return size * 8 - differing.bit_length()


def _date(number: int) -> datetime:
    """A date of so many microseconds since 2**63 before 1970, within what a datetime can be."""
    least, greatest = (
        (bound.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
        for bound in (datetime.min, datetime.max)
    )
    since = number - (1 << _DATE_BITS - 1)
    return _EPOCH + timedelta(microseconds=min(max(since, least), greatest))
