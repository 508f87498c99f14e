"""Writes a feed's files: RSS, Atom or JSON Feed, and a page for people."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from syndicator.model.archive import History
from syndicator.model.content import Feed, FeedFile, digest_of

if TYPE_CHECKING:
    from syndicator.formats.selection import Renderers, Selection
    from syndicator.formats.size_limit import Rendered

#: Bytes of the links to other pages of an archive: three of a long address, and the marker.
_LINKS = 1024

MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "html": "text/html; charset=utf-8",
}


def import_libraries() -> None:
    """Import what `files_of` needs: a tenth of a second, in which others may do something."""
    from syndicator.formats import html, json_feed, selection, xml

    assert html and json_feed and selection and xml  # noqa: PT018


def select_entries(feed: Feed) -> "Selection":
    """Which entries the files of a feed have.

    With an archive, some room is left for links: where they lead depends on the entries.
    """
    from syndicator.formats.selection import select

    limit = feed.spec.max_bytes
    if feed.spec.archive:
        limit -= min(_LINKS, limit // 8)
    return select(feed, _renderers(feed), limit)


def files_of(selection: "Selection", *, page: bool = True) -> tuple[FeedFile, ...]:
    """The feed in each format of its spec, and its page for people last, unless `page` is False.

    All formats have the same entries, as `selection.select` decides. The page is a preview: it has
    the newest entries, also those that the size limit keeps out of the formats. If the feed has an
    archive, it has the same entries as they, since its link to older posts continues there.
    """
    feed, shown = selection.feed, selection.shown
    files = [_file(feed, suffix, doc, shown) for suffix, doc in selection.documents.items()]
    if not page:
        return tuple(files)
    from syndicator.formats.html import feed_page

    previewed = replace(feed, entries=feed.entries[:shown]) if feed.history else feed
    return (*files, feed_page(previewed))


def with_history(selection: "Selection", history: History | None) -> "Selection":
    """The same entries, in documents that say where they stand in the history of their feed."""
    if history is None:
        return selection
    feed = replace(selection.feed, history=history)
    shown = replace(feed, entries=feed.entries[: selection.shown])
    documents = {suffix: render(shown) for suffix, render in _renderers(feed).items()}
    return selection._replace(feed=feed, documents=documents)


def archive_files(feed: Feed) -> tuple[FeedFile, ...]:
    """A page of an archive in each format, with all of its entries, and for people."""
    from syndicator.formats.html import feed_page

    count = len(feed.entries)
    files = [
        _file(feed, suffix, render(feed), count) for suffix, render in _renderers(feed).items()
    ]
    return (*files, feed_page(feed))


def _renderers(feed: Feed) -> "Renderers":
    """What writes each format of a feed."""
    from syndicator.formats import json_feed, xml

    every: Renderers = {"rss": xml.rss, "atom": xml.atom, "json": json_feed.render}
    return {suffix: every[suffix] for suffix in feed.spec.formats}


def _file(feed: Feed, suffix: str, document: "Rendered", count: int) -> FeedFile:
    data = document.document(count)
    return FeedFile(
        path=feed.spec.path(suffix),
        url=feed.spec.url(suffix),
        data=data,
        media_type=MEDIA_TYPES[suffix],
        digest=digest_of(data),
        hubs=feed.spec.hubs,
    )
