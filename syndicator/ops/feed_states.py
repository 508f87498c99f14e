"""The published feeds, as `status` and `feeds` show them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from syndicator.store import audiences, feeds
from syndicator.store.audiences import Audience
from syndicator.store.database import Database


class FeedState(Struct, frozen=True, kw_only=True):
    name: str
    title: str  #: the label of its term; "all" for the feed of the whole site
    urls: Mapping[str, str]  #: by suffix: rss, atom, json, html
    entries: int
    bytes: int  #: of its largest feed file, uncompressed
    updated: datetime | None  #: of its newest entry; None: it never had one
    published: datetime  #: when one of its files last changed
    subscribers: int  #: at our own hub, over all formats


def list_feeds(database: Database, now: datetime) -> tuple[FeedState, ...]:
    """The published feeds: the whole site first, then by kind and name."""
    with database.read() as connection:
        files = [file for file in feeds.all_files(connection) if not file.gone]
        return feed_states(connection, files, audiences.by_topic(connection, now))


def feed_states(
    connection: Connection, files: Iterable[feeds.FileRow], audiences: Mapping[str, Audience]
) -> tuple[FeedState, ...]:
    """`files`: that are published. `audiences`: by topic."""
    files_of: dict[str, list[feeds.FileRow]] = {}
    for file in files:
        files_of.setdefault(file.feed, []).append(file)
    return tuple(
        _feed_state(row, files_of[row.name], audiences)
        for row in feeds.all_feeds(connection)
        if row.content_key is not None
    )


def _feed_state(
    row: feeds.FeedRow, feed_files: list[feeds.FileRow], audiences: Mapping[str, Audience]
) -> FeedState:
    topics = {file.url for file in feed_files} & audiences.keys()
    own = [file for file in feed_files if file.path.startswith(f"{row.name}.")]
    return FeedState(
        name=row.name,
        title=row.label or row.name,
        urls={file.path.rpartition(".")[2]: file.url for file in own},
        entries=len(row.post_paths),
        bytes=max((_bytes(file) for file in feed_files if not _is_page(file)), default=0),
        updated=row.updated,
        published=max(file.updated for file in feed_files),
        subscribers=sum(audiences[topic].subscribers for topic in topics),
    )


def _is_page(file: feeds.FileRow) -> bool:
    return file.path.endswith(".html")


def _bytes(file: feeds.FileRow) -> int:
    size, _ = file.disk.get("", (0, 0))
    return size
