"""What is at the path of an archive page: its responses, or where its entries are now."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from values import archive_page

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.web.archives import ArchivedResponses, Archives
from syndicator.web.prepared_responses import PreparedResponse

DIGEST = "0123456789abcdef" * 2
WRITTEN = datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC)
ENDED = datetime(2026, 2, 1, tzinfo=UTC)


def page(name: str, formats: Sequence[str] = ("rss", "html"), **fields: Any) -> ArchivePage:
    file = ArchivedFile(DIGEST, WRITTEN, {"": (200, 7_000_000_001), ".gz": (100, 8_000_000_002)})
    return archive_page(name, dict.fromkeys(formats, file), **fields)


def ended(name: str, moved_to: str | None) -> ArchivePage:
    """A page whose files were removed."""
    return page(name, (), ended=ENDED, moved_to=moved_to)


def archives(*pages: ArchivePage) -> Archives:
    made = Archives(
        max_age=300, home="https://news.example.com/feeds/", read=lambda *_: pytest.fail("a read")
    )
    made.update(pages)
    return made


def location(found: ArchivedResponses | PreparedResponse | None) -> str:
    assert isinstance(found, PreparedResponse)
    headers = dict(found.headers)
    assert (found.status, headers[b"cache-control"]) == (301, b"max-age=300")
    assert b"link" not in headers
    return headers[b"location"].decode()


def test_the_responses_of_a_page() -> None:
    """Each encoding that is on disk, with the place of its bytes. No hub is named."""
    found = archives(page("all/1")).find("all/1.rss")
    assert isinstance(found, ArchivedResponses)
    variants = found.prepared.variants
    body = {name: found.body_of(variant.ok) for name, variant in variants.items()}
    assert body == {
        "identity": ("all/1.rss", (200, 7_000_000_001)),
        "gzip": ("all/1.rss.gz", (100, 8_000_000_002)),
    }
    assert found.body_of(variants["gzip"].not_modified) is None
    assert dict(variants["gzip"].ok.headers) == {
        b"content-type": b"application/rss+xml; charset=utf-8",
        b"content-length": b"100",
        b"content-encoding": b"gzip",
        b"etag": f'"{DIGEST}-gz"'.encode(),
        b"last-modified": b"Thu, 15 Jan 2026 05:39:13 GMT",
        b"cache-control": b"max-age=3600",
        b"vary": b"Accept-Encoding",
    }


def test_a_page_that_may_grow_is_cached_like_a_feed() -> None:
    found = archives(page("all/1", is_open=True)).find("all/1.rss")
    assert isinstance(found, ArchivedResponses)
    assert (b"cache-control", b"max-age=300") in found.prepared.variants["gzip"].ok.headers


@pytest.mark.parametrize(
    ("path", "formats", "page_for_people"),
    [
        ("all/1.rss", ("rss", "html"), b"../all/1.html#rss"),
        ("all/1.rss", ("rss",), b"../all.html#rss"),
        ("all/1.html", ("rss", "html"), None),
    ],
)
def test_people_are_sent_to_the_page(
    path: str, formats: Sequence[str], page_for_people: bytes | None
) -> None:
    """That of the same entries; else that of the feed."""
    found = archives(page("all/1", formats)).find(path)
    assert isinstance(found, ArchivedResponses)
    sent_to = found.prepared.page
    assert (dict(sent_to.headers)[b"location"] if sent_to else None) == page_for_people


@pytest.mark.parametrize(
    "path",
    ["all/2.rss", "all/1.atom", "all/1", "all/1.rss.gz", "all/0", "all/0.rss.gz", "all/0.xml", "."],
)
def test_other_paths(path: str) -> None:
    assert archives(ended("all/0", "all/1"), page("all/1")).find(path) is None


def test_a_page_that_ended_leads_to_the_one_that_has_its_entries() -> None:
    """At once to the last of a chain, in the same format, percent-encoded."""
    found = archives(
        ended("größe/1", "größe/2"),
        ended("größe/2", "größe/3"),
        page("größe/3"),
    ).find("größe/1.rss")
    assert location(found) == "https://news.example.com/feeds/gr%C3%B6%C3%9Fe/3.rss"


@pytest.mark.parametrize(
    "pages",
    [
        [ended("all/1", "all")],
        [ended("all/1", None)],
        [ended("all/1", "all/unknown")],
        [ended("all/1", "all/2"), ended("all/2", "all/1")],
        [ended("all/1", "all/1")],
        [ended("all/1", "all/2"), ended("all/2", None)],
        [ended("all/1", "all/2"), page("all/2", ("html",))],
    ],
    ids=["the feed", "none", "unknown", "a loop", "itself", "none later", "another format"],
)
def test_entries_in_no_page_lead_to_the_feed(pages: Sequence[ArchivePage]) -> None:
    assert location(archives(*pages).find("all/1.rss")) == "https://news.example.com/feeds/all.rss"


def test_an_update_leaves_other_pages_as_they_are() -> None:
    """One that ended may come back."""
    several = archives(page("all/1"), ended("all/2", "all/1"), page("all/3"))
    several.update([page("all/2"), ended("all/1", "all/2")])
    assert location(several.find("all/1.rss")).endswith("/all/2.rss")
    assert isinstance(several.find("all/2.rss"), ArchivedResponses)
    assert isinstance(several.find("all/3.rss"), ArchivedResponses)
