"""A document's place in the history of its feed, as RSS and Atom name it (RFC 5005)."""

from collections.abc import Iterator

from lxml.etree import QName, SubElement, _Element

from syndicator.model.content import Feed

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"


def write(parent: _Element, feed: Feed, suffix: str) -> None:
    """Add the marker of an archive document (§4), or of a complete feed (§2), and the links."""
    history = feed.history
    if history is None:
        return
    if history.is_page or history.is_complete:
        SubElement(parent, QName(HISTORY, "archive" if history.is_page else "complete"))
    # feedgen writes the elements of Atom itself without a namespace of their own.
    link = "link" if suffix == "atom" else QName(ATOM, "link")
    for relation, name in _links(feed):
        SubElement(parent, link, href=feed.spec.url(suffix, name), rel=relation)


def _links(feed: Feed) -> Iterator[tuple[str, str]]:
    if (history := feed.history) is None:
        return
    if history.is_page:
        yield "current", history.current
    if history.older:
        yield "prev-archive", history.older
    if history.newer:
        yield "next-archive", history.newer
