"""Claims jobs that are due, plans their requests, and hands these to the senders."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

from syndicator.model.client_keys import queue_key
from syndicator.model.outbox import JobKind
from syndicator.outbound.pool import SenderPool
from syndicator.push.context import LEASE, PushOptions, Topics
from syndicator.push.lanes import LANE, kinds_with_room
from syndicator.push.pass_times import CLAIM_LIMIT, CLAIM_PER_HOST
from syndicator.push.payloads import Payloads
from syndicator.push.plan import NOTHING, Claimed, plan, topics_of
from syndicator.store import claims, outbox, pings, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.websub.pace import Pace
from syndicator.websub.tasks import Task


class JobClaims:
    """The claims of one pass after the other."""

    def __init__(
        self,
        database: Database,
        topics: Topics,
        payloads: Payloads,
        options: PushOptions,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._topics = topics
        self._payloads = payloads
        self._claimer = options.claimer
        self._clock = clock
        self.begin(options.pace)

    def begin(self, pace: Pace, pinged_topics: Collection[str] | None = None) -> None:
        """Begin a pass. `pinged_topics`: the only ones whose pings are claimed; None: all."""
        self._pace = pace
        self._limits = ClaimLimits(
            jobs=CLAIM_LIMIT, per_host=CLAIM_PER_HOST, pinged_topics=pinged_topics
        )

    def take(self, pool: SenderPool[Task, Any], kinds: Collection[JobKind]) -> int:
        """Claim due jobs of some kinds, as far as there is room; how many were claimed."""
        with_room = [kind for kind in kinds_with_room(pool.waiting_in) if kind in kinds]
        if not with_room:
            return 0
        claimed = self._claim(with_room)
        for task in self._plan(claimed):
            pool.add([(queue_key(task.job.target, task.job.host), task)], LANE[task.job.kind])
        return len(claimed.jobs)

    def _claim(self, kinds: Collection[JobKind]) -> Claimed:
        """Claim due jobs, and read what is known of their targets."""
        if not self._topics.is_served():
            return NOTHING
        now = self._clock()
        with self._database.read() as connection:  # reading doesn't wait for writers
            if not outbox.any_due(connection, kinds, now):
                return NOTHING
        # A power cut may undo the claim, but it also ends the process that made it.
        with self._database.begin(durable=False, push=True) as connection:
            jobs = claims.claim(
                connection,
                now,
                claimer=self._claimer,
                lease=LEASE,
                limits=self._limits,
                kinds=kinds,
            )
            pairs = {
                kind: [(job.topic, job.target) for job in jobs if job.kind is kind]
                for kind in (JobKind.DELIVER, JobKind.DENY, JobKind.PING)
            }
            subscriptions.begin_deliveries(connection, pairs[JobKind.DELIVER])
            of_subscribers = pairs[JobKind.DELIVER] + pairs[JobKind.DENY]
            claimed = Claimed(
                jobs,
                live=subscriptions.find(connection, of_subscribers, now),
                pinged=pings.attempted(connection, pairs[JobKind.PING]),
            )
        if pairs[JobKind.PING]:
            self._topics.wait_until_shown()
        return claimed

    def _plan(self, claimed: Claimed) -> list[Task]:
        """Plan the requests of claimed jobs. Jobs without one are recorded at once."""
        # Read after the claim, and once for all subscribers: they get the newest bytes.
        files = self._payloads.read(topics_of(claimed.jobs))
        now = self._clock()
        challenge = partial(secrets.token_urlsafe, 24)
        tasks, unsent = plan(claimed, files, self._payloads.of, challenge, self._pace, now)
        if unsent:
            with self._database.begin(durable=False, push=True) as connection:
                claims.record(connection, unsent, now, claimer=self._claimer)
        return tasks
