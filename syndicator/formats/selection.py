"""Decides which entries a feed's documents hold: the same ones in every format.

A reader who changes the format, and a page of older entries that continues a feed, must neither
miss an entry nor see one twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from syndicator.formats.podcast import has_episodes
from syndicator.formats.size_limit import Rendered, without_embedded_pictures
from syndicator.model.content import Entry, Feed, Problem

Renderers = Mapping[str, Callable[[Feed], Rendered]]


class Selection(NamedTuple):
    """The entries of a feed that each of its formats can hold, and how many of them fit."""

    feed: Feed  #: without entries that a format can't hold; of others only the summary
    documents: Mapping[str, Rendered]  #: the feed by format, not yet cut
    shown: int  #: how many of the newest entries; they fit into the file of each format
    problems: tuple[Problem, ...]


def select(feed: Feed, renderers: Renderers, limit: int) -> Selection:
    """Decide for the feed's formats together. `limit`: bytes of a file.

    The oldest entries are left out first. An entry that is too large on its own in one of the
    formats loses its embedded pictures in all, which is a note. If it is still too large, it is its
    summary in all, or left out. One that a format can't represent is left out. Both are Problems.
    Raises ValueError if a format can't represent the
    feed even without entries.
    """
    feed, documents, problems = _representable(feed, renderers)
    if too_large := _too_large(documents.values(), limit):
        feed, notes = _without_pictures(feed, too_large)
        problems += notes
        documents = _rendered(feed, renderers) if notes else documents
    if too_large := _too_large(documents.values(), limit):
        problems += [
            _too_large_problem(feed.entries[at], feed.spec.max_bytes) for at in sorted(too_large)
        ]
        feed = _with_summaries(feed, too_large)
        documents = _rendered(feed, renderers)
        if still_too_large := _too_large(documents.values(), limit):
            kept = (e for at, e in enumerate(feed.entries) if at not in still_too_large)
            feed = _with_entries(feed, *kept)
            documents = _rendered(feed, renderers)
    shown = min(document.fitting(limit) for document in documents.values())
    if has_episodes(feed.entries) and not has_episodes(feed.entries[:shown]):
        # The head of RSS calls the feed a podcast.
        documents = _rendered(_with_entries(feed, *feed.entries[:shown]), renderers)
    return Selection(feed, documents, shown, tuple(problems))


def _rendered(feed: Feed, renderers: Renderers) -> dict[str, Rendered]:
    return {suffix: render(feed) for suffix, render in renderers.items()}


def _representable(
    feed: Feed, renderers: Renderers
) -> tuple[Feed, dict[str, Rendered], list[Problem]]:
    """The feed with the entries that every format can represent."""
    try:
        return feed, _rendered(feed, renderers), []
    except ValueError:
        _rendered(_with_entries(feed), renderers)
    good, problems = [], []
    for entry in feed.entries:
        try:
            _rendered(_with_entries(feed, entry), renderers)
            good.append(entry)
        except ValueError as error:
            problems.append(_unwritable_problem(entry, error))
    feed = _with_entries(feed, *good)
    return feed, _rendered(feed, renderers), problems


def _too_large(documents: Iterable[Rendered], max_bytes: int) -> set[int]:
    """The places of the entries that are too large in one of the formats."""
    return set().union(*(document.too_large(max_bytes) for document in documents))


def _without_pictures(feed: Feed, places: Collection[int]) -> tuple[Feed, list[Problem]]:
    """The feed without the embedded pictures of the entries at these places, and notes of them."""
    entries = list(feed.entries)
    notes = []
    for at in sorted(places):
        entries[at] = without_embedded_pictures(feed.entries[at])
        if entries[at] != feed.entries[at]:
            notes.append(_pictures_note(feed.entries[at], feed.spec.max_bytes))
    return _with_entries(feed, *entries), notes


def _with_summaries(feed: Feed, places: Collection[int]) -> Feed:
    """The feed with only the summaries of the entries at these places."""
    entries = (replace(e, content="") if at in places else e for at, e in enumerate(feed.entries))
    return _with_entries(feed, *entries)


def _with_entries(feed: Feed, *entries: Entry) -> Feed:
    return replace(feed, entries=entries)


# A problem of an entry names no feed: equal ones of several feeds are listed once.


def _unwritable_problem(entry: Entry, error: ValueError) -> Problem:
    return Problem(
        path=entry.path or entry.url,
        line=entry.line,
        message=f"is left out of feeds: {error}",
        hint="remove what a feed can't represent from the post",
    )


def _pictures_note(entry: Entry, max_bytes: int) -> Problem:
    return Problem(
        path=entry.path or entry.url,
        line=entry.line,
        message=f"is larger than a feed may be, {max_bytes:,} bytes:"
        " its embedded pictures were left out",
        hint="save the pictures as files of the site, or raise feeds.max_bytes",
        note=True,
    )


def _too_large_problem(entry: Entry, max_bytes: int) -> Problem:
    return Problem(
        path=entry.path or entry.url,
        line=entry.line,
        message=f"is larger than a feed may be, {max_bytes:,} bytes:"
        " only its summary is in feeds, if that fits",
        hint="raise feeds.max_bytes, or shorten the post",
    )
