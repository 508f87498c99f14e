"""Values of a build for unit tests: its options, rows of its state, what is known before a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from reading import site_of

from syndicator.build.dependencies import Dependencies
from syndicator.build.feed_names import FeedNames
from syndicator.build.options import BuildOptions
from syndicator.build.snapshot import Snapshot
from syndicator.jekyll.sanitize import Policy
from syndicator.model.content import PostHead, Stat
from syndicator.model.report import Report
from syndicator.store import posts
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow
from syndicator.store.post_rows import PostRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

SITE = "url: https://news.example.com\n"

OPTIONS = BuildOptions(
    source=Path("/site"),
    output=Path("/feeds"),
    overrides={},
    base="https://feeds.example/",
    formats=("rss", "atom"),
    kinds=None,
    limit=None,
    max_bytes=1 << 20,
    full=None,
    hubs=("https://feeds.example/hub", "https://hub.example/"),
    own_hub="https://feeds.example/hub",
    policy=Policy(),
    version="1",
)

REPORT = Report(started=NOW, seconds=0.5, posts=3)

SNAPSHOT = Snapshot(
    site=site_of(SITE),
    site_problems=(),
    names=FeedNames((), ()),
    dependencies=Dependencies({}),
    using_posts=frozenset(),
    files={},
    built_at=None,
)


@contextmanager
def a_state(folder: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{folder}/state.db")
    yield database
    database.close()


def head(path: str, *, published: datetime = NOW) -> PostHead:
    return PostHead(
        path=path,
        id=f"https://news.example.com/{path}",
        own_id=False,
        url=f"https://news.example.com/{path}/",
        title=path,
        published=published,
        updated=None,
        terms=(),
        text_digest="text",
    )


def post_row(path: str, *, published: datetime = NOW, **fields: Any) -> PostRow:
    """The row of a post that was read, in the feed of the whole site."""
    row = PostRow(
        stat=Stat(path=path, size=5, mtime_ns=10**18, ctime_ns=10**18, inode=1),
        settled=True,
        digest="bytes",
        head=head(path, published=published),
        document_digest="bytes",
        feeds=("all",),
    )
    return row._replace(**fields)


def store(database: Database, *rows: PostRow) -> None:
    with database.begin() as connection:
        posts.put(connection, rows, ())


def file_row(path: str, **fields: Any) -> FileRow:
    """A published file. Its feed is named by its path, without the suffix."""
    row = FileRow(
        path=path,
        feed=path.rpartition(".")[0],
        url=f"https://feeds.example/{path}",
        media_type="application/rss+xml",
        digest="bytes",
        hubs=(),
        updated=NOW,
        disk={"": (5, 10**18)},
    )
    return replace(row, **fields)
