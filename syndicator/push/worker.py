"""One pass over the outbox: sends due jobs, hundreds at the same time, until none is due.

    prepare   release the claims of an aborted pass, repair the times that a wrong clock wrote,
              read which hubs asked for a wait (store)
    renew     claims whose requests outlast a lease (store)
    claim     due jobs, for one lease (store)
    plan      the request of each job, or how long it waits for its pace (websub)
    send      the requests side by side, so that slow hosts delay no others (outbound)
    judge     what each response means (websub)
    record    the outcomes, in one transaction (store)

A pass prepares once and repeats the other steps. A job stays in the outbox until its outcome is
recorded: after a crash at any point it is sent again. A pass that is stopped winds down: it waits
for its requests, records them, and releases its other jobs.
"""

import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from syndicator.model.client_keys import queue_key
from syndicator.model.outbox import (
    GaveUp,
    JobKind,
    Ping,
    Released,
    Retry,
    queued_by_kind,
)
from syndicator.push import lanes
from syndicator.push.context import QUIET, HttpClient, PushListener, PushOptions, Topics
from syndicator.push.pass_times import CLAIM_INTERVAL, CLAIM_LIMIT, CLAIM_PER_HOST, PassTimes
from syndicator.push.plan import NOTHING, Claimed, Plan, plan, read_files, topics_of
from syndicator.push.record import PushReport, ResultCounts, record
from syndicator.push.send import PausedTask, SentTask, TaskSender
from syndicator.store import claims, outbox, pings, retention, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.store.process_schema import DAEMON
from syndicator.websub.pace import NO_PACE
from syndicator.websub.tasks import TaskOutcome, outcome_of

#: The lease of a claim. It is renewed after half its length while the pass runs. When the lease of
#: a dead process ends, its jobs are queued again.
LEASE = timedelta(minutes=2)

#: Seconds that a stopped pass waits for its requests to end.
STOP_TIMEOUT = 2.0

_LIMITS = ClaimLimits(jobs=CLAIM_LIMIT, per_host=CLAIM_PER_HOST)


class PushWorker:
    """Does the jobs of the outbox, one pass at a time. A running pass also does new jobs."""

    def __init__(
        self,
        database: Database,
        client: HttpClient,
        topics: Topics,
        options: PushOptions,
        *,
        clock: Callable[[], datetime],
        listener: PushListener = QUIET,
    ) -> None:
        self._database = database
        self._client = client
        self._topics = topics
        self._options = options
        self._clock = clock
        self._listener = listener
        self._sender = TaskSender(client, clock, options.is_alive)
        self._pool = lanes.new_pool(self._sender.send)
        self._outcomes: list[TaskOutcome] = []  # not recorded yet
        # The wall clock's time at the monotonic clock's zero. It changes when the clock is set.
        self._clock_origin = clock() - timedelta(seconds=time.monotonic())
        self._renew_at = clock()
        self._pace = options.pace  # of the current pass
        self._limits = _LIMITS  # of the current pass
        self._pass_lock = threading.Lock()
        # True: the last pass failed (a full disk) or died with its process, and left claimed jobs.
        self._unfinished = True
        self._stopped = threading.Event()

    def nudge(self) -> None:
        """Make a running pass claim at once."""
        self._pool.nudge()

    def stop(self) -> None:
        """End requests; a running pass releases its jobs and returns within about two seconds."""
        self._stopped.set()
        self._client.close()
        self.nudge()

    def once(
        self, *, paced: bool = True, pinged_topics: Collection[str] | None = None
    ) -> PushReport:
        """Do all due jobs, and those that become due meanwhile.

        `paced`: whether jobs wait for their pace; if not, they are sent at once. `pinged_topics`:
        the only topics whose pings are sent; None: those of all.
        """
        with self._pass_lock:
            self._limits = replace(_LIMITS, pinged_topics=pinged_topics)
            self._pace = self._options.pace if paced else NO_PACE
            started = self._clock()
            began = time.monotonic()
            counts = ResultCounts()
            self._prepare(counts, started, began)
            self._unfinished = True
            try:
                self._drain(counts)
            finally:
                self._pool.dismiss()
            self._unfinished = False
            with self._database.read() as connection:
                jobs, next_due = outbox.counts(connection), outbox.next_due(connection)
        queued = queued_by_kind(jobs).total()
        return counts.report(started, time.monotonic() - began, queued, next_due)

    def _prepare(self, counts: ResultCounts, started: datetime, began: float) -> None:
        """Release claims of an aborted pass, repair times, and read which hubs asked for a wait."""
        if self._unfinished:
            self._wind_down(counts)
        origin = started - timedelta(seconds=began)
        # Twice the longest possible wait: only a wrong clock makes a job due later than that.
        longest_wait = 2 * max(self._options.retry.longest, self._options.pace.interval, LEASE)
        with self._database.begin() as connection:
            if self._clock_origin - origin > LEASE:
                retention.shift_back(connection, started, self._clock_origin - origin)
            retention.repair_times(connection, started, longest_wait)
            self._sender.paused_hubs = outbox.paused_hubs(connection, started)
        self._clock_origin = origin
        self._pool = lanes.new_pool(self._sender.send)
        self._renew_at = started + LEASE / 2

    def _drain(self, counts: ResultCounts) -> None:
        """Renew, claim, plan, send, judge and record until no job is due."""
        pool = self._pool
        times = PassTimes()
        while True:
            self._listener.on_progress()
            self._renew()
            now = time.monotonic()
            kinds = lanes.kinds_with_room(pool.waiting_in)
            if times.claims(now) and kinds:
                claimed = self._claim(kinds)
                planned = self._plan(claimed)
                for task in planned.tasks:
                    queue = queue_key(task.job.target, task.job.host)
                    pool.add([(queue, task)], lanes.LANE[task.job.kind])
                times.claim_done(len(claimed.jobs), now)
            pool.start()
            nudged = self._collect(CLAIM_INTERVAL if pool.busy else 0)
            if times.records(len(self._outcomes), busy=pool.busy, now=now):
                self._record(counts)
                times.record_done(time.monotonic())
            if self._stopped.is_set():
                self._wind_down(counts)
                return
            if nudged:
                times.claim_soon()
            elif not pool.busy and not self._outcomes:
                if times.is_over(now):
                    return
                times.claim_rest(now)

    def _renew(self) -> None:
        """Extend claims: a request may outlast a lease, and the clock may be set forward."""
        now = self._clock()
        if self._pool.busy and now >= self._renew_at:
            with self._database.begin(durable=False) as connection:
                claims.renew(connection, self._options.claimer, now + LEASE)
            self._renew_at = now + LEASE / 2

    def _claim(self, kinds: Collection[JobKind]) -> Claimed:
        """Claim due jobs, and read what is known of their targets."""
        if not self._topics.is_served():
            return NOTHING
        now = self._clock()
        with self._database.read() as connection:  # reading doesn't wait for writers
            due = outbox.next_due(connection)
        if due is None or due > now:
            return NOTHING
        # A power cut may undo the claim, but it also ends the process that made it.
        with self._database.begin(durable=False) as connection:
            jobs = claims.claim(
                connection,
                now,
                claimer=self._options.claimer,
                lease=LEASE,
                limits=self._limits,
                kinds=kinds,
            )
            pairs = {
                kind: [(job.topic, job.target) for job in jobs if job.kind is kind]
                for kind in (JobKind.DELIVER, JobKind.PING)
            }
            claimed = Claimed(
                jobs,
                live=subscriptions.find(connection, pairs[JobKind.DELIVER], now),
                pinged=pings.attempted(connection, pairs[JobKind.PING]),
            )
        if pairs[JobKind.PING]:
            self._topics.wait_until_shown()
        return claimed

    def _plan(self, claimed: Claimed) -> Plan:
        """Plan the requests of claimed jobs. Jobs without one are recorded at once."""
        # Read after the claim, and once for all subscribers: they get the newest bytes.
        files = read_files(topics_of(claimed.jobs), self._topics.read)
        now = self._clock()
        planned = plan(claimed, files, lambda: secrets.token_urlsafe(24), self._pace, now)
        if unsent := planned.unsent():
            with self._database.begin(durable=False) as connection:
                jobs = (job for job, _ in unsent)
                ours = claims.still_claimed(connection, self._options.claimer, jobs)
                claims.record(connection, [each for each in unsent if each[0].id in ours], now)
        return planned

    def _collect(self, wait: float) -> bool:
        """Judge the responses that came; whether the pass was nudged."""
        sent, nudged = self._pool.collect(wait)
        self._outcomes += map(self._judge, sent)
        return nudged

    def _judge(self, sent: SentTask | PausedTask) -> TaskOutcome:
        job = sent.task.job
        if isinstance(sent, PausedTask):
            released = Released(until=sent.until, not_before=sent.until)
            return TaskOutcome(job=job, outcome=released)
        options = self._options
        judged = outcome_of(
            sent.task, sent.response, sent.began, self._clock(), options.retry, options.jitter()
        )
        match job.detail, judged.outcome:
            case Ping(), Retry(not_before=until) | GaveUp(not_before=until) if until:
                # For every topic of the hub: Retry-After is about the server (RFC 9110 §10.2.3).
                self._sender.paused_hubs[job.target] = until
        return judged

    def _record(self, counts: ResultCounts) -> None:
        per_host = self._options.subscriptions_per_host
        with self._database.begin() as connection:
            claimer = self._options.claimer
            record(connection, self._outcomes, self._clock(), per_host, claimer=claimer)
        outcomes, self._outcomes = self._outcomes, []
        for each in outcomes:
            counts.count(each)
            self._listener.on_outcome(each.job, each.outcome)

    def _wind_down(self, counts: ResultCounts) -> None:
        """Wait for requests that are being sent, record them, and release the other jobs.

        A stopped pass waits for `STOP_TIMEOUT` at most.
        """
        self._pool.drop()
        left = STOP_TIMEOUT
        while self._pool.busy and left > 0:
            self._renew()
            began = time.monotonic()
            self._collect(CLAIM_INTERVAL)
            left -= time.monotonic() - began if self._stopped.is_set() else 0
        self._record(counts)
        with self._database.begin() as connection:
            claims.release(connection, self._options.claimer)
            if self._options.claimer.startswith(DAEMON):
                claims.release_dead(connection)
