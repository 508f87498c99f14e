"""Claims jobs that are due, plans their requests, and hands these to the senders."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, field

from syndicator.model.client_keys import queue_key
from syndicator.model.outbox import JobKind
from syndicator.outbound.pool import SenderPool
from syndicator.push.context import LEASE, Topics
from syndicator.push.lanes import LANE, kinds_with_room
from syndicator.push.pass_times import CLAIM_LIMIT, CLAIM_PER_HOST
from syndicator.push.payloads import Payloads
from syndicator.push.plan import NOTHING, Claimed, plan, topics_of
from syndicator.store import claims, outbox, pings, subscriptions
from syndicator.store.claims import ClaimLimits
from syndicator.store.database import Database
from syndicator.websub.pace import NO_PACE, Pace
from syndicator.websub.tasks import Task


class JobClaims(Struct):
    """The claims of one pass after the other."""

    database: Database
    topics: Topics
    payloads: Payloads
    claimer: str
    clock: Callable[[], datetime]
    pace: Pace = NO_PACE  #: of this pass
    pinged_topics: Collection[str] | None = None  #: only pings of these are claimed; None: all
    turns: dict[tuple[JobKind, int], str] = field(default_factory=dict)  #: see `ClaimLimits`

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
        if not self.topics.is_served():
            return NOTHING
        now = self.clock()
        with self.database.read() as connection:  # reading doesn't wait for writers
            if not outbox.any_due(connection, kinds, now):
                return NOTHING
        limits = ClaimLimits(
            jobs=CLAIM_LIMIT,
            per_host=CLAIM_PER_HOST,
            pinged_topics=self.pinged_topics,
            turns=self.turns,
        )
        # A power cut may undo the claim, but it also ends the process that made it.
        with self.database.begin(durable=False, push=True) as connection:
            jobs = claims.claim(
                connection,
                now,
                claimer=self.claimer,
                lease=LEASE,
                limits=limits,
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
            self.topics.wait_until_shown()
        return claimed

    def _plan(self, claimed: Claimed) -> list[Task]:
        """Plan the requests of claimed jobs. Jobs without one are recorded at once."""
        # Read after the claim, and once for all subscribers: they get the newest bytes.
        files = self.payloads.read(topics_of(claimed.jobs))
        now = self.clock()
        challenge = partial(secrets.token_urlsafe, 24)
        tasks, unsent = plan(claimed, files, self.payloads.of, challenge, self.pace, now)
        if unsent:
            with self.database.begin(durable=False, push=True) as connection:
                claims.record(connection, unsent, now, claimer=self.claimer)
        return tasks
