"""The values of a push: Job, Request, Response, JobOutcome and Subscription.

They are frozen and keyword-only, with aware UTC datetimes.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit


class JobKind(StrEnum):
    """Which request a job sends."""

    PING = "ping"  #: notify a hub that a topic changed
    VERIFY = "verify"  #: confirm a subscription or its end with the callback
    DELIVER = "deliver"  #: send a topic's current bytes to a callback
    DENY = "deny"  #: notify a callback that its subscription ended


def queued_by_kind(counts: Mapping[tuple[JobKind, str], int]) -> Counter[JobKind]:
    """The number of jobs of each kind that are queued or claimed. `counts`: by kind and state."""
    queued: Counter[JobKind] = Counter()
    for (kind, state), number in counts.items():
        if state != "gave up":
            queued[kind] += number
    return queued


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A request in the outbox, sent until it succeeds or its retries are used up."""

    id: int
    kind: JobKind
    target: str  #: a hub's URL, or a callback's
    topic: str  #: the feed file's URL
    attempts: int  #: made so far
    since: datetime  #: of the oldest change that the target was not notified of
    due: datetime  #: not sent before this
    #: Its queue for fairness: a hub's host and port, a callback's network or host.
    host: str = field(default="", compare=False)
    #: Further values of a kind (a lease, a mode).
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request, not yet sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: True: a third party chose the URL, so its address is checked.
    stranger: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """The response to a request. Without one, `status` is None and `error` gives the reason."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)  #: names in lower case
    body: bytes = b""  #: its first few KiB
    error: str | None = None  #: text for the operator; None: a response arrived
    #: True: not sent, as third parties may not choose this address; or the response is too large.
    refused: bool = False
    #: True: we stopped before it ended, which is not a failure of the target.
    stopped: bool = False
    seconds: float = 0.0
    too_large: bool = False  #: True: the response was read only up to its limit
    peer: str | None = None  #: the IP address of the connection; None: there was none

    @property
    def succeeded(self) -> bool:
        """Any 2xx: hubs answer pings with 200, 202, 204 and 207."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOutcome:
    """The outcome of a claimed job: done, to be retried, or given up."""

    job: Job
    done: bool = False
    retry_at: datetime | None = None  #: None and not done: given up
    not_before: datetime | None = None  #: as the target's Retry-After asks; None: it has none
    attempted: bool = True  #: False: no request was sent, so no attempt is counted
    error: str | None = None  #: why it failed, as text; None: it is done or was not attempted


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A verified subscription of a callback to a topic, until its lease ends."""

    topic: str
    callback: str
    secret: bytes | None  #: signs deliveries (W3C WebSub §8); None: they are not signed
    expires: datetime
    since: datetime
    # The fields below record deliveries; the fields above make the subscription.
    #: `network_of` the address last connected to; None: never connected.
    network: str | None = field(default=None, compare=False)
    failures: int = field(default=0, compare=False)  #: failed delivery attempts in a row
    #: When the first of these failed; None: none did.
    failing: datetime | None = field(default=None, compare=False)


@lru_cache(maxsize=4096)  # called for each response
def network_of(address: str) -> str:
    """The key under which limits count an IP address.

    An IPv4 address, or the /64 of an IPv6 address; "": it is not an IP address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def host_name(url: str) -> str:
    """The key under which limits count the host of a URL; "": the URL has no host.

    Every spelling and port of a host has the same key.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return network_of(host) or host


def queue_key(callback: str, name: str) -> str:
    """The fair queue for requests to a callback whose network or host is `name`.

    A public address has one queue for all of its ports, because ports are free. Other addresses
    are allowed by the operator (`hub.allow_private`) and may run several services, so each port has
    a queue of its own.
    """
    return f"{name}:{urlsplit(callback).port or ''}" if _is_private(name) else name


@lru_cache(maxsize=4096)  # called for each request
def _is_private(name: str) -> bool:
    try:
        return not ip_network(name).is_global
    except ValueError:  # a host name
        return False
