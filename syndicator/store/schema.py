"""Every table, on one page. A time is an INTEGER: microseconds since 1970 in UTC.

The state is an index: posts, entries, feeds and files can be rebuilt from the source. The ids of
posts (`identities`), subscriptions and queued jobs can't.
"""

from dataclasses import fields
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    false,
    literal_column,
    text,
    true,
    types,
)

from syndicator.model.activity import Activity
from syndicator.model.outbox import JobKind, JobState

metadata = MetaData()

#: Sorted by code points, as in Python and SQLite; PostgreSQL would sort by its machine's locale.
Text = types.Text().with_variant(types.Text(collation="C"), "postgresql")


def constant(value: StrEnum) -> ColumnElement[str]:
    """A value as a literal: no planner matches a parameter with a partial index's condition."""
    return literal_column(f"'{value}'", Text)


#: Values about the state as a whole, such as the digest of the site and the time of the last run.
kv = Table(
    "kv",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: One row for each document that was read, whether it holds a post or not.
posts = Table(
    "posts",
    metadata,
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    # False: read so soon after its last change that another one may have the same times; scan again
    Column("settled", Boolean, nullable=False),
    # of the file as last read
    Column("digest", Text, nullable=False),
    # The other columns describe the last version that could be read as a post. `out` is False when
    # there was none; `published` decides whether a post is due. A withdrawn post keeps its id.
    Column("out", Boolean, nullable=False),
    # of the version that the other columns describe
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
    # JSON [name, …]: the feeds it is in, or will be in once it is due
    Column("feeds", Text),
    # False: its front matter keeps it out of feeds
    Column("listed", Boolean, nullable=False, server_default=true()),
    # of the file of its url, which may be too long for an index of PostgreSQL
    Column("url_hash", BigInteger),
    Column("ctime_ns", BigInteger, nullable=False, server_default=text("0")),
    # a file system's number of 64 bits without a sign, as one with a sign
    Column("inode", BigInteger, nullable=False, server_default=text("0")),
    # its name is one that programs give to copies of files
    Column("maybe_copy", Boolean, nullable=False, server_default=false()),
    # it is in none of `feeds` yet, since its page is awaited
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
identities = Table(
    "identities",
    metadata,
    Column("path", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("text_digest", Text, nullable=False),
    # when its text was first seen to change; None: never
    Column("updated", BigInteger),
    # when its file was first missing; None: the file exists
    Column("gone", BigInteger),
    # False: no feed was to show it so far, since its page is awaited
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
    # None: it was not asked for yet
    Column("asked", BigInteger),
    # why it is not live, as text; None: as `asked`
    Column("answer", Text),
)

#: Rendered entries of the posts that are in some feed.
entries = Table(
    "entries",
    metadata,
    Column("path", Text, primary_key=True),
    # digest of everything it was rendered from
    Column("key", Text, nullable=False),
    # JSON; "" when the post can't be rendered
    Column("data", Text, nullable=False),
    # it refers to other posts, so it is rendered again when one of them changes
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

#: One row for each feed that exists or existed.
feeds = Table(
    "feeds",
    metadata,
    Column("name", Text, primary_key=True),
    # None: the whole site
    Column("kind", Text),
    # as first written by an author
    Column("label", Text),
    # the label for comparing: labels that fold alike share a feed
    Column("folded", Text),
    # something it is made from changed since it was last written
    Column("stale", Boolean, nullable=False),
    # never goes backwards; None: it never had an entry
    Column("updated", BigInteger),
    # digest of spec and entries as last written; None: never written
    Column("content_key", Text),
    # JSON [path, …] as last written
    Column("post_paths", Text),
    # how many of these its files have room for
    Column("shown", Integer, nullable=False, server_default=text("0")),
    # its place in its history as last written, see `model.archive.History`
    Column("history", Text, nullable=False, server_default=text("''")),
    # digest of the settings that its archive is made with; None: it has no archive, or not yet
    Column("archive_key", Text),
)
Index("feeds_folded", feeds.c.kind, feeds.c.folded, unique=True)

#: One row for each published file.
files = Table(
    "files",
    metadata,
    Column("path", Text, primary_key=True),
    # the name of its feed; "" for the index page and the OPML
    Column("feed", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # JSON [url, …]
    Column("hubs", Text, nullable=False),
    # when these bytes, with these hubs, were first published
    Column("updated", BigInteger, nullable=False),
    # JSON {suffix: [size, mtime_ns]} as written; "" is the file itself
    Column("disk", Text, nullable=False),
    # the config no longer publishes it: its address answers 410
    Column("gone", Boolean, nullable=False),
)

#: The outbox. Done jobs are deleted; those given up stay until the next change queues them again.
jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # see `model.outbox.JobKind`
    Column("kind", Text, nullable=False),
    # a hub's URL or a callback
    Column("target", Text, nullable=False),
    Column("topic", Text, nullable=False),
    # the mode of a verification, since modes don't coalesce; "" for other kinds
    Column("variant", Text, nullable=False),
    # hosts take turns: a hub's host and port, or a callback's network or host
    Column("host", Text, nullable=False),
    # see `model.outbox.JobState`
    Column("state", Text, nullable=False),
    # the process that claimed it; None: not claimed
    Column("claimer", Text),
    # when the claim ends unless it is renewed; None: not claimed
    Column("expires", BigInteger),
    Column("attempts", Integer, nullable=False),
    # when the oldest change that it announces was made
    Column("since", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    # from the target's Retry-After; 0: it asked for none
    Column("not_before", BigInteger, nullable=False),
    # of the last attempt; None: there was none
    Column("error", Text),
    # JSON {name: …}: what its kind needs besides
    Column("detail", Text, nullable=False),
    # the address that requested a verification; None for other kinds
    Column("client", Text),
)
#: Conditions of the partial indexes below, for statements that are to use these.
IS_CLAIMED = jobs.c.state == constant(JobState.CLAIMED)
NOT_CLAIMED = jobs.c.state != constant(JobState.CLAIMED)
IS_VERIFICATION = jobs.c.kind == constant(JobKind.VERIFY)

#: Identical jobs are queued once. A change while its job is claimed queues a new job.
Index(
    "jobs_queued_once",
    jobs.c.kind,
    jobs.c.target,
    jobs.c.topic,
    jobs.c.variant,
    unique=True,
    sqlite_where=NOT_CLAIMED,
)
#: Identical jobs are claimed one at a time.
Index(
    "jobs_claimed_once",
    jobs.c.kind,
    jobs.c.target,
    jobs.c.topic,
    jobs.c.variant,
    unique=True,
    sqlite_where=IS_CLAIMED,
)
Index("jobs_due", jobs.c.state, jobs.c.due)
#: For the hub's limits: each request counts the pending verifications by host and by client.
Index("jobs_verify", jobs.c.state, jobs.c.host, jobs.c.client, sqlite_where=IS_VERIFICATION)

#: The last results of the pings to each hub.
hubs = Table(
    "hubs",
    metadata,
    Column("url", Text, primary_key=True),
    Column("last_success", BigInteger),
    # when it last fetched a changed feed; None: never
    Column("fetched", BigInteger),
    Column("last_failure", BigInteger),
    # of the last failure; None: there was none
    Column("error", Text),
)

#: When each outside hub was last pinged about each topic. See `websub.pace`.
pings = Table(
    "pings",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("hub", Text, primary_key=True),
    # the end of the last attempt, whether it succeeded or not
    Column("attempted", BigInteger, nullable=False),
)

#: One row for each verified subscription of a callback to a topic.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("callback", Text, primary_key=True),
    # of the callback, see `model.client_keys.host_name`
    Column("host", Text, nullable=False),
    # None: deliveries are not signed
    Column("secret", LargeBinary),
    Column("since", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # digest of the bytes that it has; None: it has none, or it is unknown which
    Column("delivered", Text),
    # deliveries in a row that failed
    Column("failures", Integer, nullable=False),
    Column("last_success", BigInteger),
    Column("last_failure", BigInteger),
    # of the last failure; None: there was none
    Column("error", Text),
    # of the address last connected to, see `model.client_keys.network_of`; None: unknown
    Column("network", Text),
    # when the first of the failures in a row was; None: the last one arrived
    Column("failing", BigInteger),
)
Index("subscriptions_host", subscriptions.c.host, subscriptions.c.expires)
Index("subscriptions_network", subscriptions.c.network, subscriptions.c.expires)
Index("subscriptions_expires", subscriptions.c.expires)

#: One row for each page of a feed's archive (RFC 5005 §4), see `model.archive.ArchivePage`.
archive_pages = Table(
    "archive_pages",
    metadata,
    Column("name", Text, primary_key=True),
    Column("feed", Text, nullable=False),
    # of the block that it is a part of, see `build.page_borders`
    Column("bits", Integer, nullable=False),
    Column("prefix", LargeBinary, nullable=False),
    # the places of its oldest and its newest post
    Column("oldest", BigInteger, nullable=False),
    Column("oldest_path", Text, nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("newest_path", Text, nullable=False),
    # JSON [path, …] of its posts, newest first
    Column("posts", Text, nullable=False),
    # digest of everything its files are made of
    Column("key", Text, nullable=False),
    # the names of the pages beside it; None: there is no such page
    Column("older", Text),
    Column("newer", Text),
    # new posts may be added to it
    Column("open", Boolean, nullable=False),
    # JSON {format: [digest, microseconds, {suffix: [size, mtime_ns]}]}
    Column("files", Text, nullable=False),
    # when other pages took its entries; None: it is in use
    Column("ended", BigInteger),
    # the name of the page, or the feed, that requests for it are sent to; None: it is in use
    Column("moved_to", Text),
)
Index("archive_pages_feed", archive_pages.c.feed, archive_pages.c.oldest)

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
    *(Column(field.name, BigInteger, nullable=False) for field in fields(Activity)),
)
