"""Writes a feed's files: RSS, Atom or JSON Feed, and a page for people."""

from syndicator.formats import html, json_feed, xml
from syndicator.formats.selection import Renderers, Selection, select
from syndicator.model.content import Feed, FeedFile, Problem, digest_of

_RENDERERS: Renderers = {"rss": xml.rss, "atom": xml.atom, "json": json_feed.render}

_MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


def selection_of(feed: Feed) -> Selection:
    """The entries that the files of a feed have, and the feed in each format of its spec."""
    return select(feed, {suffix: _RENDERERS[suffix] for suffix in feed.spec.formats})


def files_of(feed: Feed) -> tuple[tuple[FeedFile, ...], tuple[Problem, ...]]:
    """The feed in each format of its spec, and its page for people last.

    All formats have the same entries, as `selection.select` decides. The page is a preview: it has
    the newest entries, also those that the size limit keeps out of the formats.
    """
    selection = selection_of(feed)
    files = []
    for suffix, document in selection.documents.items():
        data = document.document(selection.shown)
        files.append(
            FeedFile(
                path=feed.spec.path(suffix),
                url=feed.spec.url(suffix),
                data=data,
                media_type=_MEDIA_TYPES[suffix],
                digest=digest_of(data),
                hubs=feed.spec.hubs,
            )
        )
    return (*files, html.feed_page(selection.feed)), selection.problems
