"""A page of a sweep that was claimed, and what is written of the subscribers on it: see `pages`.

The deliveries that a sweep does not wait for become jobs.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from msgspec import Struct, field
from sqlalchemy import BigInteger, Connection, Row, bindparam, case, func, insert, literal, update

from syndicator.model.client_keys import host_name
from syndicator.model.outbox import Delivery, Job, JobState, Subscription
from syndicator.model.sweeps import Sweep
from syndicator.store.outbox import JobRow, columns, enqueue
from syndicator.store.push_schema import jobs, subscriptions
from syndicator.store.schema_types import Text
from syndicator.store.subscriptions import subscription_of
from syndicator.store.times import to_us

#: By which each failure in a row delays a callback's next delivery, so that callbacks that answer
#: go first.
DELAY_PER_FAILURE = timedelta(seconds=0.5)

#: Failures in a row that count for that delay: five seconds at most.
DELAYING_FAILURES = 10


class PageEntry(Struct, frozen=True, kw_only=True):
    """A subscriber on a page."""

    subscription: Subscription
    delivered: str | None  #: digest of the bytes that it has; None: unknown
    #: Its deliveries are jobs: one is queued, the last one failed, or it arrived so lately that the
    #: next has to wait for its pace. A sweep knows only when it sent something itself.
    queued: bool


class Page(Struct, frozen=True, kw_only=True, eq=False):
    """Subscribers to whom a sweep comes next. Each claim makes a page that equals no other.

    A process may lose a page and claim the same part again: its requests know their page by number.
    """

    topic: str
    shard: int
    sweep: Sweep  #: before the page
    end: int  #: the last place of the page
    rows: Sequence[Row[Any]]  #: of its subscriptions
    times: Mapping[str, int | None]  #: the shard's `due`
    holder: str  #: the process that claimed it
    claimed: datetime
    since: datetime  #: of the oldest change that it announces
    is_change: bool  #: False: only subscribers that lack the bytes are looked for
    number: int = field(default_factory=count(1).__next__)  #: of the claim, in this process

    @property
    def key(self) -> tuple[str, int]:
        return self.topic, self.shard

    def entries(self, pace: timedelta = timedelta()) -> dict[str, PageEntry]:
        """The live subscribers that the sweep has to reach, by callback.

        They are made after the transaction, which holds up no other meanwhile. `pace`: between two
        deliveries to a subscriber; 0: none.
        """
        now, sweep = to_us(self.claimed), self.sweep
        lately = to_us(self.claimed - pace)
        return {
            row.callback: PageEntry(
                subscription=subscription_of(row),
                delivered=self._has(row),
                queued=bool(row.queued)
                or row.failures > 0
                or (row.last_success is not None and lately < row.last_success <= now),
            )
            for row in self.rows
            if row.expires > now and row.wave < sweep.wave
        }

    @property
    def expired(self) -> list[str]:
        """Callbacks that the sweep passes by, since their lease has ended by this process's clock.

        By another clock it may go on: that of another machine, or this one when it is set back.
        """
        now = to_us(self.claimed)
        return [
            row.callback for row in self.rows if row.expires <= now and row.wave < self.sweep.wave
        ]

    def _has(self, row: Row[Any]) -> str | None:
        is_own = row.wave >= self.sweep.old_wave
        return (row.delivered or None) if is_own else self.sweep.old_digest

    def job(self, entry: PageEntry) -> Job:
        """The delivery to a subscriber on the page, which has no row in the outbox."""
        to = entry.subscription
        return Job(
            id=None,
            page=self.number,
            detail=Delivery(),
            target=to.callback,
            topic=self.topic,
            attempts=0,
            since=self.since,
            due=self.since,
            host=to.network or host_name(to.callback),
        )


class Lease(Struct, frozen=True, kw_only=True):
    """In whose name pages are claimed, and until when."""

    holder: str
    expires: datetime


class PageEnd(Struct, frozen=True, kw_only=True):
    """What became of a page that is done."""

    digest: str | None  #: of the bytes that its subscribers have, unless they have a job
    sent: bool  #: whether anything arrived


def queue(
    connection: Connection, page: Page, entries: Collection[PageEntry], now: datetime
) -> None:
    """Queue the deliveries to some subscribers of a page as jobs, due now.

    Callbacks that failed before are put off a little. A delivery that is queued already stays one;
    a change has its retries start anew.
    """
    rows = [
        _row(page, entry, min(entry.subscription.failures, DELAYING_FAILURES)) for entry in entries
    ]
    enqueue(connection, rows, now, restart=page.is_change)


def adopt(
    connection: Connection, page: Page, entries: Collection[PageEntry], lease: Lease
) -> Mapping[str, int]:
    """Make claimed jobs of some deliveries of a page: the ids by callback.

    Of those that failed, to be recorded as such, and of those that are still under way.
    """
    if not entries:
        return {}
    claimed = {"state": JobState.CLAIMED, "ready": 0, "claimer": lease.holder}
    claimed["expires"] = to_us(lease.expires)
    rows = [columns(_row(page, entry), page.since) | claimed for entry in entries]
    statement = insert(jobs).returning(jobs.c.target, jobs.c.id)
    return {row.target: row.id for row in connection.execute(statement, rows)}


def _row(page: Page, entry: PageEntry, failures: int = 0) -> JobRow:
    job = page.job(entry)
    return JobRow(
        detail=job.detail,
        target=job.target,
        topic=job.topic,
        network=entry.subscription.network,
        since=job.since,
        delay=failures * DELAY_PER_FAILURE,
    )


def own(connection: Connection, page: Page, callbacks: Collection[str]) -> None:
    """Record in the rows of subscribers which version they have: the sweep passes them by.

    It is the one from before the page.
    """
    if not callbacks:
        return
    sweep = page.sweep
    is_older = subscriptions.c.wave < sweep.old_wave
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.topic == page.topic, subscriptions.c.callback == bindparam("to"))
        .values(
            wave=case((subscriptions.c.wave < sweep.wave, sweep.wave), else_=subscriptions.c.wave),
            delivered=case(
                (is_older, literal(sweep.old_digest, Text)), else_=subscriptions.c.delivered
            ),
            last_success=case(
                (
                    is_older,
                    func.coalesce(
                        literal(sweep.old_sent, BigInteger), subscriptions.c.last_success
                    ),
                ),
                else_=subscriptions.c.last_success,
            ),
        ),
        [{"to": callback} for callback in callbacks],
    )
