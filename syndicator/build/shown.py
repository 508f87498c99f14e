"""Finds what readers were shown and the state does not know, in the feed files themselves.

A crash may have prevented the commit of files that were out, or the state is an older backup. Files
that are as the state has them are not read, so this costs nothing otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from syndicator.build.assemble import FUTURE_TOLERANCE
from syndicator.build.feed_names import ALL
from syndicator.build.publish import is_lost
from syndicator.formats.field_values import uri
from syndicator.formats.shown_feeds import DATED, SUFFIXES, ShownEntry, ShownFeed
from syndicator.model.content import FeedSpec
from syndicator.outputs.output import Output
from syndicator.store.feeds import FileRow

#: Bytes of a feed file that is read. Larger ones are written only if `feeds.max_bytes` is larger.
_MAX_BYTES = 16 * 1024 * 1024


def shown_date(
    output: Output, spec: FeedSpec, known: Mapping[str, FileRow], now: datetime
) -> datetime | None:
    """The date of a feed as readers were shown it, if the state doesn't know all of its files.

    `known`: its files, by path. None: the state knows them, or no file has a date.
    """
    paths = {*known, *(spec.path(suffix) for suffix in spec.formats)}
    dated = [spec.path(suffix) for suffix in DATED if spec.path(suffix) in paths]
    shown = (_read(output, path) for path in _unknown(output, dated, known))
    dates = [feed.updated for feed in shown if feed and feed.updated]
    return max((date for date in dates if date < now + FUTURE_TOLERANCE), default=None)


class ShownEntries:
    """The entries of files that the state doesn't know as they are. Read when first asked for."""

    def __init__(self, output: Output, known: Mapping[str, FileRow], now: datetime) -> None:
        """`known`: all published files, by path."""
        self._output = output
        self._known = known
        self._limit = now + FUTURE_TOLERANCE

    def at(self, url: str) -> ShownEntry | None:
        """The entry of a page; None: readers saw none, or two with different ids."""
        return self._by_url.get(uri(url))

    @cached_property
    def _by_url(self) -> Mapping[str, ShownEntry]:
        feeds = dict.fromkeys([ALL, *(row.feed for row in self._known.values() if row.feed)])
        return by_url(self._entries(feeds), self._limit)

    def _entries(self, feeds: Iterable[str]) -> Iterator[ShownEntry]:
        for name in feeds:
            paths = [f"{name}.{suffix}" for suffix in SUFFIXES]
            unknown = _unknown(self._output, paths, self._known)
            shown = (_read(self._output, path) for path in unknown)
            yield from next((feed.entries for feed in shown if feed), ())


def by_url(entries: Iterable[ShownEntry], limit: datetime) -> dict[str, ShownEntry]:
    """Entries by their address, with their latest `updated` before `limit`.

    Left out are addresses that two entries with different ids have.
    """
    latest: dict[str, ShownEntry] = {}
    ambiguous = set()
    for entry in entries:
        other = latest.setdefault(entry.url, entry)
        if other.id != entry.id:
            ambiguous.add(entry.url)
        dates = [one.updated for one in (entry, other) if one.updated and one.updated < limit]
        latest[entry.url] = replace(entry, updated=max(dates, default=None))
    return {url: entry for url, entry in latest.items() if url not in ambiguous}


def _unknown(output: Output, paths: Iterable[str], known: Mapping[str, FileRow]) -> list[str]:
    """The paths whose file is not as the state has it."""
    return [path for path in paths if path not in known or is_lost(output, known[path])]


def _read(output: Output, path: str) -> ShownFeed | None:
    """A feed from one of its files; None: it is missing, or not readable as a feed."""
    if not (data := output.files.read(path, _MAX_BYTES)):
        return None
    from syndicator.formats.read_back import parse

    return parse(path.rpartition(".")[2], data)
