"""A feed in one format, in parts, so that it can be cut to the size limit."""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from syndicator.cache import LruCache
from syndicator.model.content import Entry

#: Rendered items, by format and id: when a feed changes, most of its items stay the same.
ITEM_CACHE: LruCache[tuple[str, str], Hashable, bytes] = LruCache(8 * 1024 * 1024)


class Rendered(NamedTuple):
    """A document that stays well-formed whichever of its items are left out."""

    head: bytes
    items: tuple[bytes, ...]  #: newest first, one for each of the feed's entries
    tail: bytes
    separator: bytes  #: between two items

    def fitting(self, max_bytes: int) -> int:
        """The number of its newest items that fit. A document without items may be larger."""
        size = len(self.head) + len(self.tail)
        for count, item in enumerate(self.items):
            size += len(item) + (len(self.separator) if count else 0)
            if size > max_bytes:
                return count
        return len(self.items)

    def too_large(self, max_bytes: int) -> set[int]:
        """The places of the items that would not fit even as the only item."""
        available = max_bytes - len(self.head) - len(self.tail)
        return {index for index, item in enumerate(self.items) if len(item) > available}

    def document(self, count: int) -> bytes:
        """The document with `count` of its newest items."""
        return self.head + self.separator.join(self.items[:count]) + self.tail


# In sanitised HTML attributes are in double quotes, and < and > in them are escaped.
_EMBEDDED_PICTURE = re.compile(r'<img\b[^<>]* src="data:[^"]*"[^<>]*>')
_ALT = re.compile(r' alt="([^"]*)"')


def without_embedded_pictures(entry: Entry) -> Entry:
    """The entry with the `alt` of each embedded picture in its place; equal if there is none.

    Such a picture takes a third more bytes than its file.
    """
    return replace(entry, content=_EMBEDDED_PICTURE.sub(_alternative, entry.content))


def _alternative(picture: re.Match[str]) -> str:
    alt = _ALT.search(picture[0])
    return alt[1] if alt else ""


def items(
    suffix: str,
    content_keys: Sequence[tuple[Entry, *tuple[Hashable, ...]]],
    write: Callable[[list[int]], Iterable[bytes]],
) -> tuple[bytes, ...]:
    """The items in the format `suffix`. A content key is an entry and the other values of its item.

    `write` is called once, with the places of the items that are not in the cache (there may be
    none).
    """
    keys = [(suffix, content[0].id) for content in content_keys]
    cached = [ITEM_CACHE.get(key, content) for key, content in zip(keys, content_keys, strict=True)]
    missing = [at for at, item in enumerate(cached) if item is None]
    for at, item in zip(missing, write(missing), strict=True):
        ITEM_CACHE.put(keys[at], content_keys[at], item, len(item))
        cached[at] = item
    return tuple(item for item in cached if item is not None)
