"""Writes a feed's files: RSS, Atom or JSON Feed, and a page for people."""

from dataclasses import replace

from syndicator.formats import html, json_feed, xml
from syndicator.formats.selection import Renderers, Selection, select
from syndicator.formats.size_limit import Rendered
from syndicator.model.archive import History
from syndicator.model.content import Feed, FeedFile, digest_of

#: Bytes of the links to other pages of an archive: three of a long address, and the marker.
_LINKS = 1024

_RENDERERS: Renderers = {"rss": xml.rss, "atom": xml.atom, "json": json_feed.render}

MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "html": "text/html; charset=utf-8",
}


def select_entries(feed: Feed) -> Selection:
    """Which entries the files of a feed have.

    With an archive, some room is left for links: where they lead depends on the entries.
    """
    limit = feed.spec.max_bytes
    if feed.spec.archive:
        limit -= min(_LINKS, limit // 8)
    renderers = {suffix: _RENDERERS[suffix] for suffix in feed.spec.formats}
    return select(feed, renderers, limit)


def files_of(selection: Selection) -> tuple[FeedFile, ...]:
    """The feed in each format of its spec, and its page for people last.

    All formats have the same entries, as `selection.select` decides. The page is a preview: it has
    the newest entries, also those that the size limit keeps out of the formats. If the feed has an
    archive, it has the same entries as they, since its link to older posts continues there.
    """
    feed, shown = selection.feed, selection.shown
    files = [_file(feed, suffix, doc, shown) for suffix, doc in selection.documents.items()]
    page = replace(feed, entries=feed.entries[:shown]) if feed.history else feed
    return (*files, html.feed_page(page))


def with_history(selection: Selection, history: History | None) -> Selection:
    """The same entries, in documents that say where they stand in the history of their feed."""
    if history is None:
        return selection
    feed = replace(selection.feed, history=history)
    shown = replace(feed, entries=feed.entries[: selection.shown])
    documents = {suffix: _RENDERERS[suffix](shown) for suffix in selection.documents}
    return selection._replace(feed=feed, documents=documents)


def archive_files(feed: Feed) -> tuple[FeedFile, ...]:
    """A page of an archive in each format, with all of its entries, and for people."""
    count = len(feed.entries)
    files = [_file(feed, suffix, _RENDERERS[suffix](feed), count) for suffix in feed.spec.formats]
    return (*files, html.feed_page(feed))


def _file(feed: Feed, suffix: str, document: Rendered, count: int) -> FeedFile:
    data = document.document(count)
    return FeedFile(
        path=feed.spec.path(suffix),
        url=feed.spec.url(suffix),
        data=data,
        media_type=MEDIA_TYPES[suffix],
        digest=digest_of(data),
        hubs=feed.spec.hubs,
    )
