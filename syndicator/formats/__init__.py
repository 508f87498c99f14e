"""Writes a feed's files: RSS, Atom or JSON Feed, and a page for people."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from syndicator.formats import html, json_feed, xml
from syndicator.formats.size_limit import Rendered, without_embedded_pictures
from syndicator.model.content import Entry, Feed, FeedFile, Problem, digest_of

_Render = Callable[[Feed], Rendered]

_FORMATS: Mapping[str, tuple[_Render, str]] = {
    "rss": (xml.rss, "application/rss+xml; charset=utf-8"),
    "atom": (xml.atom, "application/atom+xml; charset=utf-8"),
    "json": (json_feed.render, "application/feed+json; charset=utf-8"),
}


def files_of(feed: Feed) -> tuple[tuple[FeedFile, ...], tuple[Problem, ...]]:
    """The feed in each format of its spec, and its page for people last.

    A file larger than `max_bytes` loses its oldest entries. An entry that is larger on its own
    loses its embedded pictures, which is a note. If it is still too large, it is written as its
    summary, or left out. An entry that a format can't represent is left out. Each such entry is a
    Problem.
    """
    files = []
    problems: dict[Problem, None] = {}  # in order, and each once for all formats
    for suffix in feed.spec.formats:
        render, media_type = _FORMATS[suffix]
        data, format_problems = _document(feed, render)
        problems.update(dict.fromkeys(format_problems))
        files.append(
            FeedFile(
                path=feed.spec.path(suffix),
                url=feed.spec.url(suffix),
                data=data,
                media_type=media_type,
                digest=digest_of(data),
                hubs=feed.spec.hubs,
            )
        )
    return (*files, html.feed_page(feed)), tuple(problems)


def _document(feed: Feed, render: _Render) -> tuple[bytes, list[Problem]]:
    limit = feed.spec.max_bytes
    feed, rendered, problems = _rendered(feed, render)
    for shorten in (_shorten_by_pictures, _shorten_to_summaries, _leave_out):
        too_large = rendered.too_large(limit)
        if not too_large:
            break
        feed, found = shorten(feed, too_large)
        problems += found
        rendered = render(feed)
    return rendered.within(limit), problems


_Shortened = tuple[Feed, list[Problem]]


def _shorten_by_pictures(feed: Feed, too_large: tuple[int, ...]) -> _Shortened:
    """Leave out the embedded pictures of entries that are too large. Each one is a note."""
    entries = list(feed.entries)
    notes = []
    for index in too_large:
        entries[index] = without_embedded_pictures(feed.entries[index])
        if entries[index] != feed.entries[index]:
            notes.append(_without_pictures(feed, entries[index]))
    return _with_entries(feed, *entries), notes


def _shorten_to_summaries(feed: Feed, too_large: tuple[int, ...]) -> _Shortened:
    """Leave out the content of entries that are too large. Each one is a problem."""
    entries = list(feed.entries)
    for index in too_large:
        entries[index] = replace(feed.entries[index], content="")
    problems = [_too_large(feed, feed.entries[index]) for index in too_large]
    return _with_entries(feed, *entries), problems


def _leave_out(feed: Feed, too_large: tuple[int, ...]) -> _Shortened:
    """Leave out entries that are too large as summaries, which is reported already."""
    return _with_entries(feed, *(e for i, e in enumerate(feed.entries) if i not in too_large)), []


def _rendered(feed: Feed, render: _Render) -> tuple[Feed, Rendered, list[Problem]]:
    """The feed with the entries that can be rendered.

    Raises ValueError if the feed can't be rendered even without entries.
    """
    try:
        return feed, render(feed), []
    except ValueError:
        empty = _with_entries(feed)
        render(empty)
    good, problems = [], []
    for entry in feed.entries:
        try:
            render(_with_entries(feed, entry))
            good.append(entry)
        except ValueError as error:
            problems.append(_unwritable(feed, entry, error))
    feed = _with_entries(feed, *good)
    return feed, render(feed), problems


def _with_entries(feed: Feed, *entries: Entry) -> Feed:
    return replace(feed, entries=entries)


def _unwritable(feed: Feed, entry: Entry, error: ValueError) -> Problem:
    return Problem(
        path=feed.spec.name,
        message=f"left out {entry.url}: {error}",
        hint="remove what this format can't represent from the post",
    )


def _without_pictures(feed: Feed, entry: Entry) -> Problem:
    return Problem(
        path=feed.spec.name,
        message=f"{entry.url} is larger than the feed's limit of {feed.spec.max_bytes:,} bytes:"
        " its embedded pictures were left out",
        hint="save the pictures as files of the site, or raise feeds.max_bytes",
        note=True,
    )


def _too_large(feed: Feed, entry: Entry) -> Problem:
    return Problem(
        path=feed.spec.name,
        message=f"{entry.url} is larger than the feed's limit of {feed.spec.max_bytes:,} bytes:"
        " only its summary is in the feed, if that fits",
        hint="raise feeds.max_bytes, or shorten the post",
    )
