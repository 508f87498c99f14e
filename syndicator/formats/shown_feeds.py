"""The values that `read_back` finds in feed files: what readers were shown."""

from datetime import datetime

from msgspec import Struct

#: The formats that can be read, the best record first: Atom sets some dates seconds apart, see
#: `field_values.distinct_updates`.
SUFFIXES = ("rss", "json", "atom")

#: The formats that have the feed's own date.
DATED = ("rss", "atom")


class ShownEntry(Struct, frozen=True, kw_only=True):
    """An entry as a feed file has it."""

    id: str
    url: str  #: escaped, see `field_values.uri`
    updated: datetime | None  #: None: it was not updated after it was published


class ShownFeed(Struct, frozen=True, kw_only=True):
    """A feed as its file has it."""

    updated: datetime | None  #: None: it never had an entry, or the format does not tell
    entries: tuple[ShownEntry, ...]
