"""One feed in one format, in pieces: what cutting it to size needs."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from syndicator.cache import LruCache
from syndicator.model.content import Entry

#: Items as they were written before, by format and id: most items of a feed that changes are those of the last time.
WRITTEN: LruCache[tuple[str, str], Hashable, bytes] = LruCache(8 * 1024 * 1024)


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


def items(
    suffix: str,
    content_key: Sequence[tuple[Entry, *tuple[Hashable, ...]]],
    write: Callable[[list[int]], Iterable[bytes]],
) -> tuple[bytes, ...]:
    """An item in the format `suffix` for each entry and what else it is made of.

    `write` is called once, with the places of those that are not remembered, if only none.
    """
    keys = [(suffix, one[0].id) for one in content_key]
    found = [WRITTEN.get(key, one) for key, one in zip(keys, content_key, strict=True)]
    missing = [at for at, item in enumerate(found) if item is None]
    for at, item in zip(missing, write(missing), strict=True):
        WRITTEN.put(keys[at], content_key[at], item, len(item))
        found[at] = item
    return tuple(item for item in found if item is not None)
