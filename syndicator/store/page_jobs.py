"""Makes jobs of the deliveries of a page that a sweep does not wait for: see `pages`."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, case, func, insert, literal, update

from syndicator.model.outbox import JobState
from syndicator.store.claimed_pages import Lease, Page, PageEntry
from syndicator.store.outbox import JobRow, columns, enqueue
from syndicator.store.push_schema import jobs, subscriptions
from syndicator.store.schema_types import Text
from syndicator.store.times import to_us

#: By which each failure in a row delays a callback's next delivery, so that callbacks that answer
#: go first.
DELAY_PER_FAILURE = timedelta(seconds=0.5)

#: Failures in a row that count for that delay: five seconds at most.
DELAYING_FAILURES = 10


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
