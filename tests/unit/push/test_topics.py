"""Subscribers get the bytes that were published, and no others."""

from datetime import UTC, datetime

import pytest

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile, digest_of
from syndicator.push.topics import published_file
from syndicator.store.feeds import FileRow

DATA = b"<rss/>"
ROW = FileRow(
    path="all.rss",
    feed="all",
    url="https://example.com/all.rss",
    media_type="application/rss+xml",
    digest=digest_of(DATA),
    hubs=("https://example.com/hub",),
    updated=datetime(2026, 5, 1, tzinfo=UTC),
    disk={"": (len(DATA), 1)},
)


def test_the_file_as_it_was_published() -> None:
    assert published_file(ROW, DATA) == FeedFile(
        path=ROW.path,
        url=ROW.url,
        data=DATA,
        media_type=ROW.media_type,
        digest=ROW.digest,
        hubs=ROW.hubs,
    )


@pytest.mark.parametrize("data", [None, b"", b"<rss>"])
def test_a_file_that_another_program_changed(data: bytes | None) -> None:
    """It is not sent. The next build repairs it."""
    with pytest.raises(OutputError, match=r"all\.rss is not what was published"):
        published_file(ROW, data)
