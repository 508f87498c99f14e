"""A feed without the entries that a subscriber has."""

import json
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from syndicator.formats.changes import entry_digests, without
from syndicator.formats.read_back import parse
from syndicator.formats.shown_feeds import SUFFIXES
from syndicator.model.content import Author, Feed, FeedFile

from .samples import RICH, SITE, entry, feed, files_of

BEFORE = feed(RICH, entry(1), entry(2))


def file_of(of: Feed, suffix: str) -> FeedFile:
    files, _ = files_of(of)
    return next(file for file in files if file.path.endswith(suffix))


def ids(file: FeedFile, suffix: str) -> list[str]:
    shown = parse(suffix, file.data)
    assert shown is not None
    return [entry.id for entry in shown.entries]


def canonical(file: FeedFile) -> bytes:
    return etree.tostring(etree.fromstring(file.data), method="c14n")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_new_or_changed_is_left(suffix: str) -> None:
    """In the feed's order. Neither an entry that left nor the feed's own date is an entry."""
    edited = entry(2, title="Another title")
    after = replace(BEFORE, entries=(entry(0), RICH, edited, entry(4)))
    file = file_of(after, suffix)
    known = entry_digests(file_of(BEFORE, suffix))
    assert len(set(known)) == 3
    changed = without(file, known)
    assert ids(changed, suffix) == [each.id for each in (entry(0), edited, entry(4))]
    assert replace(changed, data=file.data) == file
    assert ids(file, suffix) == [each.id for each in after.entries]


@pytest.mark.parametrize(
    ("suffix", "inherited"),
    [
        ("rss", {"language": "de"}),
        ("atom", {"language": "de"}),
        ("json", {"language": "de"}),
        ("atom", {"authors": (Author(name="Another"),)}),
        ("json", {"authors": (Author(name="Another"),)}),
    ],
)
def test_what_an_entry_inherits_from_its_feed_is_part_of_it(
    suffix: str, inherited: dict[str, Any]
) -> None:
    """Its language, and its author unless it names one: all of the feed is left."""
    before = file_of(BEFORE, suffix)
    after = file_of(replace(BEFORE, site=replace(SITE, **inherited)), suffix)
    assert not {*entry_digests(before)} & {*entry_digests(after)}
    assert ids(without(after, entry_digests(before)), suffix) == ids(after, suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_rest_stays_as_it_is(suffix: str) -> None:
    """All else of the feed, and each entry that is left."""
    file = file_of(BEFORE, suffix)
    all_of_it = without(file, ["another"])
    assert entry_digests(all_of_it) == entry_digests(file)
    if suffix == "json":
        assert json.loads(all_of_it.data) == json.loads(file.data)
    else:
        assert canonical(all_of_it) == canonical(file)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_new_entries_all_of_it_is_left(suffix: str) -> None:
    """An entry was removed, or the feed's title changed: only the whole feed says so."""
    file = file_of(replace(BEFORE, entries=(entry(1),)), suffix)
    assert without(file, entry_digests(file_of(BEFORE, suffix))) is file


def test_other_files_have_no_entries() -> None:
    """They are left as they are."""
    page = replace(file_of(BEFORE, "json"), media_type="text/html; charset=utf-8")
    assert entry_digests(page) == ()
    assert without(page, ["another"]) is page
