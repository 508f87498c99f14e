"""Every table, on one page. A time is an INTEGER: microseconds since 1970 in UTC.

The store is an index, not the truth: posts, entries, feeds and files can be made again from the source.
What can't is `identities` (identity), and what is owed to hubs and subscribers.
"""

from datetime import UTC, datetime, timedelta
from typing import overload

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    types,
)

metadata = MetaData()

#: Ordered by its code points, as Python and SQLite do; PostgreSQL would go by the rules of its machine's language.
Text = types.Text().with_variant(types.Text(collation="C"), "postgresql")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def like_sqlite(dialect: str) -> None:
    """Give the indexes of some rows their condition on another database too.

    Said with the index, it would have SQLAlchemy import that database's dialect whether it is used or not.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_options[dialect]["where"] = index.dialect_options["sqlite"]["where"]


@overload
def to_us(moment: datetime) -> int: ...


@overload
def to_us(moment: datetime | None) -> int | None: ...


def to_us(moment: datetime | None) -> int | None:
    """Exact, unlike `timestamp()`, which is a float. None stays None."""
    return None if moment is None else (moment - EPOCH) // _MICROSECOND


@overload
def from_us(microseconds: int) -> datetime: ...


@overload
def from_us(microseconds: int | None) -> datetime | None: ...


def from_us(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


#: Facts about the store as a whole: the site's digest it was built with, the last run.
kv = Table(
    "kv",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: One row a document that was read, whatever became of it.
posts = Table(
    "posts",
    metadata,
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column(
        "settled", Boolean, nullable=False
    ),  # False: read within the clock's grain of its mtime; look again
    Column("digest", Text, nullable=False),  # of the file as last read
    # The rest describes the last version that could be read as a post; out is False when there was none. Whether its
    # time has come is for `published` to say. A post that was taken back keeps its id.
    Column("out", Boolean, nullable=False),
    Column("document_digest", Text),  # of the version that the rest describes
    Column("id", Text),
    Column("own_id", Boolean),
    Column("url", Text),
    Column("title", Text),
    Column("published", BigInteger),
    Column("updated", BigInteger),
    Column("text_digest", Text),
    Column("terms", Text),  # JSON [[kind, label], …]
    Column("feeds", Text),  # JSON [name, …]: where it stands or will stand
)

#: Which posts belong to which feed, in the order feeds are read in.
feed_posts = Table(
    "feed_posts",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("published", BigInteger, primary_key=True),
    Column("path", Text, primary_key=True),
    sqlite_with_rowid=False,
)

#: Future posts are found here when their time comes.
Index("posts_published", posts.c.published, posts.c.path)

#: For telling two posts with one id.
Index("posts_id", posts.c.id)

#: Who is who, for ever: survives renames, deletions, new permalinks and new domains.
identities = Table(
    "identities",
    metadata,
    Column("path", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("text_digest", Text, nullable=False),
    Column("updated", BigInteger),  # when its text was first seen changed; None: never
    Column("gone", BigInteger),  # when its file was seen to be gone; None: it is there
)
#: A path that comes with the text of one that went is that post, renamed.
Index(
    "identities_gone",
    identities.c.text_digest,
    sqlite_where=identities.c.gone.is_not(None),
)

#: Rendered entries of the posts that stand in some feed.
entries = Table(
    "entries",
    metadata,
    Column("path", Text, primary_key=True),
    Column("key", Text, nullable=False),  # digest of all it was made from
    Column("data", Text, nullable=False),  # JSON; "" when the post can't be rendered
    Column(
        "uses_posts", Boolean, nullable=False
    ),  # asked for other posts, so is made again when one changes
    Column(
        "needs", Text, nullable=False
    ),  # JSON {path: [size, mtime_ns] or null}: files of the site it asked for
)

#: What is wrong, until it is mended. `stage` is who found it: "site", "read", "id", "name", "render" or "feed".
problems = Table(
    "problems",
    metadata,
    Column("stage", Text, primary_key=True),
    Column(
        "subject", Text, primary_key=True
    ),  # a post's path, or a feed's name: whose reading found it
    Column("position", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("line", Integer),
    Column("message", Text, nullable=False),
    Column("hint", Text),
    Column("fatal", Boolean, nullable=False),
)

#: One row a feed that exists or existed.
feeds = Table(
    "feeds",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text),  # None: the whole site
    Column("label", Text),  # as first written by an author
    Column("folded", Text),  # what makes two labels the same
    Column(
        "stale", Boolean, nullable=False
    ),  # something it is made from changed since it was last written
    Column("updated", BigInteger),  # never goes backwards; None: it never had an entry
    Column("content_key", Text),  # digest of spec and entries as last written; None: never written
    Column("post_paths", Text),  # JSON [path, …] as last written
)
Index("feeds_folded", feeds.c.kind, feeds.c.folded, unique=True)

#: One row a file that was published.
files = Table(
    "files",
    metadata,
    Column("path", Text, primary_key=True),
    Column("feed", Text, nullable=False),  # the feed it belongs to; "" for index and OPML
    Column("url", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("hubs", Text, nullable=False),  # JSON [url, …]
    Column("updated", BigInteger, nullable=False),  # when these bytes were first published
    Column(
        "disk", Text, nullable=False
    ),  # JSON {suffix: [size, mtime_ns]} as written; "" is the file itself
    Column("gone", Boolean, nullable=False),  # the config no longer makes it: 410
)

#: One row a debt. Settled debts are gone; those given up stay in sight until the next change owes them again.
jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", Text, nullable=False),  # outbox.JobKind
    Column("target", Text, nullable=False),  # a hub's URL or a callback
    Column("topic", Text, nullable=False),
    Column(
        "variant", Text, nullable=False
    ),  # of a verification its mode, else "": these don't coalesce
    Column(
        "host", Text, nullable=False
    ),  # whose turn it is: a hub's host and port, a callback's network or host
    Column("state", Text, nullable=False),  # "waiting", "claimed" or "gave up"
    Column("claimer", Text),  # who claimed it
    Column(
        "expires", BigInteger
    ),  # of the claim: when it is given back though its claimer said nothing
    Column("attempts", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column(
        "not_before", BigInteger, nullable=False
    ),  # what the target asked for with Retry-After; 0: nothing
    Column("error", Text),  # of the last attempt, in words; None: there was none
    Column("detail", Text, nullable=False),  # JSON {name: …}: what a kind needs besides
    Column("client", Text),  # the address that asked for a verification; None: nobody asked
)
#: A change that comes while its debt is being paid owes anew; one that comes before is the same debt.
Index(
    "jobs_queued_once",
    jobs.c.kind,
    jobs.c.target,
    jobs.c.topic,
    jobs.c.variant,
    unique=True,
    sqlite_where=jobs.c.state != "claimed",
)
#: What is being paid to a target for a topic is paid once at a time.
Index(
    "jobs_claimed_once",
    jobs.c.kind,
    jobs.c.target,
    jobs.c.topic,
    jobs.c.variant,
    unique=True,
    sqlite_where=jobs.c.state == "claimed",
)
Index("jobs_due", jobs.c.state, jobs.c.due)
#: Pending verifications are counted by host and by client at each request to the hub.
Index(
    "jobs_verify",
    jobs.c.state,
    jobs.c.host,
    jobs.c.client,
    sqlite_where=jobs.c.kind == "verify",
)

#: What became of the pings to each hub.
hubs = Table(
    "hubs",
    metadata,
    Column("url", Text, primary_key=True),
    Column("last_success", BigInteger),
    Column(
        "fetched", BigInteger
    ),  # when it was last seen to come for a feed that changed; None: never
    Column("last_failure", BigInteger),
    Column("error", Text),  # of the last failure, in words
)

#: One row a verified wish of a callback to be sent a topic.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("callback", Text, primary_key=True),
    Column("host", Text, nullable=False),  # of the callback, see `outbox.host_name`
    Column("secret", LargeBinary),
    Column("since", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("delivered", Text),  # digest of the bytes it has; None: none yet, or nobody knows which
    Column("failures", Integer, nullable=False),  # deliveries in a row that didn't arrive
    Column("last_success", BigInteger),
    Column("last_failure", BigInteger),
    Column("error", Text),  # of the last failure, in words
    Column(
        "network", Text
    ),  # of the address last connected to, see `outbox.network_of`; None: not known
    Column(
        "failing", BigInteger
    ),  # when the first of the failures in a row was; None: there is none
)
Index("subscriptions_host", subscriptions.c.host, subscriptions.c.expires)
Index("subscriptions_network", subscriptions.c.network, subscriptions.c.expires)
Index("subscriptions_expires", subscriptions.c.expires)
