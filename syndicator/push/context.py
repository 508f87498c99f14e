"""What a push is given: its options, the published topics, and whom it tells of its progress."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Job, JobOutcome, Request, Response
from syndicator.websub.pace import NO_PACE, Pace
from syndicator.websub.retry import RetryPolicy

#: The lease of a claim. It is renewed after half its length while the pass runs. When the lease of
#: a dead process ends, its jobs are queued again.
LEASE = timedelta(minutes=2)


class HttpClient(Protocol):
    """Sends one request at a time in each thread that calls it. `close` ends all."""

    def send(self, request: Request) -> Response: ...

    def close(self) -> None: ...


class PushOptions(Struct, frozen=True, kw_only=True):
    """The settings of a push."""

    #: Under which it claims jobs. The first pass releases what a dead process of that name had.
    claimer: str
    retry: RetryPolicy
    pace: Pace = NO_PACE
    #: Subscriptions that one host, or one network, may have; None: unlimited.
    subscriptions_per_host: int | None = None
    #: Whether entries that a subscriber was sent before are left out.
    only_changes: bool = False
    #: Returns a random number from 0 to 1, by which waits are extended.
    jitter: Callable[[], float] = random.random
    #: See `Member.life`: others may send, or have sent, what it claimed in an earlier one.
    life: Callable[[], int | None] = lambda: 0


class Topics(Struct, frozen=True, kw_only=True):
    """The published topics, as they can be fetched now."""

    #: Returns a topic's file; None: it is no longer published. Raises OutputError if the file can't
    #: be read at present.
    read: Callable[[str], FeedFile | None]
    #: Whether everything published can be fetched. No request is sent before.
    is_served: Callable[[], bool] = lambda: True
    #: Waits until the other processes serve what is published now. A hub may ask any of them.
    wait_until_shown: Callable[[], None] = lambda: None


class PushListener(Struct, frozen=True, kw_only=True):
    """Functions that a push calls."""

    #: With the outcome of each job that was sent, or was to be sent.
    on_outcome: Callable[[Job, JobOutcome], None] = lambda job, outcome: None
    #: Several times a second during a pass.
    on_progress: Callable[[], None] = lambda: None


#: A listener that does nothing.
QUIET = PushListener()
