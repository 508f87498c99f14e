"""OPML 2.0 (http://opml.org/spec2.opml): a list of all feeds, for readers to import."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from syndicator.formats.field_values import HEADINGS
from syndicator.model.content import FeedFile, FeedSpec, SiteInfo, digest_of

#: The format that readers import, the most preferred first: every reader imports RSS, few JSON.
_PREFERRED = ("rss", "atom", "json")


def render(feeds: Sequence[FeedSpec], site: SiteInfo, base: str) -> FeedFile:
    """One outline for each feed, grouped by kind of term, in the given order.

    There is no date: it would change the file at each run.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">']
    lines += [f"<head><title>{escape(site.title, quote=False)}</title></head>", "<body>"]
    for kind, group in groupby(feeds, key=lambda spec: spec.term.kind if spec.term else None):
        outlines = [_outline(spec) for spec in group]
        name = _quoted(HEADINGS[kind] if kind else "")
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


def _outline(spec: FeedSpec) -> str:
    preferred = next(suffix for suffix in _PREFERRED if suffix in spec.formats)
    attributes = {
        "type": "rss",
        "text": spec.title,
        "title": spec.title,
        "xmlUrl": spec.url(preferred),
        "htmlUrl": spec.url("html"),
    }
    pairs = (f"{name}={_quoted(value)}" for name, value in attributes.items())
    return f"<outline {' '.join(pairs)}/>"


def _quoted(text: str) -> str:
    return '"' + escape(text, quote=False).replace('"', "&quot;") + '"'
