"""One pass over the outbox: sends due jobs, hundreds at the same time, until none is due.

    claim     due jobs, for one lease (store)
    plan      the request of each job (websub)
    send      the requests side by side, so that slow hosts delay no others (outbound)
    judge     what each answer means (websub)
    record    the outcomes, in one transaction (store)

A pass repeats these steps. A job stays in the outbox until its outcome is recorded: after a crash
at any point it is sent again.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from syndicator.model.client_keys import queue_key
from syndicator.model.outbox import Job, JobKind, JobOutcome, queued_by_kind
from syndicator.outbound import Client, FairQueue, SenderPool
from syndicator.push.plan import Live, ReadTopic, plan
from syndicator.push.record import PushReport, ResultCounts, record
from syndicator.push.send import SentRequest, TaskSender
from syndicator.store import claims, outbox, retention, subscriptions
from syndicator.store.database import Database
from syndicator.websub.retry import RETRY_AFTER_CAP
from syndicator.websub.tasks import Task, TaskOutcome, outcome_of

#: Jobs that one claim takes.
CLAIM_LIMIT = 512

#: Jobs of one host that may be claimed at once. With `CLAIM_INTERVAL`, one host is sent at most
#: 4 × 128 deliveries a second, and a claim always has room for another host.
CLAIM_PER_HOST = 128

#: Claimed jobs of one lane that wait for a thread. At this number no more of its kinds are claimed.
LANE_LIMIT = 2048

#: Seconds between two claims, and the longest wait for an answer before the next claim.
CLAIM_INTERVAL = 0.25

#: Seconds for which outcomes are collected before they are recorded together.
RECORD_INTERVAL = 0.03

#: Outcomes that are recorded at once even before that. A crash sends at most these a second time.
RECORD_LIMIT = 50

#: How long a job waits whose topic can't be read at present.
UNREADABLE_WAIT = timedelta(seconds=1)

#: The lease of a claim. It is renewed at half of it while the pass runs; the jobs of a process that
#: died are queued again when it ends.
LEASE = timedelta(minutes=2)

#: By lane: requests that run at once, and requests in all, of which most wait for a slow host. Each
#: lane has threads of its own, so that strangers never delay the operator's hubs, and callbacks
#: that are being verified never delay subscribers.
_LANES = {"hubs": (64, 640), "deliveries": (64, 320), "verifications": (32, 256)}
_LANE = {
    JobKind.PING: "hubs",
    JobKind.DELIVER: "deliveries",
    JobKind.VERIFY: "verifications",
    JobKind.DENY: "verifications",
}

#: Seconds that a stopped pass waits for its requests to end.
STOP_TIMEOUT = 2.0


class PushWorker:
    """Does the jobs of the outbox, one pass at a time. A running pass also does new jobs.

    `claimer`: the name for claims. The first pass releases what a dead process of that name had.
    `is_served`: whether everything published can be fetched. No request is sent before.
    `on_outcome`: called with the outcome of each job.
    `on_progress`: called several times a second during a pass.
    `retry`, `hub_retry`: the waits before retries, for pings and for requests to callbacks.
    `jitter`: returns a random number from 0 to 1.
    `subscriptions_per_host`: how many one host, or one network, may have; None: unlimited.
    """

    def __init__(
        self,
        database: Database,
        client: Client,
        *,
        read_topic: ReadTopic,
        is_served: Callable[[], bool] = lambda: True,
        on_outcome: Callable[[JobOutcome], None] = lambda outcome: None,
        on_progress: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        claimer: str,
        retry: Sequence[timedelta],
        hub_retry: Sequence[timedelta],
        subscriptions_per_host: int | None = None,
    ) -> None:
        self._database = database
        self._client = client
        self._read_topic = read_topic
        self._is_served = is_served
        self._on_outcome = on_outcome
        self._on_progress = on_progress
        self._clock = clock
        self._jitter = jitter
        self._claimer = claimer
        self._retry = retry
        self._hub_retry = hub_retry
        self._subscriptions_per_host = subscriptions_per_host
        # Twice the longest possible wait: only a wrong clock makes a job due later than that.
        self._longest_wait = 2 * max(RETRY_AFTER_CAP, *retry, *hub_retry, LEASE)
        self._sender = TaskSender(client, clock)
        self._pool = self._new_pool()
        self._outcomes: list[TaskOutcome] = []  # not recorded yet
        # The wall clock's time at the monotonic clock's zero. It changes when the clock is set.
        self._clock_origin = clock() - timedelta(seconds=time.monotonic())
        self._renew_at = clock()
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

    def once(self) -> PushReport:
        """Do all due jobs, and those that become due meanwhile."""
        with self._pass_lock:
            started = self._clock()
            began = time.monotonic()
            counts = ResultCounts()
            if self._unfinished:
                self._wind_down(counts)
            self._prepare(started, began)
            self._unfinished = True
            try:
                self._drain(counts)
            finally:
                self._pool.dismiss()
            self._unfinished = False
            with self._database.read() as connection:
                jobs, next_due = outbox.counts(connection), outbox.next_due(connection)
        return PushReport(
            started=started,
            seconds=time.monotonic() - began,
            done=dict(counts.done),
            retried=dict(counts.retried),
            given_up=dict(counts.given_up),
            ended=counts.ended,
            problems=tuple(counts.problems.values()),
            queued=queued_by_kind(jobs).total(),
            next_due=next_due,
        )

    def _prepare(self, started: datetime, began: float) -> None:
        """Repair times after the clock was set, and read which hubs are paused."""
        origin = started - timedelta(seconds=began)
        with self._database.begin() as connection:
            if self._clock_origin - origin > LEASE:
                retention.shift_back(connection, started, self._clock_origin - origin)
            retention.repair_times(connection, started, self._longest_wait)
            self._sender.paused_hubs = outbox.paused_hubs(connection, started)
        self._clock_origin = origin
        self._pool = self._new_pool()
        self._renew_at = started + LEASE / 2

    def _new_pool(self) -> SenderPool[Task, SentRequest]:
        lanes = {
            name: FairQueue[Task](at_once=at_once, in_all=in_all)
            for name, (at_once, in_all) in _LANES.items()
        }
        return SenderPool(self._sender.send, lanes)

    def _drain(self, counts: ResultCounts) -> None:
        """Claim, plan, send, judge and record until no job is due."""
        pool = self._pool
        claimed = 0
        claim_at = record_at = 0.0
        while True:
            self._on_progress()
            self._renew()
            now = time.monotonic()
            kinds = [kind for kind, lane in _LANE.items() if pool.waiting_in(lane) < LANE_LIMIT]
            if now >= claim_at and kinds:
                tasks = self._plan(*self._claim(kinds))
                for task in tasks:
                    pool.add([(_queue_key(task.job), task)], _LANE[task.job.kind])
                claim_at = now if len(tasks) == CLAIM_LIMIT else now + CLAIM_INTERVAL
                claimed += len(tasks)
            pool.start()
            nudged = self._collect(CLAIM_INTERVAL if pool.busy else 0)
            enough = len(self._outcomes) >= RECORD_LIMIT or now >= record_at
            if self._outcomes and (enough or not pool.busy):
                self._record(counts)
                record_at = time.monotonic() + RECORD_INTERVAL
            if self._stopped.is_set():
                self._wind_down(counts)
                return
            if nudged:
                claim_at = 0.0
            elif claim_at > now and not pool.busy and not self._outcomes:
                if claimed < CLAIM_PER_HOST:
                    return
                # A host may have had `CLAIM_PER_HOST` jobs claimed, and more that are due.
                claim_at, claimed = 0.0, 0

    def _renew(self) -> None:
        """Extend claims: a request may outlast a lease, and the clock may be set forward."""
        now = self._clock()
        if self._pool.busy and now >= self._renew_at:
            with self._database.begin(durable=False) as connection:
                claims.renew(connection, self._claimer, now + LEASE)
            self._renew_at = now + LEASE / 2

    def _claim(self, kinds: Collection[JobKind]) -> tuple[tuple[Job, ...], Live]:
        """Claim due jobs, and read the subscriptions of their deliveries."""
        if not self._is_served():
            return (), {}
        now = self._clock()
        with self._database.read() as connection:  # reading doesn't wait for writers
            due = outbox.next_due(connection)
        if due is None or due > now:
            return (), {}
        # A power cut may undo the claim, but it also ends the process that made it.
        with self._database.begin(durable=False) as connection:
            jobs = claims.claim(
                connection,
                now,
                claimer=self._claimer,
                limit=CLAIM_LIMIT,
                per_host=CLAIM_PER_HOST,
                lease=LEASE,
                kinds=kinds,
            )
            pairs = [(job.topic, job.target) for job in jobs if job.kind is JobKind.DELIVER]
            return jobs, subscriptions.find(connection, pairs, now)

    def _plan(self, jobs: Sequence[Job], live: Live) -> list[Task]:
        """The tasks of claimed jobs. Jobs whose topic can't be read at present are requeued."""
        tasks, unreadable = plan(jobs, live, self._read_topic)
        if unreadable:
            now = self._clock()
            retry_at = now + UNREADABLE_WAIT
            outcomes = [
                JobOutcome(job=job, retry_at=retry_at, attempted=False) for job in unreadable
            ]
            with self._database.begin(durable=False) as connection:
                claims.record(connection, outcomes, now)
        return tasks

    def _collect(self, wait: float) -> bool:
        """Judge the answers that came; whether the pass was nudged."""
        sent, nudged = self._pool.collect(wait)
        self._outcomes += map(self._judge, sent)
        return nudged

    def _judge(self, sent: SentRequest) -> TaskOutcome:
        job = sent.task.job
        if until := sent.paused_until:
            return TaskOutcome(
                job_outcome=JobOutcome(job=job, retry_at=until, not_before=until, attempted=False)
            )
        retry = self._retry if job.kind is JobKind.PING else self._hub_retry
        outcome = outcome_of(
            sent.task, sent.answer, self._clock(), sent.began, retry, self._jitter()
        )
        if job.kind is JobKind.PING and (until := outcome.job_outcome.not_before):
            # For every topic of the hub: Retry-After is about the server (RFC 9110 §10.2.3).
            self._sender.paused_hubs[job.target] = until
        return outcome

    def _record(self, counts: ResultCounts) -> None:
        with self._database.begin() as connection:
            record(connection, self._outcomes, self._clock(), self._subscriptions_per_host)
        outcomes, self._outcomes = self._outcomes, []
        for outcome in outcomes:
            counts.count(outcome)
            self._on_outcome(outcome.job_outcome)

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
            claims.release(connection, self._claimer)


def _queue_key(job: Job) -> str:
    """The host in whose turn a job is sent."""
    return job.host if job.kind is JobKind.PING else queue_key(job.target, job.host)
