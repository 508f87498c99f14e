"""The values of a push: Job and its detail, Request, Response, JobOutcome and Subscription.

They are frozen and keyword-only, with aware UTC datetimes.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct, field


class JobKind(StrEnum):
    """Which request a job sends."""

    PING = "ping"
    VERIFY = "verify"
    DELIVER = "deliver"
    DENY = "deny"


class JobState(StrEnum):
    """Where a job in the outbox stands. A job that is done is deleted."""

    WAITING = "waiting"  #: queued, and sent when it is due
    CLAIMED = "claimed"  #: a process sends it
    GAVE_UP = "gave up"  #: without retries left, until the next change queues it again


#: Singular and plural of what each kind of job sends.
JOB_NOUNS: Mapping[str, tuple[str, str]] = {
    JobKind.PING: ("ping", "pings"),
    JobKind.VERIFY: ("verification", "verifications"),
    JobKind.DELIVER: ("delivery", "deliveries"),
    JobKind.DENY: ("denial", "denials"),
}


def queued_by_kind(counts: Mapping[tuple[JobKind, JobState], int]) -> Counter[JobKind]:
    """The number of jobs of each kind that are queued or claimed. `counts`: by kind and state."""
    queued: Counter[JobKind] = Counter()
    for (kind, state), number in counts.items():
        if state is not JobState.GAVE_UP:
            queued[kind] += number
    return queued


class Mode(StrEnum):
    """What a callback confirms: the `hub.mode` of a request (W3C WebSub §5.1)."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Ping(Struct, frozen=True):
    """Notifies a hub that a topic changed."""

    kind: ClassVar = JobKind.PING


class Verification(Struct, frozen=True, kw_only=True):
    """Has a callback confirm a request to subscribe or unsubscribe."""

    kind: ClassVar = JobKind.VERIFY
    mode: Mode
    topic: str  #: as the request named it; the job has the URL that the feed itself names
    lease: int = 0  #: seconds that are granted; 0: none, since it unsubscribes
    secret: bytes | None = None  #: signs deliveries (§8); None: they are not signed
    #: Digest of the topic when the request arrived. A new subscriber gets a delivery if the topic
    #: changed since. None: unknown, so it gets none.
    had: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """Sends a topic's current bytes to a callback."""

    kind: ClassVar = JobKind.DELIVER
    #: Digest of the bytes that the callback has already; None: unknown. See `Verification.had`.
    had: str | None = None


class Denial(Struct, frozen=True, kw_only=True):
    """Notifies a callback that it is not, or no longer, subscribed."""

    kind: ClassVar = JobKind.DENY
    topic: str | None = None  #: as the request named it; None: as the job does
    reason: str | None = None  #: for the subscriber; None: none is given


#: What a job does.
JobDetail = Ping | Verification | Delivery | Denial


class Job(Struct, frozen=True, kw_only=True):
    """A request in the outbox, sent until it succeeds or its retries are used up."""

    id: int | None  #: None: a delivery of a sweep, which has no row unless it fails
    detail: JobDetail
    target: str  #: a hub's URL, or a callback's
    topic: str  #: the feed file's URL
    attempts: int  #: made so far
    since: datetime  #: of the oldest change that the target was not notified of
    due: datetime  #: not sent before this
    #: Its queue for fairness: a hub's host and port, a callback's network or host.
    host: str = ""
    #: Of a delivery of a sweep, the number of its page, see `store.claimed_pages`; None: of none.
    page: int | None = None

    @property
    def kind(self) -> JobKind:
        return self.detail.kind


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request, not yet sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: True: a third party chose the URL, so its address is checked.
    stranger: bool = False
    #: Bytes of the response's body that are read; None: the first few KiB.
    body_limit: int | None = None
    #: Requests of one share count together where they must leave something for others.
    share: str = ""


class Response(Struct, frozen=True, kw_only=True):
    """The response to a request. Without one, `status` is None and `error` gives the reason."""

    status: int | None
    #: The first few KiB of them, with names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""  #: its first few KiB, or as the request asked
    error: str | None = None  #: text for the operator; None: a response arrived
    #: True: not sent, as third parties may not choose this address; or the response is too large.
    refused: bool = False
    #: True: we stopped before it ended, which is not a failure of the target.
    stopped: bool = False
    too_large: bool = False  #: True: the response was read only up to its limit
    peer: str | None = None  #: the IP address of the connection; None: there was none

    @property
    def succeeded(self) -> bool:
        """Any 2xx: hubs answer pings with 200, 202, 204 and 207."""
        return self.status is not None and 200 <= self.status < 300


class Done(Struct, frozen=True, kw_only=True):
    """Nothing is left to send: the job is deleted."""

    error: str | None = None  #: why a callback did not confirm; None: the request succeeded


class Retry(Struct, frozen=True, kw_only=True):
    """The request failed, and is sent again."""

    at: datetime
    error: str
    not_before: datetime | None = None  #: as the target's Retry-After asks; None: it has none


class GaveUp(Struct, frozen=True, kw_only=True):
    """The request failed, and no retries are left. The next change queues the job again."""

    error: str
    not_before: datetime | None = None  #: see `Retry`; it holds for the next change too


class Released(Struct, frozen=True, kw_only=True):
    """No request was sent, or we stopped it: the job stays queued, and no attempt is counted."""

    until: datetime | None = None  #: not due before this; None: due as before
    not_before: datetime | None = None  #: see `Retry`
    was_sent: bool = False  #: whether we stopped a request, which may have arrived


#: What became of a job, apart from the job itself.
JobOutcome = Done | Retry | GaveUp | Released


def was_sent(outcome: JobOutcome) -> bool:
    """Whether a request was sent, which may have arrived."""
    return not isinstance(outcome, Released) or outcome.was_sent


class Subscription(Struct, frozen=True, kw_only=True):
    """A verified subscription of a callback to a topic, until its lease ends."""

    topic: str
    callback: str
    secret: bytes | None  #: signs deliveries (W3C WebSub §8); None: they are not signed
    expires: datetime
    since: datetime
    # The fields below record deliveries; the fields above make the subscription.
    #: `network_of` the address last connected to; None: never connected.
    network: str | None = None
    failures: int = 0  #: failed delivery attempts in a row
    #: When the first of these failed; None: none did.
    failing: datetime | None = None
    #: When the last delivery arrived or failed; None: there was none.
    attempted: datetime | None = None
