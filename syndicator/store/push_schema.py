"""The tables of the push: jobs, hubs and subscriptions. Times as in `schema`.

Unlike what a build makes, jobs and subscriptions can't be rebuilt.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table

from syndicator.model.outbox import JobKind, JobState
from syndicator.store.schema_types import Text, constant, metadata

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
