"""Reads the file that a hub's subscribers get: the feed as it is published now."""

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile, digest_of
from syndicator.outputs.output import Output
from syndicator.store import feeds
from syndicator.store.database import Database
from syndicator.store.feeds import FileRow


def read_topic(database: Database, output: Output, url: str) -> FeedFile | None:
    """A topic's file as it is published now; None: no such topic, or not any more.

    Raises OutputError if the file there is not the published one; a build repairs it.
    """
    with database.read() as connection:
        row = feeds.file_at(connection, url)
    if row is None or not row.hubs:
        return None
    return published_file(row, output.published(row.path, row.disk))


def published_file(row: FileRow, data: bytes | None) -> FeedFile:
    """The file of a row. `data`: the bytes on disk; None: it has no file there, or a larger one.

    Raises OutputError if these are not the bytes that were published.
    """
    if data is None or digest_of(data) != row.digest:
        raise OutputError(f"{row.path} is not what was published", hint="the next build repairs it")
    return FeedFile(
        path=row.path,
        url=row.url,
        data=data,
        media_type=row.media_type,
        digest=row.digest,
        hubs=row.hubs,
    )
