"""Sends sweeps page by page: claims pages, plans their deliveries, and records those that are done.

A page is done when each delivery ended, or waits for a slow callback: that one becomes a
job of the outbox, and the sweep goes on without it.

Pings go first: whatever is done for a page takes some milliseconds at a time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection

from syndicator.model.client_keys import queue_key
from syndicator.model.outbox import JobKind
from syndicator.outbound.pool import SenderPool
from syndicator.push.context import LEASE, PushOptions, Topics
from syndicator.push.lanes import LANE, LANE_LIMIT
from syndicator.push.open_page import OpenPage
from syndicator.push.payloads import Payloads
from syndicator.push.plan import UNREADABLE_WAIT, Files
from syndicator.push.record import record, send_again
from syndicator.store import claimed_pages, claims, pages, waves
from syndicator.store.claimed_pages import Lease, Page
from syndicator.store.database import Database
from syndicator.store.times import to_us
from syndicator.websub.pace import NO_PACE, Pace
from syndicator.websub.tasks import Task, TaskOutcome

#: Subscribers on the page, or the small pages, of a process. A crash sends at most these again.
PAGE = 1024

#: Subscribers that are claimed at a time. While slow callbacks hold up some, others are sent to.
CLAIM = PAGE // 2

#: And at least: a claim of fewer costs the same.
_LEAST_CLAIM = CLAIM // 2

#: Seconds that a page waits for a callback at most.
PATIENCE = 2.0

#: Seconds that it waits if others wait for it.
LEAST_PATIENCE = 0.25


#: Deliveries that are planned at a time.
_PART = 16

#: Bytes of the feeds that are being sent, from which no more pages are claimed.
_MAX_BYTES = 32 * 1024 * 1024

#: Jobs and outcomes of pages that are recorded in one transaction, but for those of the last page.
_RECORD_LIMIT = 100

_LANE = LANE[JobKind.DELIVER]


class OpenPages(Struct):
    """The pages that this process sends, and the deliveries that it made jobs of."""

    database: Database
    topics: Topics
    payloads: Payloads
    options: PushOptions
    clock: Callable[[], datetime]
    pace: Pace = NO_PACE  #: between two sweeps, in this pass
    opened: dict[int, OpenPage] = field(default_factory=dict)  #: by the number of the page
    #: By the number of a page that ended, and callback.
    jobs: dict[tuple[int, str], int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.opened)

    def is_claimable(self, pool: SenderPool[Task, Any], ended: Sequence[OpenPage] = ()) -> bool:
        """Whether a page may be due and has room. `ended`: those that are recorded before."""
        opened = self.opened.values()
        waiting = pool.waiting_in(_LANE) + sum(len(each.unplanned) for each in opened)
        sizes = {each.page.topic: len(each.file.data) for each in opened if each.file}
        has_room = waiting <= LANE_LIMIT - CLAIM and sum(sizes.values()) < _MAX_BYTES
        may_claim = has_room and self._room(ended) >= _LEAST_CLAIM and self.topics.is_served()
        return may_claim and (bool(ended) or self.is_due())

    def _room(self, ended: Sequence[OpenPage] = ()) -> int:
        """How many subscribers may be claimed now."""
        rows = sum(len(each.page.rows) for each in self.opened.values())
        return min(CLAIM, PAGE - rows + sum(len(each.page.rows) for each in ended))

    def is_due(self) -> bool:
        """Whether a page is due. Reading doesn't wait for writers."""
        with self.database.read() as connection:
            due = waves.next_due(connection)
        return due is not None and not (self._paced and due > to_us(self.clock()))

    @property
    def _paced(self) -> bool:
        return bool(self.pace.interval)

    def turn(self, ended: Sequence[OpenPage], *, claim: bool) -> bool:
        """Record pages that ended, and claim the next ones, in one transaction.

        `claim`: False: only record. Returns whether a page was claimed.
        """
        claimed = list[Page]()
        now = self.clock()
        lease = Lease(holder=self.options.claimer, expires=now + LEASE)
        # A power cut may undo it: then these pages are sent again.
        with self.database.begin(durable=False, push=True) as connection:
            still = self._record(connection, ended, lease, now)
            if claim:
                claimed = pages.claim(connection, now, lease, self._room(ended), paced=self._paced)
        self.jobs |= still
        for opened in ended:
            del self.opened[opened.page.number]
        again = {page.key for page in claimed}
        for opened in self.opened.values():
            if opened.page.key in again:
                opened.lose()
        self._send(claimed)
        return bool(claimed)

    def _send(self, claimed: Sequence[Page]) -> None:
        """Have pages sent. One is put back if its topic can't be read at present.

        It is put back, too, if the topic changed between the claim and the reading: the sweep does
        not know of it yet.
        """
        # Read after the claim, and once for all subscribers: they get the newest bytes.
        files = self.payloads.read({page.topic for page in claimed})
        now = self.clock()
        due = {page: now + UNREADABLE_WAIT for page in claimed if page.topic not in files}
        due |= dict.fromkeys(self._outdated(claimed, files), now)
        if due:
            with self.database.begin(durable=False, push=True) as connection:
                pages.put_back(connection, due)
        began = time.monotonic()
        for page in claimed:
            if page not in due:
                file = files[page.topic]
                entries = page.entries(self.pace.interval) if file else {}
                self.opened[page.number] = OpenPage(
                    page, file, entries, list(entries.values()), set(page.expired), began
                )

    def _outdated(self, claimed: Sequence[Page], files: Files) -> list[Page]:
        """The pages whose topic changed after their claim."""
        unsure = [
            page
            for page in claimed
            if (file := files.get(page.topic)) and file.digest != page.sweep.digest
        ]
        if not unsure:
            return []
        with self.database.read() as connection:
            changed = waves.changed(connection, {page.topic for page in unsure})
        return [page for page in unsure if changed.get(page.topic, 0) > page.sweep.wave]

    def plan(self, pool: SenderPool[Task, Any]) -> bool:
        """Have the next deliveries of pages sent. Returns whether there are more."""
        room = _PART
        for opened in self.opened.values():
            number = min(room, len(opened.unplanned))
            room -= number
            tasks = opened.plan(number, self.payloads.of) if number else ()
            pool.add([(queue_key(task.job.target, task.job.host), task) for task in tasks], _LANE)
        return any(opened.unplanned for opened in self.opened.values())

    def add(self, outcome: TaskOutcome) -> TaskOutcome | None:
        """Add the outcome of a delivery to its page; None.

        If the page ended before, returns it as the outcome of the job that it became. An outcome of
        another job is returned as it is.
        """
        job = outcome.job
        if job.id is not None:
            return outcome
        if job.page in self.opened:
            self.opened[job.page].add(outcome)
            return None
        number = self.jobs.pop((job.page or 0, job.target), claims.LOST)
        return replace(outcome, job=replace(job, id=number))

    def done(self, pool: SenderPool[Task, Any]) -> list[OpenPage]:
        """Pages that wait for nothing any more, as many as may be recorded at once."""
        now = time.monotonic()
        looked_at = [each for each in self.opened.values() if each.may_be_held_up(now)]
        if looked_at:
            others_wait = self._room() < _LEAST_CLAIM and self.is_due()
            patience = LEAST_PATIENCE if others_wait else PATIENCE
            for opened in looked_at:
                opened.looked = now
                if now >= opened.began + patience:
                    tasks = opened.pending.values()
                    if (held_up := pool.set_aside(tasks, _LANE, patience)) is not None:
                        opened.end(*held_up)
        return _some([opened for opened in self.opened.values() if opened.is_done])

    def drop(self) -> list[OpenPage]:
        """Pages as `done`, whatever they wait for; at last none.

        Deliveries without an outcome become jobs, as if they were under way.
        """
        for opened in self.opened.values():
            opened.end((), list(opened.pending.values()))
        return _some(list(self.opened.values()))

    def _record(
        self,
        connection: Connection,
        ended: Sequence[OpenPage],
        lease: Lease,
        now: datetime,
    ) -> dict[tuple[int, str], int]:
        """Record pages; the jobs of deliveries that are still under way."""
        still = dict[tuple[int, str], int]()
        ends = {opened.page: opened.result for opened in ended if not opened.is_lost}
        recorded = pages.record(connection, ends, now, self.pace.interval)
        per_host = self.options.subscriptions_per_host
        for opened in ended:
            page = opened.page
            if page not in recorded:
                # The lease ended, and somebody else sends it.
                send_again(connection, opened.outcomes, now)
                continue
            adopted = opened.failed | opened.under_way
            claimed_pages.own(connection, page, opened.owned | opened.to_queue | adopted)
            of = opened.entries
            claimed_pages.queue(connection, page, [of[to] for to in opened.to_queue], now)
            ids = claimed_pages.adopt(connection, page, [of[to] for to in adopted], lease)
            still |= {(page.number, to): ids[to] for to in opened.under_way}
            if opened.noted:
                noted = [_of_job(each, ids) for each in opened.noted]
                record(connection, noted, now, per_host, claimer=lease.holder)
        return still

    def clear(self) -> None:
        """Forget the deliveries that became jobs: no outcome comes any more."""
        self.jobs.clear()


def _some(ended: Sequence[OpenPage]) -> list[OpenPage]:
    """The first of these pages, with few enough jobs and outcomes for one transaction."""
    some, rows = list[OpenPage](), 0
    for opened in ended:
        rows += len(opened.to_queue) + len(opened.under_way) + len(opened.noted)
        if some and rows > _RECORD_LIMIT:
            break
        some.append(opened)
    return some


def _of_job(outcome: TaskOutcome, ids: Mapping[str, int]) -> TaskOutcome:
    """The outcome with the id of the job that its delivery became, if it did."""
    number = ids.get(outcome.job.target)
    return replace(outcome, job=replace(outcome.job, id=number)) if number else outcome
