"""Feeds are read as they were written: the record of what readers were shown."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from syndicator.formats.field_values import entry_id
from syndicator.formats.read_back import parse
from syndicator.formats.shown_feeds import DATED, SUFFIXES, ShownFeed

from .samples import RICH, THEN, entry, feed, files_of

MIDNIGHT = datetime(2026, 1, 15, tzinfo=UTC)

ENTRIES = (
    replace(RICH, url="https://news.example/größe 1/?a=1&b=2", id="tag:news.example,2026:ü"),
    entry(1),
    entry(2, updated=THEN + timedelta(minutes=7), id="12"),
    # Atom sets these apart, since they have no time of day.
    entry(3, published=MIDNIGHT, updated=MIDNIGHT),
    entry(4, published=MIDNIGHT, updated=MIDNIGHT),
)


JSON_FIELDS = b"""
    "url": "https://a.example/1",
    "date_published": "2026-01-01T00:00:00Z", "date_modified": "2026-01-01T00:00:00Z"
"""

ATOM_OF_DATES = b"""<feed xmlns="http://www.w3.org/2005/Atom">
    <updated>2026-01-01T00:00:00Z</updated>
    <entry><id>https://a.example/1</id><link rel="alternate" href="https://a.example/1"/>
    <published>%s</published><updated>%s</updated></entry></feed>"""


def written(suffix: str) -> bytes:
    files, _ = files_of(replace(feed(*ENTRIES), updated=THEN + timedelta(days=1)))
    return next(file.data for file in files if file.path.endswith(suffix))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_format_is_read_as_it_was_written(suffix: str) -> None:
    """Ids and addresses as readers have them, times in whole seconds."""
    second = THEN.replace(microsecond=0)
    shown = parse(suffix, written(suffix))
    assert shown is not None
    assert shown.updated == (second + timedelta(days=1) if suffix in DATED else None)
    assert [entry.updated for entry in shown.entries] == [
        second + timedelta(hours=1),
        None,
        second + timedelta(minutes=7),
        None,
        None,
    ]
    assert [(entry.id, entry.url) for entry in shown.entries] == [
        (entry_id("tag:news.example,2026:ü"), "https://news.example/gr%C3%B6%C3%9Fe%201/?a=1&b=2"),
        ("https://news.example/1", "https://news.example/1"),
        (entry_id("12"), "https://news.example/2"),
        ("https://news.example/3", "https://news.example/3"),
        ("https://news.example/4", "https://news.example/4"),
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_feed_has_no_date(suffix: str) -> None:
    """The date that Atom requires does not count."""
    files, _ = files_of(feed())
    data = next(file.data for file in files if file.path.endswith(suffix))
    assert parse(suffix, data) == ShownFeed(updated=None, entries=())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"<rss/>",
        b"<rss><channel><item/></channel></rss>",
        b"<rss><channel><lastBuildDate>soon</lastBuildDate></channel></rss>",
        b"<rss><channel><lastBuildDate>Wed, 99 Jan 2026 00:00 GMT</lastBuildDate></channel></rss>",
        b'<feed xmlns="http://www.w3.org/2005/Atom"><updated>2026</updated></feed>',
        b'<feed xmlns="http://www.w3.org/2005/Atom"><updated>2026-01-01</updated><entry/></feed>',
        b"[]",
        b"1",
        b'{"items": 1}',
        b'{"items": [1]}',
        b'{"items": [{"id": 1, "url": "u", "date_published": "2026-01-01", "date_modified": 1}]}',
        b'{"items": [{"id": "https://a.example/1\\u0000", %s}]}' % JSON_FIELDS,
        b'{"items": [{"id": "\\ud800", %s}]}' % JSON_FIELDS,
        b'{"items": [{"id": "not a URI", %s}]}' % JSON_FIELDS,
        b'{"items": [{"id": "https://a.example/%s", %s}]}' % (b"1" * 100_000, JSON_FIELDS),
        b"<rss><channel><lastBuildDate>Mon, 1 Jan %s 00:00:00 GMT</lastBuildDate></channel></rss>"
        % (b"9" * 30),
        ATOM_OF_DATES % (b"9999-12-31T23:59:59Z", b"2026-01-01T00:00:00Z"),
        ATOM_OF_DATES % (b"2026-01-01T00:00:00Z", b"0001-01-01T00:00:00+01:00"),
        b"[" * 200_000,
        b"<a>" * 200_000,
        b"\xff\xfe",
    ],
)
def test_other_files_are_no_record(data: bytes) -> None:
    """Whatever another program wrote there."""
    assert [parse(suffix, data) for suffix in SUFFIXES] == [None, None, None]


@pytest.mark.parametrize("value", [b'"x"', b'SYSTEM "file:///etc/passwd"'])
def test_entities_are_not_expanded(value: bytes) -> None:
    """Neither those that grow nor those of files here."""
    link = b"<link>https://news.example/1</link>"
    data = written("rss").replace(b"<rss", b"<!DOCTYPE rss [<!ENTITY e " + value + b">]><rss", 1)
    assert link in data
    shown = parse("rss", data.replace(link, b"<link>&e;</link>"))
    assert shown is not None
    assert shown.entries[1].url == ""
