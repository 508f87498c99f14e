"""The tables of the push: jobs, hubs, subscriptions and waves. Times as in `schema`.

Unlike what a build makes, jobs and subscriptions can't be rebuilt.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, text

from syndicator.model.outbox import JobKind, JobState
from syndicator.store.schema_types import Text, constant, metadata

#: Values of `jobs.ready`: a due job that was not attempted yet, and one that failed.
FIRST_READY, RETRY_READY = 1, 2

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
    Column("variant", Text, nullable=False, default=""),
    # a hub's host and port, or a callback's network or host
    Column("host", Text, nullable=False),
    # see `model.outbox.JobState`
    Column("state", Text, nullable=False, default=JobState.WAITING),
    # the process that claimed it; None: not claimed
    Column("claimer", Text),
    # when the claim ends unless it is renewed; None: not claimed
    Column("expires", BigInteger),
    Column("attempts", Integer, nullable=False, default=0),
    # when the oldest change that it announces was made
    Column("since", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    # from the target's Retry-After; 0: it asked for none
    Column("not_before", BigInteger, nullable=False, default=0),
    # of the last attempt; None: there was none
    Column("error", Text),
    # JSON {name: …}: what its kind needs besides
    Column("detail", Text, nullable=False),
    # the address that requested a verification; None for other kinds
    Column("client", Text),
    # those with the same value take turns with others: its client, or else its host
    Column("turn", Text, nullable=False, server_default=text("''")),
    # 0: not due when last looked at, or not waiting; or FIRST_READY or RETRY_READY
    Column("ready", Integer, nullable=False, default=FIRST_READY, server_default=text("0")),
    # No id is given twice: what was sent for a claim that was lost counts for no other job.
    sqlite_autoincrement=True,
)
#: Conditions of the partial indexes below, for statements that are to use these.
IS_CLAIMED = jobs.c.state == constant(JobState.CLAIMED)
NOT_CLAIMED = jobs.c.state != constant(JobState.CLAIMED)
IS_VERIFICATION = jobs.c.kind == constant(JobKind.VERIFY)

#: Jobs are identical that are equal in these columns.
IDENTITY = (jobs.c.kind, jobs.c.target, jobs.c.topic, jobs.c.variant)
#: Identical jobs are queued once. A change while its job is claimed queues a new job.
Index("jobs_queued_once", *IDENTITY, unique=True, sqlite_where=NOT_CLAIMED)
#: Identical jobs are claimed one at a time.
Index("jobs_claimed_once", *IDENTITY, unique=True, sqlite_where=IS_CLAIMED)
Index("jobs_due", jobs.c.state, jobs.c.ready, jobs.c.due)
#: From one turn to the next, whatever waits.
Index("jobs_turn", jobs.c.state, jobs.c.kind, jobs.c.ready, jobs.c.turn, jobs.c.due, jobs.c.id)
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
    # as of `wave`, digest of the bytes that it has; None: it has none, or it is unknown which;
    # "": see `subscriptions.CAME_LATE`
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
    # see `model.sweeps.place_of`
    Column("place", BigInteger, nullable=False, server_default=text("0")),
    # The wave of its topic up to which this row says what it has, and when the last delivery was.
    # Of a later wave, its shard says so.
    Column("wave", BigInteger, nullable=False, server_default=text("0")),
)
Index("subscriptions_host", subscriptions.c.host, subscriptions.c.expires)
Index("subscriptions_network", subscriptions.c.network, subscriptions.c.expires)
Index("subscriptions_expires", subscriptions.c.expires)
#: Pages of a sweep.
Index("subscriptions_place", subscriptions.c.topic, subscriptions.c.place)
#: Those whose own row says what they have.
Index("subscriptions_wave", subscriptions.c.topic, subscriptions.c.wave)

#: One row for each topic that had a subscriber. A change is one row, however many subscribe.
waves = Table(
    "waves",
    metadata,
    Column("topic", Text, primary_key=True),
    # the number of the newest wave
    Column("wave", BigInteger, nullable=False),
    # the newest wave that is a change, not a search for subscribers that lack the newest bytes
    Column("changed", BigInteger, nullable=False),
    # the newest wave that has reached every subscriber
    Column("done", BigInteger, nullable=False),
    # when the oldest wave that is not done began
    Column("since", BigInteger, nullable=False),
)
#: Topics with deliveries under way.
Index("waves_open", waves.c.topic, sqlite_where=waves.c.done < waves.c.wave)

#: The shards of each topic, see `model.sweeps`. They stay while their topic is published.
shards = Table(
    "shards",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    # see `model.sweeps.Sweep`
    Column("wave", BigInteger, nullable=False),
    Column("digest", Text),
    Column("old_wave", BigInteger, nullable=False),
    Column("old_digest", Text),
    Column("cursor", BigInteger, nullable=False),
    Column("stop", BigInteger),
    Column("again", BigInteger),
    # when subscribers that are reached, and those that are not, were sent something last
    Column("sent", BigInteger),
    Column("old_sent", BigInteger),
    # no page is sent before
    Column("due", BigInteger, nullable=False),
    # the last place of the page that is being sent; None: none is
    Column("page", BigInteger),
    # the process that sends it, and when its lease ends unless it is renewed
    Column("holder", Text),
    Column("expires", BigInteger),
)

#: The entries of versions of a topic that subscribers were sent.
versions = Table(
    "versions",
    metadata,
    Column("topic", Text, primary_key=True),
    # of the topic's bytes
    Column("digest", Text, primary_key=True),
    # JSON list of the digests of its entries
    Column("entries", Text, nullable=False),
    # when a process began to send it
    Column("sent", BigInteger, nullable=False),
)
