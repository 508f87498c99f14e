"""Formats the table of `syndicator feeds`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from syndicator.cli.output import printable_lines

if TYPE_CHECKING:
    from syndicator.ops.feed_states import FeedState

#: In the order of the addresses. The page is last.
_SUFFIXES = ("rss", "atom", "json", "html")

_HEADS = ("feed", "entries", "subscribers", "address")


def lines(feeds: "Sequence[FeedState]") -> Iterator[str]:
    """A row for each feed, and one more for each further address of it."""
    if not feeds:
        yield "No feed is published yet: run syndicator build or syndicator run."
        return
    rows = [_HEADS]
    for feed in feeds:
        first, *others = (feed.urls[suffix] for suffix in _SUFFIXES if suffix in feed.urls)
        rows.append((feed.name, f"{feed.entries:,}", f"{feed.subscribers:,}", first))
        rows += [("", "", "", url) for url in others]
    name, entries, subscribers = (max(len(row[at]) for row in rows) for at in range(3))
    for row in rows:
        line = f"{row[0]:<{name}}  {row[1]:>{entries}}  {row[2]:>{subscribers}}  {row[3]}"
        yield printable_lines([line])
