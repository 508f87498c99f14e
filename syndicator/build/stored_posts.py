"""The other posts that a post's Liquid can use: heads from the index, texts from their files."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from syndicator.cache import LruCache
from syndicator.jekyll.site import ALWAYS, Site
from syndicator.model.content import Document, Post, PostHead
from syndicator.model.lookups import matches_name, path_endings
from syndicator.sources.folder import SourceFolder

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Bytes of the files of posts that are kept parsed in a run, because many posts may list them.
CACHED_POSTS = 16 * 1024 * 1024


class ReadableState(Protocol):
    """The `read` of a `store.database.Database`."""

    def read(self) -> "AbstractContextManager[Connection]": ...


class StoredPosts:
    """The `model.lookups.SitePosts` of the index: posts dated up to `until`.

    SQLAlchemy is imported by the first query: most posts show no others, and a worker process that
    renders them needs it for nothing else.
    """

    def __init__(self, database: ReadableState, source: SourceFolder, site: Site) -> None:
        self._database = database
        self._source = source
        self._site = site
        self._read: LruCache[str, None, Post] = LruCache(CACHED_POSTS)
        self.until = ALWAYS
        self.now = datetime.now(UTC)

    def begin(self, now: datetime) -> None:
        """Begin a run. Files that change while it lasts are noticed by the next scan."""
        self.now = now
        self._read = LruCache(CACHED_POSTS)

    def find(self, name: str) -> PostHead | None:
        from syndicator.store import post_queries

        with self._database.read() as connection:
            heads = post_queries.find_by_name(connection, path_endings(name), self.until)
        return next((head for head in heads if matches_name(head.path, name)), None)

    def newest(self, limit: int) -> tuple[PostHead, ...]:
        from syndicator.store import post_queries

        with self._database.read() as connection:
            return tuple(
                row.head
                for row in post_queries.newest_of_all(connection, self.until, limit)
                if row.head
            )

    def neighbour(self, head: PostHead, *, newer: bool) -> PostHead | None:
        from syndicator.store import post_queries

        with self._database.read() as connection:
            return post_queries.neighbour(connection, head, self.until, newer=newer)

    def read(self, head: PostHead) -> Post | None:
        post = self._read.get(head.path, None)
        if post is None:
            document = self._source.read(head.path)
            if not isinstance(document, Document):
                return None
            from syndicator.jekyll.posts import read_post

            post = read_post(document, self._site).post
            if post is None:
                return None
            self._read.put(head.path, None, post, len(document.data))
        return replace(post, head=head)
