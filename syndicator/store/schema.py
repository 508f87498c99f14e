"""The tables of a build. Those of the push are in `push_schema`.

A time is an INTEGER: microseconds since 1970 in UTC.

The state is an index: posts, entries, feeds and files can be rebuilt from the source. The ids of
posts (`identities`), subscriptions and queued jobs can't.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    false,
    literal_column,
    text,
    true,
)

from syndicator.model.activity import Activity
from syndicator.store import process_schema, push_schema  # noqa: F401 -- in the same metadata
from syndicator.store.schema_types import Text
from syndicator.store.schema_types import metadata as metadata  # of all tables

#: Values about the state as a whole, such as the digest of the site and the time of the last run.
kv = Table(
    "kv",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: One row for each document that was read, whether it holds a post or not. See
#: `post_rows.PostRow` and `model.content.PostHead`.
posts = Table(
    "posts",
    metadata,
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("digest", Text, nullable=False),
    # The other columns describe the last version that could be read as a post. `out` is False when
    # there was none; `published` decides whether a post is due. A withdrawn post keeps its id.
    Column("out", Boolean, nullable=False),
    Column("document_digest", Text),
    Column("id", Text),
    Column("own_id", Boolean),
    Column("url", Text),
    Column("title", Text),
    Column("published", BigInteger),
    Column("updated", BigInteger),
    Column("text_digest", Text),
    # JSON [[kind, label], …]
    Column("terms", Text),
    # JSON [name, …]
    Column("feeds", Text),
    Column("listed", Boolean, nullable=False, server_default=true()),
    # of the file of its url, which may be too long for an index of PostgreSQL
    Column("url_hash", BigInteger),
    Column("ctime_ns", BigInteger, nullable=False, server_default=text("0")),
    # a file system's number of 64 bits without a sign, as one with a sign
    Column("inode", BigInteger, nullable=False, server_default=text("0")),
    Column("maybe_copy", Boolean, nullable=False, server_default=false()),
    Column("held", Boolean, nullable=False, server_default=false()),
)

#: Which posts belong to which feed, in the order in which feeds are read.
feed_posts = Table(
    "feed_posts",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("published", BigInteger, primary_key=True),
    Column("path", Text, primary_key=True),
    sqlite_with_rowid=False,
)

#: For finding future posts when they become due.
Index("posts_published", posts.c.published, posts.c.path)

#: For detecting two posts with one address.
Index("posts_url_hash", posts.c.url_hash, sqlite_where=posts.c.url_hash.is_not(None))

#: For detecting changes that are dated in the future.
Index("posts_updated", posts.c.updated, sqlite_where=posts.c.updated.is_not(None))

#: For detecting copies of posts.
Index("posts_maybe_copy", posts.c.path, sqlite_where=posts.c.maybe_copy)

#: For detecting two posts with one id.
Index("posts_id", posts.c.id)

#: The id of each path, kept permanently: through renames, deletions, new permalinks and domains.
#: See `model.content.Identity`.
identities = Table(
    "identities",
    metadata,
    Column("path", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("text_digest", Text, nullable=False),
    Column("updated", BigInteger),
    Column("gone", BigInteger),
    Column("shown", Boolean, nullable=False, server_default=true()),
)
#: For detecting renames: a new path with the text of a removed one is the same post.
Index(
    "identities_gone",
    identities.c.text_digest,
    sqlite_where=identities.c.gone.is_not(None),
)

#: The pages of new posts that are asked for until they are live. See `model.awaited.AwaitedPage`.
#: A row counts while its post has its address; a row of an earlier address is replaced or deleted.
awaited_pages = Table(
    "awaited_pages",
    metadata,
    Column("path", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("asked", BigInteger),
    Column("answer", Text),
)

#: Rendered entries of the posts that are in some feed, see `entries.EntryRow`.
entries = Table(
    "entries",
    metadata,
    Column("path", Text, primary_key=True),
    Column("key", Text, nullable=False),
    # JSON; "" when the post can't be rendered
    Column("data", Text, nullable=False),
    Column("uses_posts", Boolean, nullable=False),
    # JSON {path: [size, digest of the text or 0] or null}: files of the site that it depends on
    Column("needs", Text, nullable=False),
)

#: Of a long table, a few rows.
Index("entries_using_posts", entries.c.path, sqlite_where=entries.c.uses_posts)
Index("entries_with_needs", entries.c.path, sqlite_where=entries.c.needs != literal_column("'{}'"))

#: Problems that are not fixed yet.
problems = Table(
    "problems",
    metadata,
    # which step found it: "site", "read", "id", "name", "render" or "feed"
    Column("stage", Text, primary_key=True),
    # the post's path or the feed's name in which it was found
    Column("subject", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("line", Integer),
    Column("message", Text, nullable=False),
    Column("hint", Text),
    Column("fatal", Boolean, nullable=False),
    Column("note", Boolean, nullable=False, server_default=false()),
)

#: One row for each feed that exists or existed, see `feeds.FeedRow`.
feeds = Table(
    "feeds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text),
    Column("label", Text),
    Column("folded", Text),
    Column("stale", Boolean, nullable=False),
    # never goes backwards; None: it never had an entry
    Column("updated", BigInteger),
    Column("content_key", Text),
    # JSON [path, …] as last written
    Column("post_paths", Text),
    Column("shown", Integer, nullable=False, server_default=text("0")),
    # see `model.archive.History`
    Column("history", Text, nullable=False, server_default=text("''")),
    Column("archive_key", Text),
)
Index("feeds_folded", feeds.c.kind, feeds.c.folded, unique=True)

#: One row for each published file, see `feeds.FileRow`.
files = Table(
    "files",
    metadata,
    Column("path", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # JSON [url, …]
    Column("hubs", Text, nullable=False),
    Column("updated", BigInteger, nullable=False),
    # JSON {suffix: [size, mtime_ns]}
    Column("disk", Text, nullable=False),
    # its address answers 410
    Column("gone", Boolean, nullable=False),
)

#: One row for each page of a feed's archive (RFC 5005 §4), see `model.archive.ArchivePage`.
archive_pages = Table(
    "archive_pages",
    metadata,
    Column("name", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    # of its block
    Column("bits", Integer, nullable=False),
    Column("prefix", LargeBinary, nullable=False),
    # the places of its oldest and its newest post
    Column("oldest", BigInteger, nullable=False),
    Column("oldest_path", Text, nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("newest_path", Text, nullable=False),
    # JSON [path, …]
    Column("posts", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("older", Text),
    Column("newer", Text),
    Column("open", Boolean, nullable=False),
    # JSON {format: [digest, microseconds, {suffix: [size, mtime_ns]}]}
    Column("files", Text, nullable=False),
    Column("ended", BigInteger),
    Column("moved_to", Text),
)
Index("archive_pages_feed", archive_pages.c.feed, archive_pages.c.oldest)
Index("archive_pages_newest", archive_pages.c.feed, archive_pages.c.newest)

#: The places in the archives whose pages are not as they should be yet.
archive_changes = Table(
    "archive_changes",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("published", BigInteger, primary_key=True),
    Column("path", Text, primary_key=True),
)

#: What the daemon did in the last day: a row for each five minutes. See `model.activity`.
activity = Table(
    "activity",
    metadata,
    # when the five minutes began
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in Activity.__struct_fields__),
)
