"""Makes jobs of the deliveries of a page that a sweep does not wait for: see `pages`.

Every function works inside its caller's transaction.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, case, func, insert, literal, or_, update

from syndicator.model.outbox import Delivery, JobState
from syndicator.store.claimed_pages import Lease, Page, PageEntry
from syndicator.store.job_details import to_json
from syndicator.store.outbox import on_conflict
from syndicator.store.push_schema import FIRST_READY, jobs, subscriptions
from syndicator.store.schema_types import Text
from syndicator.store.sql import insert as insert_or
from syndicator.store.times import to_us

#: Microseconds by which each failure in a row delays a callback's next delivery, so that callbacks
#: that answer go first.
DELAY_PER_FAILURE_US = 500_000

#: Failures in a row that count for that delay: five seconds at most.
DELAYING_FAILURES = 10


def queue(connection: Connection, page: Page, callbacks: Collection[str], now: datetime) -> None:
    """Queue the deliveries to some subscribers of a page as jobs, due now.

    Callbacks that failed before are put off a little. A delivery that is queued already stays one;
    a change has its retries start anew.
    """
    if not callbacks:
        return
    rows = [
        {
            **_columns(page, entry),
            "state": JobState.WAITING,
            "ready": 0 if entry.subscription.failures else FIRST_READY,
            "due": to_us(now)
            + min(entry.subscription.failures, DELAYING_FAILURES) * DELAY_PER_FAILURE_US,
        }
        for entry in page.entries(callbacks)
    ]
    if rows:
        lost = or_(jobs.c.state == JobState.GAVE_UP, jobs.c.detail != to_json(Delivery()))
        statement = on_conflict(
            insert_or(connection.dialect, jobs), only=None if page.is_change else lost
        )
        connection.execute(statement, rows)
        own(connection, page, callbacks)


def adopt(
    connection: Connection, page: Page, callbacks: Collection[str], lease: Lease
) -> Mapping[str, int]:
    """Make claimed jobs of some deliveries of a page: the ids by callback.

    Of those that failed, to be recorded as such, and of those that are still under way.
    """
    if not callbacks:
        return {}
    rows = [
        {
            **_columns(page, entry),
            "state": JobState.CLAIMED,
            "ready": 0,
            "due": to_us(page.since),
            "claimer": lease.holder,
            "expires": to_us(lease.expires),
        }
        for entry in page.entries(callbacks)
    ]
    if not rows:
        return {}
    own(connection, page, callbacks)
    statement = insert(jobs).returning(jobs.c.target, jobs.c.id)
    return {row.target: row.id for row in connection.execute(statement, rows)}


def _columns(page: Page, entry: PageEntry) -> dict[str, Any]:
    job = page.job(entry)
    return {
        "kind": job.kind,
        "target": job.target,
        "topic": job.topic,
        "variant": "",
        "host": job.host,
        "turn": job.host,
        "detail": to_json(job.detail),
        "attempts": 0,
        "since": to_us(job.since),
        "not_before": 0,
    }


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
                        literal(page.times["old_sent"], BigInteger), subscriptions.c.last_success
                    ),
                ),
                else_=subscriptions.c.last_success,
            ),
        ),
        [{"to": callback} for callback in callbacks],
    )
