"""Reads feeds as this program wrote them: what readers were shown, when the state knows less.

A crash may come between the publishing of a file and the commit that records it, and a restored
backup is older than the files. The files are then the only record.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

from syndicator.formats.field_values import entry_id, utc_seconds
from syndicator.formats.history import ATOM
from syndicator.formats.shown_feeds import ShownEntry, ShownFeed
from syndicator.formats.xml import EMPTY_FEED_DATE

#: Characters of an id. Those of pages are their addresses, escaped.
_MAX_ID = 16 * 1024

_ATOM = {"atom": ATOM}


def parse(suffix: str, data: bytes) -> ShownFeed | None:
    """A feed from a file of a format; None: it is not a feed as this program writes it.

    Another program may have written the file. If it has the same form, its ids and dates count too:
    readers saw them at that address. Entities are not expanded, nothing is loaded from elsewhere,
    and the parser's own limits on depth and size hold.
    """
    try:
        return _PARSERS[suffix](data)
    except (etree.XMLSyntaxError, ValueError, LookupError, TypeError, AttributeError):
        return None  # whatever it is, it was not written here
    except OverflowError:
        return None  # dates outside of the years 1 to 9999
    except RecursionError:
        return None  # JSON that is nested thousands of times


def _rss(data: bytes) -> ShownFeed:
    channel = _root(data).find("channel")
    if channel is None:
        raise ValueError("a document without a channel")
    entries = [
        (
            item.findtext("guid"),
            item.findtext("link"),
            parsedate_to_datetime(item.findtext("pubDate", "")),
            item.findtext("atom:updated", namespaces=_ATOM),
        )
        for item in channel.iterfind("item")
    ]
    built = channel.findtext("lastBuildDate")
    return ShownFeed(
        updated=utc_seconds(parsedate_to_datetime(built)) if built else None,
        entries=tuple(_entries(entries)),
    )


def _atom(data: bytes) -> ShownFeed:
    root = _root(data)
    entries = [
        (
            entry.findtext("atom:id", namespaces=_ATOM),
            _alternate(entry.iterfind("atom:link", namespaces=_ATOM)),
            _time(entry.findtext("atom:published", namespaces=_ATOM)),
            entry.findtext("atom:updated", namespaces=_ATOM),
        )
        for entry in root.iterfind("atom:entry", namespaces=_ATOM)
    ]
    updated = _time(root.findtext("atom:updated", namespaces=_ATOM))
    # Within this time after its publication, an entry's date may be one that was set apart.
    spread = timedelta(seconds=60 + 5 * len(entries))
    return ShownFeed(
        updated=None if updated == EMPTY_FEED_DATE else updated,
        entries=tuple(_entries(entries, spread)),
    )


def _json(data: bytes) -> ShownFeed:
    items: list[Mapping[str, Any]] = json.loads(data)["items"]
    entries = [
        (item["id"], item["url"], _time(item["date_published"]), item["date_modified"])
        for item in items
    ]
    return ShownFeed(updated=None, entries=tuple(_entries(entries)))


_PARSERS = {"rss": _rss, "atom": _atom, "json": _json}


def _root(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)


def _alternate(links: Iterable[etree._Element]) -> str | None:
    return next((link.get("href") for link in links if link.get("rel") == "alternate"), None)


def _entries(
    parts: Iterable[tuple[str | None, str | None, datetime, str | None]],
    spread: timedelta = timedelta(0),
) -> Iterator[ShownEntry]:
    """Entries of their id, address and times. `spread`: a later time within it is not an update."""
    for id, url, published, updated_text in parts:
        updated = _time(updated_text)
        if not isinstance(id, str) or not isinstance(url, str):
            raise ValueError("an entry without an id or an address")
        # It may be kept permanently. JSON also has characters that no database and no XML takes.
        if len(id) > _MAX_ID or entry_id(id) != id:
            raise ValueError("an id that is not written here")
        is_update = updated > utc_seconds(published) + spread
        yield ShownEntry(id=id, url=url, updated=updated if is_update else None)


def _time(text: str | None) -> datetime:
    return utc_seconds(datetime.fromisoformat(text or ""))
