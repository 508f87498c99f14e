"""What readers were shown is found in files that the state does not know as they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from values import entry, file_row, spec

from syndicator import formats
from syndicator.build.shown import ShownEntries, by_url, shown_date
from syndicator.formats.read_back import ShownEntry
from syndicator.model.content import Feed, SiteInfo
from syndicator.outputs.folder import OutputFolder
from syndicator.store.feeds import FileRow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
LIMIT = NOW + timedelta(days=1)


def shown(id: str, url: str, updated: datetime | None = None) -> ShownEntry:
    return ShownEntry(id=id, url=url, updated=updated)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([shown("a", "u")], {"u": ("a", None)}),
        ([shown("a", "u", EARLIER), shown("a", "u", LATER)], {"u": ("a", LATER)}),
        ([shown("a", "u", LATER), shown("a", "u", EARLIER)], {"u": ("a", LATER)}),
        ([shown("a", "u", LATER), shown("a", "u")], {"u": ("a", LATER)}),
        ([shown("a", "u"), shown("b", "u"), shown("a", "u")], {}),
        ([shown("a", "u"), shown("b", "v")], {"u": ("a", None), "v": ("b", None)}),
        ([shown("a", "u", LIMIT)], {"u": ("a", None)}),
        ([shown("a", "u", LIMIT), shown("a", "u", EARLIER)], {"u": ("a", EARLIER)}),
    ],
)
def test_entries_by_address(
    entries: list[ShownEntry], expected: dict[str, tuple[str, datetime | None]]
) -> None:
    """With the latest date that is credible. An address with two ids tells nothing."""
    found = by_url(entries, LIMIT)
    assert {url: (one.id, one.updated) for url, one in found.items()} == expected


@pytest.fixture
def output(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "feeds", ())


FORMATS = ("rss", "atom", "json")


def publish(output: OutputFolder, updated: datetime, name: str = "all") -> dict[str, FileRow]:
    """Write a feed in each format, and return the rows of its files."""
    site = SiteInfo(title="T", url="https://news.example.com/")
    one = entry("a", id="https://news.example.com/first", updated=updated)
    feed = Feed(spec=spec(name, formats=FORMATS), site=site, updated=updated, entries=(one,))
    files = formats.files_of(formats.select_entries(feed))
    disks = output.write([(file, updated) for file in files])
    return {
        file.path: replace(file_row(file.path, file.data), feed=name, disk=disk)
        for file, disk in zip(files, disks, strict=True)
    }


def test_the_date_of_files_that_are_not_as_they_were(output: OutputFolder) -> None:
    """Of any format, and of one that the config no longer names. Dates ahead are mistakes."""
    known = publish(output, EARLIER)
    specs = spec(formats=FORMATS)
    assert shown_date(output, specs, known, NOW) is None
    publish(output, LATER)
    assert shown_date(output, specs, known, NOW) == LATER
    assert shown_date(output, spec(formats=("json",)), known, NOW) == LATER
    (output.files.root / "all.rss").write_bytes(b"junk")
    assert shown_date(output, specs, known, NOW) == LATER
    (output.files.root / "all.atom").unlink()
    assert shown_date(output, specs, known, NOW) is None
    publish(output, NOW + timedelta(days=2))
    assert shown_date(output, specs, known, NOW) is None


def test_the_date_of_a_feed_without_rows(output: OutputFolder) -> None:
    """The state does not know that it was ever published."""
    assert shown_date(output, spec(formats=FORMATS), {}, NOW) is None
    publish(output, LATER)
    assert shown_date(output, spec(formats=FORMATS), {}, NOW) == LATER


def test_the_entries_of_files_that_are_not_as_they_were(output: OutputFolder) -> None:
    """Of each known feed, and of the site's even if it is not known."""
    news = publish(output, EARLIER, "category/news")
    page = "https://news.example.com/a/"
    assert ShownEntries(output, news, NOW).at(page) is None
    publish(output, LATER, "category/news")
    known = ShownEntries(output, news, NOW).at(page)
    assert known == shown("https://news.example.com/first", page, LATER)
    assert ShownEntries(output, {}, NOW).at(page) is None
    publish(output, EARLIER)
    assert ShownEntries(output, {}, NOW).at(page) is not None
    assert ShownEntries(output, {}, NOW).at("https://news.example.com/b/") is None


def test_files_that_are_known_are_not_read(output: OutputFolder) -> None:
    """They cost a stat each, and only on a first run with posts that are new to the state."""
    known = publish(output, EARLIER)
    output.files.read = lambda *_: pytest.fail("a file was read")  # type: ignore[method-assign]
    assert ShownEntries(output, known, NOW).at("https://news.example.com/a/") is None
    assert shown_date(output, spec(formats=FORMATS), known, NOW) is None
