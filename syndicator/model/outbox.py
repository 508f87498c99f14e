"""The values that flow from what is owed to a request on the wire, and back: what became of it.

Like those of `model`: frozen, keyword-only, aware UTC datetimes.
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
    """What is owed to whom."""

    PING = "ping"  #: tell a hub that a topic changed
    VERIFY = "verify"  #: ask a callback whether it meant to subscribe or unsubscribe
    DELIVER = "deliver"  #: send a topic's current bytes to a callback
    DENY = "deny"  #: tell a callback that its subscription ended


def queued_by_kind(counts: Mapping[tuple[JobKind, str], int]) -> Counter[JobKind]:
    """How many debts of each kind are still to be paid: not those given up. `counts`: by kind and state."""
    found: Counter[JobKind] = Counter()
    for (kind, state), number in counts.items():
        if state != "gave up":
            found[kind] += number
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A debt: one request that must arrive, tried until it does or the retries are used up."""

    id: int
    kind: JobKind
    target: str  #: a hub's URL, or a callback's
    topic: str  #: the feed file's URL
    attempts: int  #: made so far
    since: datetime  #: when the oldest change not yet told of was made
    due: datetime  #: not to be tried before
    #: Whose turn it takes: a hub's host and port, a callback's network or host.
    host: str = field(default="", compare=False)
    detail: Mapping[str, Any] = field(
        default_factory=dict
    )  #: what a kind needs besides (a lease, a mode)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request, decided and not yet made."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stranger: bool = (
        False  #: True: the address is a stranger's word, and is held to the rules for those
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What became of a request. No answer at all is an answer too: `status` is None and `error` says why."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)  #: names in lower case
    body: bytes = b""  #: its first few KiB
    error: str | None = None  #: in words, for the operator; None: a response came
    #: True: it was not made, since strangers may not name its address; or its answer is too large.
    refused: bool = False
    stopped: bool = (
        False  #: True: we stopped while it was under way; it says nothing of the other side
    )
    seconds: float = 0.0
    too_large: bool = False  #: True: the answer was read no further than its limit
    peer: str | None = None  #: the IP address of the connection that was used; None: there was none

    @property
    def succeeded(self) -> bool:
        """Any 2xx: of pings 200, 202, 204 and 207 are all in use."""
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
    """A verified wish of a callback to be sent a topic until its lease ends."""

    topic: str
    callback: str
    secret: (
        bytes | None
    )  #: what deliveries are signed with (W3C WebSub §8); None: they are not signed
    expires: datetime
    since: datetime
    # What deliveries came to; the terms above make the subscription.
    network: str | None = field(
        default=None, compare=False
    )  #: of the address last connected to, see `network_of`
    failures: int = field(default=0, compare=False)  #: delivery attempts in a row that failed
    failing: datetime | None = field(
        default=None, compare=False
    )  #: when the first of these failed; None: none did


@lru_cache(maxsize=4096)  # asked for each answer
def network_of(address: str) -> str:
    """What limits count an IP address as: itself, or the /64 of an IPv6 address; "": it is not an IP address."""
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
    """What limits count the host of a URL as: one spelling for each host, whatever the port; "": it has none."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return network_of(host) or host


def queue_key(callback: str, name: str) -> str:
    """Whose turn a request to a callback takes, whose network or host is `name`.

    A public address has one turn for all of its ports: they cost it nothing. Any other was named by the operator
    (`hub.allow_private`), and may be a machine with several services: each port has a turn of its own.
    """
    return f"{name}:{urlsplit(callback).port or ''}" if _is_own(name) else name


@lru_cache(maxsize=4096)  # asked for each request
def _is_own(name: str) -> bool:
    try:
        return not ip_network(name).is_global
    except ValueError:  # a host
        return False
