"""OPML 2.0 (http://opml.org/spec2.opml): every feed, for readers to import in one go."""

from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from syndicator.formats.common import HEADINGS, uri
from syndicator.model.content import FeedFile, FeedSpec, SiteInfo, digest_of

#: The format to import where there is a choice, best first.
_BEST = ("atom", "rss", "json")


def render(feeds: Sequence[FeedSpec], site: SiteInfo, base: str) -> FeedFile:
    """One outline for each feed, those of a kind together, in the order given. No date: that would be the clock's."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">']
    lines += [f"<head><title>{escape(site.title)}</title></head>", "<body>"]
    for kind, group in groupby(feeds, key=lambda spec: spec.term.kind if spec.term else None):
        outlines = [_outline(spec, site) for spec in group]
        name = quoteattr(HEADINGS[kind] if kind else "")
        lines += [f"<outline text={name}>", *outlines, "</outline>"] if kind else outlines
    data = "\n".join([*lines, "</body>", "</opml>", ""]).encode()
    return FeedFile(
        path="feeds.opml",
        url=f"{base}feeds.opml",
        data=data,
        media_type="text/x-opml; charset=utf-8",
        digest=digest_of(data),
        hubs=(),
    )


def _outline(spec: FeedSpec, site: SiteInfo) -> str:
    best = next(suffix for suffix in _BEST if suffix in spec.formats)
    attributes = {
        "type": "rss",
        "text": spec.title,
        "title": spec.title,
        "xmlUrl": spec.url(best),
        "htmlUrl": uri(site.url),
    }
    return (
        f"<outline {' '.join(f'{name}={quoteattr(value)}' for name, value in attributes.items())}/>"
    )
