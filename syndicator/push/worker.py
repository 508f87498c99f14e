"""One pass over the outbox: sends due jobs, hundreds at the same time, until none is due.

A pass prepares once. Then it claims jobs and pages of sweeps, pings first, plans the request of
each, sends these side by side, judges the responses, and records the outcomes, again and again. A
job stays in the outbox until its outcome is recorded: after a crash at any point it is sent again,
and so is a page (see `pages`). A pass that is stopped winds down: it waits for its requests,
records them, and releases its other jobs. So does one whose process was away, since others may have
sent newer versions of what it claimed.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from syndicator.model.outbox import GaveUp, JobKind, Ping, Released, Retry, queued_by_kind
from syndicator.outbound.hold import Hold
from syndicator.push import lanes
from syndicator.push.context import LEASE, QUIET, HttpClient, PushListener, PushOptions, Topics
from syndicator.push.job_claims import JobClaims
from syndicator.push.open_page import OpenPage
from syndicator.push.pages import OpenPages
from syndicator.push.pass_times import CLAIM_INTERVAL, COLLECT_LIMIT, PassTimes
from syndicator.push.payloads import Payloads
from syndicator.push.record import PushReport, record
from syndicator.push.send import PausedTask, SentTask, TaskSender
from syndicator.store import claims, hubs, outbox, retention
from syndicator.store.database import Database
from syndicator.store.process_schema import DAEMON
from syndicator.websub.pace import NO_PACE
from syndicator.websub.tasks import TaskOutcome, outcome_of

#: Seconds for which deliveries are held up at most, while a save is on its way.
HOLD = 0.3

#: Seconds that a stopped pass waits for its requests to end.
STOP_TIMEOUT = 2.0


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
        self._sender = TaskSender(client, clock, options.life)
        payloads = Payloads(database, topics.read, clock, options.only_changes)
        self._jobs = JobClaims(database, topics, payloads, options.claimer, clock)
        self._hold = Hold()
        self._nudged = threading.Event()  # something may have been queued since the last claim
        self._taken = threading.Event()  # what was queued before the last nudge is on its way
        self._pool = lanes.new_pool(self._sender.send, self._hold)
        self._pages = OpenPages(database, topics, payloads, options, clock)
        self._outcomes: list[TaskOutcome] = []  # of jobs, not recorded yet
        # The wall clock's time at the monotonic clock's zero. It changes when the clock is set.
        self._clock_origin = clock() - timedelta(seconds=time.monotonic())
        self._renew_at = clock()
        self._pass_lock = threading.Lock()
        # True: the last pass failed (a full disk) or died with its process, and left claimed jobs.
        self._unfinished = True
        self._stopped = threading.Event()

    def nudge(self) -> threading.Event:
        """Make a running pass claim at once. What it returns is set when these jobs are sent."""
        self._taken.clear()
        self._nudged.set()
        self._pool.nudge()
        return self._taken

    def hold(self) -> None:
        """Begin no delivery until the next nudge, or for a short time: a save is on its way."""
        self._hold.begin(time.monotonic(), HOLD)

    def stop(self) -> None:
        """End requests; a running pass releases its jobs and returns within about two seconds."""
        self._stopped.set()
        self._client.close()
        self.nudge()

    def once(
        self,
        *,
        paced: bool = True,
        pinged_topics: Collection[str] | None = None,
        counted: bool = True,
    ) -> PushReport:
        """Do all due jobs, and those that become due meanwhile.

        `paced`: whether jobs wait for their pace; if not, they are sent at once. `pinged_topics`:
        the only topics whose pings are sent; None: those of all. `counted`: whether to count what
        is still queued, which takes half a second for a million jobs.
        """
        with self._pass_lock:
            self._jobs.pace = self._pages.pace = self._options.pace if paced else NO_PACE
            self._jobs.pinged_topics = pinged_topics
            report = PushReport(started=self._clock())
            began = time.monotonic()
            self._prepare(report, began)
            self._unfinished = True
            try:
                self._drain(report)
            finally:
                self._pool.dismiss()
            self._unfinished = False
            with self._database.read() as connection:
                report.next_due = outbox.next_due(connection)
                if counted:
                    report.queued = queued_by_kind(outbox.counts(connection)).total()
        report.seconds = time.monotonic() - began
        return report

    def _prepare(self, report: PushReport, began: float) -> None:
        """Release claims of an aborted pass, repair times, and read which hubs asked for a wait."""
        if self._unfinished:
            self._wind_down(report)
        started = report.started
        origin = started - timedelta(seconds=began)
        # Twice the longest possible wait: only a wrong clock makes a job due later than that.
        longest_wait = 2 * max(self._options.retry.longest, self._options.pace.interval, LEASE)
        with self._database.begin(push=True) as connection:
            if self._clock_origin - origin > LEASE:
                retention.shift_back(connection, started, self._clock_origin - origin)
            retention.repair_times(connection, started, longest_wait)
            self._sender.paused_hubs = hubs.paused(connection, started)
        self._clock_origin = origin
        self._pool = lanes.new_pool(self._sender.send, self._hold)
        self._renew_at = started + LEASE / 2

    def _drain(self, report: PushReport) -> None:
        """Renew, claim, plan, send, judge and record until no job is due."""
        pool = self._pool
        times = PassTimes()
        while True:
            self._listener.on_progress()
            self._renew()
            now = time.monotonic()
            if self._sender.was_away:
                self._wind_down(report)
            is_away = self._sender.was_away  # still
            more = not is_away and self._take(times, report, now)
            held = self._hold.left(now)
            wait = CLAIM_INTERVAL if (pool.busy or held or is_away) and not more else 0
            nudged = self._collect(min(wait, held or wait))
            if times.records(len(self._outcomes), busy=pool.busy, now=now):
                self._record(report)
                times.record_done(time.monotonic())
            if self._stopped.is_set():
                self._wind_down(report)
                return
            if nudged:
                times.claim_soon()
            elif not pool.busy and not self._outcomes and not self._pages:
                if times.is_over(now):
                    return
                times.claim_rest(now)

    def _take(self, times: PassTimes, report: PushReport, now: float) -> bool:
        """Claim, plan and start what is due; whether there is more to do at once.

        Pages come before jobs about the same subscribers, since a change merges with what is
        queued. What is urgent comes before both.
        """
        is_time, nudged = times.claims(now), self._nudged.is_set()
        self._nudged.clear()
        claimed = self._jobs.take(self._pool, lanes.URGENT) if is_time else 0
        self._pool.start()
        if nudged:  # what a save queued is on its way
            self._hold.end(time.monotonic())
            self._taken.set()
        is_held = self._hold.left(now) > 0
        more = not is_held and self._take_pages(times, report, now)
        if is_time:
            if not is_held:
                claimed = max(claimed, self._jobs.take(self._pool, [JobKind.DELIVER]))
            times.claim_done(claimed, now)
        self._pool.start()
        return more

    def _take_pages(self, times: PassTimes, report: PushReport, now: float) -> bool:
        """Record pages, claim one, and plan some of its deliveries; whether there are more."""
        ended = self._pages.done(self._pool)
        if ended or times.takes_pages(now):
            claim = self._pages.is_claimable(self._pool, ended)
            claimed = self._turn(ended, report, claim=claim) if ended or claim else False
            times.pages_done(claimed=claimed, now=now)
        return self._pages.plan(self._pool)

    def _turn(self, ended: Sequence[OpenPage], report: PushReport, *, claim: bool) -> bool:
        claimed = self._pages.turn(ended, claim=claim)
        for page in ended:
            _report(page.outcomes, report, self._listener)
        return claimed

    def _renew(self) -> None:
        """Extend claims: a request may outlast a lease, and the clock may be set forward."""
        now = self._clock()
        if self._pool.busy and now >= self._renew_at:
            with self._database.begin(durable=False, push=True) as connection:
                claims.renew(connection, self._options.claimer, now + LEASE)
            self._renew_at = now + LEASE / 2

    def _collect(self, wait: float) -> bool:
        """Judge the responses that came; whether the pass was nudged."""
        sent, nudged = self._pool.collect(wait, COLLECT_LIMIT)
        for each in sent:
            if (of_job := self._pages.add(self._judge(each))) is not None:
                self._outcomes.append(of_job)
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

    def _record(self, report: PushReport) -> None:
        per_host = self._options.subscriptions_per_host
        with self._database.begin(push=True) as connection:
            claimer = self._options.claimer
            record(connection, self._outcomes, self._clock(), per_host, claimer=claimer)
        outcomes, self._outcomes = self._outcomes, []
        _report(outcomes, report, self._listener)

    def _wind_down(self, report: PushReport) -> None:
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
        self._record(report)
        while ended := self._pages.drop():
            self._turn(ended, report, claim=False)
        self._pages.clear()
        with self._database.begin(push=True) as connection:
            claims.release(connection, self._options.claimer)
            if self._options.claimer.startswith(DAEMON):
                claims.release_dead(connection)
        self._sender.begin()


def _report(outcomes: Iterable[TaskOutcome], report: PushReport, listener: PushListener) -> None:
    for each in outcomes:
        report.count(each)
        listener.on_outcome(each.job, each.outcome)
