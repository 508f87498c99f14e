"""The values that `read_back` finds in feed files: what readers were shown."""

from dataclasses import dataclass
from datetime import datetime

#: The formats that can be read, the best record first: Atom sets some dates seconds apart, see
#: `field_values.distinct_updates`.
SUFFIXES = ("rss", "json", "atom")

#: The formats that have the feed's own date.
DATED = ("rss", "atom")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownEntry:
    """An entry as a feed file has it."""

    id: str
    url: str  #: escaped, see `field_values.uri`
    updated: datetime | None  #: None: it was not updated after it was published


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFeed:
    """A feed as its file has it."""

    updated: datetime | None  #: None: it never had an entry, or the format does not tell
    entries: tuple[ShownEntry, ...]
