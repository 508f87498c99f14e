"""Writes a feed's files: RSS, Atom or JSON Feed, and a page for people."""

from syndicator.model.content import Feed, FeedFile, Problem, digest_of

_MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


def import_libraries() -> None:
    """Import what `files_of` needs: a tenth of a second, in which others may do something."""
    from syndicator.formats import html, json_feed, selection, xml

    assert html and json_feed and selection and xml  # noqa: PT018


def files_of(feed: Feed) -> tuple[tuple[FeedFile, ...], tuple[Problem, ...]]:
    """The feed in each format of its spec, and its page for people last.

    All formats have the same entries, as `selection.select` decides. The page is a preview: it has
    the newest entries, also those that the size limit keeps out of the formats.
    """
    from syndicator.formats import html, json_feed, xml
    from syndicator.formats.selection import Renderers, select

    renderers: Renderers = {"rss": xml.rss, "atom": xml.atom, "json": json_feed.render}
    selection = select(feed, {suffix: renderers[suffix] for suffix in feed.spec.formats})
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
