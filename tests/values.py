"""Values of a build with defaults, for tests that name only the fields they are about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.content import (
    Entry,
    FeedFile,
    FeedSpec,
    Identity,
    PostHead,
    SiteInfo,
    Stat,
    digest_of,
)
from syndicator.model.places import EVERYTHING, Place
from syndicator.store.feeds import FeedRow, FileRow
from syndicator.store.post_rows import PostRow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)
HUB = "https://hub.example/"
OWN_HUB = "https://feeds.example/hub"

SITE = SiteInfo(title="The Daily", url="https://news.example.com/")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def head(path: str = "a.md", **fields: Any) -> PostHead:
    """A post whose id, title and text are its name."""
    name = PurePosixPath(path).stem
    values: dict[str, Any] = {
        "id": name,
        "own_id": False,
        "url": f"https://news.example.com/{name}/",
        "title": name,
        "published": PUBLISHED,
        "updated": None,
        "terms": (),
        "text_digest": name,
    }
    return PostHead(path=path, **(values | fields))


def identity(path: str = "a.md", **fields: Any) -> Identity:
    """The identity of the post that `head` makes of the same path."""
    name = PurePosixPath(path).stem
    return Identity(path=path, **({"id": name, "text_digest": name, "updated": None} | fields))


def archive_page(name: str, files: Mapping[str, ArchivedFile], **fields: Any) -> ArchivePage:
    """A closed page without posts, of the feed whose folder it is in."""
    place = Place(PUBLISHED, "a.md")
    values: dict[str, Any] = {
        "feed": name.rpartition("/")[0],
        "block": EVERYTHING,
        "oldest": place,
        "newest": place,
        "posts": (),
        "key": "",
        "older": None,
        "newer": None,
    }
    return ArchivePage(name=name, files=files, **(values | fields))


def stat(path: str = "a.md", **fields: int) -> Stat:
    return Stat(path=path, **({"size": 1, "mtime_ns": 1, "ctime_ns": 1, "inode": 1} | fields))


def post_row(path: str = "a.md", **fields: Any) -> PostRow:
    """A readable post, in the feed of the whole site, with digest "1"."""
    values: dict[str, Any] = {
        "stat": stat(path),
        "settled": True,
        "digest": "1",
        "head": head(path),
        "document_digest": "1",
        "feeds": ("all",),
    }
    return PostRow(**(values | fields))


def hidden_row(path: str = "a.md", id: str | None = None) -> PostRow:
    """A document without a post: a hidden one that keeps an id, or no post at all."""
    return post_row(path, head=None, document_digest=None, feeds=(), hidden_id=id)


def entry(name: str = "a", **fields: Any) -> Entry:
    values: dict[str, Any] = {
        "id": name,
        "url": f"https://news.example.com/{name}/",
        "title": name,
        "published": PUBLISHED,
        "updated": PUBLISHED,
        "content": "",
        "summary": "",
        "authors": (),
        "categories": (),
        "tags": (),
    }
    return Entry(**(values | fields))


def spec(name: str = "all", **fields: Any) -> FeedSpec:
    values: dict[str, Any] = {
        "title": "",
        "term": None,
        "formats": ("rss",),
        "base": "https://feeds.example/",
        "hubs": (),
        "limit": 9,
        "max_bytes": 99_999,
        "full": True,
    }
    return FeedSpec(name=name, **(values | fields))


def feed_file(path: str = "all.rss", data: bytes = b"<rss/>", **fields: Any) -> FeedFile:
    values: dict[str, Any] = {
        "url": f"https://feeds.example/{path}",
        "media_type": "application/rss+xml",
        "digest": digest_of(data),
        "hubs": (HUB,),
    }
    return FeedFile(path=path, data=data, **(values | fields))


def file_row(path: str = "all.rss", data: bytes = b"<rss/>", **fields: Any) -> FileRow:
    """The published file that `feed_file` makes of the same path and data."""
    file = feed_file(path, data)
    values: dict[str, Any] = {
        "feed": "all",
        "url": file.url,
        "media_type": file.media_type,
        "digest": file.digest,
        "hubs": file.hubs,
        "updated": NOW - seconds(3600),
        "disk": {"": (len(data), 1)},
    }
    return FileRow(path=path, **(values | fields))


def feed_row(name: str = "all", **fields: Any) -> FeedRow:
    """The feed of the whole site, or of a category: `category/news`."""
    kind, slash, label = name.rpartition("/")
    values = {"kind": kind, "label": label, "folded": label}
    site_values: dict[str, Any] = {"kind": None, "label": None, "folded": ""}
    return FeedRow(name=name, **((values if slash else site_values) | fields))
