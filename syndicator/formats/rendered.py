"""One feed in one format, in pieces: what cutting it to size needs."""

from typing import NamedTuple


class Rendered(NamedTuple):
    """A document that stays whole and well-formed whichever of its items are left out."""

    head: bytes
    items: tuple[bytes, ...]  #: newest first, one for each of the feed's entries
    tail: bytes
    separator: bytes  #: between two items

    def within(self, max_bytes: int) -> bytes:
        """The document with as many of its newest items as fit. Without items it may still be larger."""
        size = len(self.head) + len(self.tail)
        count = 0
        for item in self.items:
            size += len(item) + (len(self.separator) if count else 0)
            if size > max_bytes:
                break
            count += 1
        return self.head + self.separator.join(self.items[:count]) + self.tail

    def too_large(self, max_bytes: int) -> tuple[int, ...]:
        """Which items would not fit even if each stood alone."""
        room = max_bytes - len(self.head) - len(self.tail)
        return tuple(index for index, item in enumerate(self.items) if len(item) > room)
