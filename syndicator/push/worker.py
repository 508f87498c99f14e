"""One pass over what is owed.

    claim     what is due (store)
    plan      the request that pays each debt (websub)
    send      side by side, the slow in nobody's way (outbound)
    judge     what each answer means (websub)
    settle    written down (store)

A debt is a row until its request was answered: whatever dies in between, it is tried again.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from syndicator.errors import OutputError
from syndicator.model.content import FeedFile
from syndicator.model.outbox import (
    Job,
    JobKind,
    JobOutcome,
    Request,
    Response,
    Subscription,
    host_name,
    queue_key,
    queued_by_kind,
)
from syndicator.outbound import Client, FairQueue, SenderPool
from syndicator.push.record import PushReport, ResultCounts, record
from syndicator.store import claims, outbox, retention, subscriptions
from syndicator.store.database import Database
from syndicator.websub import publisher
from syndicator.websub.retry import RETRY_AFTER_CAP
from syndicator.websub.tasks import Task, TaskOutcome, outcome_of, task_for

log = logging.getLogger(__name__)

#: Debts that are claimed at a time, and how many of one host may be claimed at once. With LOOK, one host is sent at
#: most 4 × 128 deliveries a second, and a claim always has room for another host.
BATCH, PER_HOST = 512, 128

#: Debts of one lane that are claimed and wait for a thread. While there are so many, no more of its kinds are claimed.
QUEUE = 2048

#: Seconds between looks at what came due meanwhile, and how long an answer may wait to be written down.
LOOK, SETTLE = 0.25, 0.03

#: How long what can't be read just now waits.
SOON = timedelta(seconds=1)

#: For how long a debt is claimed: who claimed it and died gives it back by that; who lives renews it by half of it.
LEASE = timedelta(minutes=2)

#: Answers that are written down as soon as there are so many. What a crash takes before is sent a second time.
TOGETHER = 50

#: Requests of each lane that run at once, and how many may be under way in all: most of these wait for a slow host.
#: Each lane has threads of its own, so what strangers ask for never delays the operator's hubs, and callbacks that are
#: being verified never delay those that are subscribed.
_LANES = {"hubs": (64, 640), "deliveries": (64, 320), "questions": (32, 256)}
_LANE = {
    JobKind.PING: "hubs",
    JobKind.DELIVER: "deliveries",
    JobKind.VERIFY: "questions",
    JobKind.DENY: "questions",
}

#: Seconds that a pass which was told to stop waits for its requests to end.
STOPPING = 2.0


class PushWorker:
    """Pays debts. One pass at a time; a pass that runs takes up what comes due meanwhile.

    `claimer` is the name under which it claims: what a dead process of that name had claimed is given back by the first
    pass. `read` gives a topic's file as it is now, or None when there is no such topic (any more); it raises
    OutputError when that can't be told just now. `served` says whether all that is out can be fetched: nobody is
    told before. `heard` is told what became of each request. `working` is called several times a second while a pass
    works. `retry` is for pings, `hub_retry` for what goes to callbacks. `jitter` gives a number from 0 to 1. `most` is
    how many subscriptions one host, or one network, may have; None: any number.
    """

    def __init__(
        self,
        database: Database,
        client: Client,
        *,
        read: Callable[[str], FeedFile | None],
        served: Callable[[], bool] = lambda: True,
        heard: Callable[[JobOutcome], None] = lambda settlement: None,
        working: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        claimer: str,
        retry: Sequence[timedelta],
        hub_retry: Sequence[timedelta],
        most: int | None = None,
    ) -> None:
        self._database, self._client, self._read, self._heard = database, client, read, heard
        self._served, self._working = served, working
        self._clock, self._jitter = clock, jitter
        self._claimer, self._retry, self._hub_retry, self._most = claimer, retry, hub_retry, most
        # Twice what a wait can be at most: no debt that a right clock put off is hurried.
        self._longest = 2 * max(RETRY_AFTER_CAP, *retry, *hub_retry, LEASE)
        self._hands = self._new_hands()
        self._outcomes: list[TaskOutcome] = []  # not written down yet
        self._zero = clock() - timedelta(
            seconds=time.monotonic()
        )  # what the clock said at the monotonic one's zero
        self._renewal = clock()  # when claims are renewed next
        self._resting: dict[str, datetime] = {}  # hubs that asked to be left alone, and until when
        self._pass = threading.Lock()
        self._left = True  # what the last pass had claimed: it broke off (a full disk), or died with its process
        self._stopped = threading.Event()

    def nudge(self) -> None:
        """Let a pass that runs look at once at what came due."""
        self._hands.nudge()

    def stop(self) -> None:
        """End what is under way; a pass that runs gives it back and returns within about two seconds."""
        self._stopped.set()
        self._client.close()
        self.nudge()

    def once(self) -> PushReport:
        """Pay all that is due, and what comes due while doing so."""
        with self._pass:
            started, clock, tally = self._clock(), time.monotonic(), ResultCounts()
            if self._left:
                self._leave(tally)
            # A wall clock that is set back takes with it what was put off by it.
            zero = started - timedelta(seconds=clock)
            with self._database.begin() as connection:
                if self._zero - zero > LEASE:
                    retention.shift_back(connection, started, self._zero - zero)
                retention.repair_times(connection, started, self._longest)
                self._resting = outbox.paused_hubs(connection, started)
            self._zero = zero
            self._hands, self._renewal = self._new_hands(), started + LEASE / 2
            self._left = True
            try:
                self._drain(tally)
            finally:
                self._hands.dismiss()
            self._left = False
            with self._database.read() as connection:
                jobs, next_due = outbox.counts(connection), outbox.next_due(connection)
        return PushReport(
            started=started,
            seconds=time.monotonic() - clock,
            paid=dict(tally.paid),
            again=dict(tally.again),
            gave_up=dict(tally.gave_up),
            ended=tally.ended,
            problems=tuple(tally.problems.values()),
            owed=queued_by_kind(jobs).total(),
            next_due=next_due,
        )

    def _new_hands(self) -> "SenderPool[Task, _SentRequest]":
        lanes = {
            name: FairQueue[Task](at_once=once, in_all=most)
            for name, (once, most) in _LANES.items()
        }
        return SenderPool(self._send, lanes)

    def _drain(self, tally: ResultCounts) -> None:
        hands, look, write, claimed = self._hands, 0.0, 0.0, 0
        while True:
            self._working()
            self._renew()
            now = time.monotonic()
            kinds = [kind for kind, lane in _LANE.items() if hands.waiting_in(lane) < QUEUE]
            if now >= look and kinds:
                errands = self._claim(kinds)
                for errand in errands:
                    hands.add([(_turn(errand.owed), errand)], _LANE[errand.owed.kind])
                look = now if len(errands) == BATCH else now + LOOK
                claimed += len(errands)
            hands.start()
            nudged = self._collect(LOOK if hands.busy else 0)
            if self._outcomes and (
                not hands.busy or len(self._outcomes) >= TOGETHER or now >= write
            ):
                self._settle(tally)
                write = time.monotonic() + SETTLE
            if self._stopped.is_set():
                return self._leave(tally)
            if nudged:
                look = 0.0
            elif look > now and not hands.busy and not self._outcomes:
                if claimed < PER_HOST:
                    return None
                look, claimed = 0.0, 0  # some host may have had as many claimed as it may

    def _renew(self) -> None:
        """Claim on what is under way: it may take longer than a lease, and the clock may be put forward."""
        now = self._clock()
        if self._hands.busy and now >= self._renewal:
            with self._database.begin(durable=False) as connection:
                claims.renew(connection, self._claimer, now + LEASE)
            self._renewal = now + LEASE / 2

    def _claim(self, kinds: Collection[JobKind]) -> list[Task]:
        if not self._served():
            return []
        now = self._clock()
        with self._database.read() as connection:  # looking costs no turn at writing
            due = outbox.next_due(connection)
        if due is None or due > now:
            return []
        # A power cut may take a claim back: whoever made it is gone as well.
        with self._database.begin(durable=False) as connection:
            jobs = claims.claim(
                connection,
                now,
                claimer=self._claimer,
                limit=BATCH,
                per_host=PER_HOST,
                lease=LEASE,
                kinds=kinds,
            )
            pairs = [(job.topic, job.target) for job in jobs if job.kind is JobKind.DELIVER]
            live = subscriptions.find(connection, pairs, now)
        nobody: tuple[Subscription | None, str | None] = None, None
        # Read after the claim, and once for all of its subscribers: what they get is the newest there is.
        files = self._files({job.topic for job in jobs if job.kind in _READS})
        waiting = [job for job in jobs if job.kind in _READS and job.topic not in files]
        if waiting:
            with self._database.begin(durable=False) as connection:
                again = [
                    JobOutcome(job=job, retry_at=now + SOON, attempted=False) for job in waiting
                ]
                claims.record(connection, again, now)
        return [
            task_for(
                job,
                *live.get((job.topic, job.target), nobody),
                files.get(job.topic),
                secrets.token_urlsafe(24),
            )
            for job in jobs
            if job.kind not in _READS or job.topic in files
        ]

    def _files(self, topics: Collection[str]) -> dict[str, FeedFile | None]:
        """The topics as they are now, without those that can't be read just now."""
        files: dict[str, FeedFile | None] = {}
        for topic in topics:
            with suppress(OutputError):  # the run that mends it tells of it
                files[topic] = self._read(topic)
        return files

    def _send(self, errand: Task) -> "_SentRequest":
        began = self._clock()
        request = errand.request
        until = self._resting.get(errand.owed.target) if errand.owed.kind is JobKind.PING else None
        if request is None or (until and until > began):
            return _SentRequest(errand, began, None, until)
        try:
            return _SentRequest(errand, began, self._exchange(request, errand.owed.kind))
        except Exception:  # one job that a library fails over must not keep all others back
            log.exception("a request to %s failed", host_name(errand.owed.target))
            return _SentRequest(errand, began, _FAULT)

    def _exchange(self, request: Request, kind: JobKind) -> Response:
        """The answer to a request; of a ping, at the place that redirects lead to."""
        answer = self._client.send(request)
        for _ in range(publisher.MAX_HOPS if kind is JobKind.PING else 0):
            if (further := publisher.follow(request, answer)) is None:
                break
            request, answer = further, self._client.send(further)
        return answer

    def _collect(self, wait: float) -> bool:
        """Judge what came back; whether there was a nudge."""
        sent, nudged = self._hands.collect(wait)
        self._outcomes += map(self._judge, sent)
        return nudged

    def _judge(self, sent: "_SentRequest") -> TaskOutcome:
        job = sent.errand.owed
        if sent.resting:
            return TaskOutcome(
                settlement=JobOutcome(
                    job=job, retry_at=sent.resting, not_before=sent.resting, attempted=False
                )
            )
        retry = self._retry if job.kind is JobKind.PING else self._hub_retry
        outcome = outcome_of(
            sent.errand, sent.answer, self._clock(), sent.began, retry, self._jitter()
        )
        if job.kind is JobKind.PING and (until := outcome.settlement.not_before):
            self._resting[job.target] = (
                until  # for every topic: it is the hub that asked (RFC 9110 §10.2.3)
            )
        return outcome

    def _settle(self, tally: ResultCounts) -> None:
        with self._database.begin() as connection:
            record(connection, self._outcomes, self._clock(), self._most)
        outcomes, self._outcomes = self._outcomes, []
        for outcome in outcomes:
            tally.count(outcome)
            self._heard(outcome.settlement)

    def _leave(self, tally: ResultCounts) -> None:
        """Write down what still ends, in time if told to stop, and give the rest back."""
        self._hands.drop()
        left = STOPPING
        while self._hands.busy and left > 0:
            self._renew()
            began = time.monotonic()
            self._collect(LOOK)
            left -= time.monotonic() - began if self._stopped.is_set() else 0
        self._settle(tally)
        with self._database.begin() as connection:
            claims.release(connection, self._claimer)


def _turn(job: Job) -> str:
    return job.host if job.kind is JobKind.PING else queue_key(job.target, job.host)


#: What became of a request that broke on our side. It is tried again like one that got no answer.
_FAULT = Response(status=None, error="a fault of ours; the log has its trace")

#: What can't be planned without the topic's file.
_READS = (JobKind.VERIFY, JobKind.DELIVER)


@dataclass(frozen=True, slots=True)
class _SentRequest:
    errand: Task
    began: datetime
    answer: Response | None  #: None: there was nothing to send
    resting: datetime | None = (
        None  #: until then the target asked to be left alone, so nothing was sent
    )
