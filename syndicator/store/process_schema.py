"""The tables of processes that share a PostgreSQL state. On SQLite they stay empty.

Times are microseconds since 1970 in UTC, by the database's clock. `move` does not copy the tables.
"""

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Table, select

from syndicator.store.schema_types import Text, metadata

#: What the names of daemons begin with, as holders of leases and claimers of jobs.
DAEMON = "daemon"

#: A row for each lease that was ever taken: `daemon`, the builder's, and `run`, that of one run.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    # the process that took it last, see `processes.name`
    Column("holder", Text, nullable=False),
    # one more each time it is taken
    Column("epoch", BigInteger, nullable=False),
    # 0: it was given up
    Column("expires", BigInteger, nullable=False),
    # of `run`: transactions of runs so far; of `daemon`: requests to the builder so far
    Column("counter", BigInteger, nullable=False),
)

#: A row for each daemon. It ends with its lease.
processes = Table(
    "processes",
    metadata,
    # also the claimer of its jobs
    Column("name", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    # see `processes.ROLES`
    Column("role", Text, nullable=False),
    # when it got this role
    Column("since", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # it serves all that this many transactions of runs published
    Column("shown", BigInteger, nullable=False),
)


def is_dead(claimer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a claimer is not among the daemons that live on PostgreSQL, by its clock.

    On SQLite there is one at a time, and a daemon that starts takes all others for dead.
    """
    return claimer.not_in(select(processes.c.name))
