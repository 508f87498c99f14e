"""The limit on bad pollers: who takes the same unchanged bytes again and again, without asking whether they changed.

A good client is never counted: not for a 304, not for any conditional request, not for bytes it has not had.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil

from starlette.types import Scope

from syndicator.model.outbox import network_of

Network = IPv4Network | IPv6Network

#: Clients remembered, the longest unseen forgotten first: some 10 MB at most.
_REMEMBERED = 20_000

_HOUR = 3600.0


@dataclass(slots=True)
class _Repeats:
    etag: bytes
    since: float
    count: int


class PollLimiter:
    """Counts full answers of the same bytes to one client at one path, for an hour from the first."""

    def __init__(
        self,
        per_hour: int,
        *,
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_hour = per_hour
        self._trusted = tuple(trusted)
        self._clock = clock
        self._seen: OrderedDict[tuple[str, int, str], _Repeats] = OrderedDict()

    def wait(self, scope: Scope, etag: bytes) -> int | None:
        """Count an unconditional GET that would be sent the bytes of `etag`. The seconds that this client has
        to wait for them; None: it may have them.
        """
        now = self._clock()
        # Readers behind one address are told apart by their names, so that none pays for its neighbour.
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        key = (client(scope, self._trusted), hash(agent), scope["path"])
        seen = self._seen.get(key)
        if seen is None or seen.etag != etag or now - seen.since >= _HOUR:
            seen = self._seen[key] = _Repeats(etag, now, 0)
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        seen.count += 1
        return None if seen.count <= self._per_hour else ceil(seen.since + _HOUR - now)


def client(scope: Scope, trusted: Sequence[Network]) -> str:
    """Who asks. What `X-Forwarded-For` says counts as far as trusted proxies wrote it, read from its end.

    An IPv6 client has a /64 to itself, and is named by it.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    lines = [
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    ]
    hops = [hop.strip() for hop in ",".join(lines).split(",")] if lines else []
    while hops and is_in(peer, trusted):
        peer = hops.pop()
    return network_of(peer)


def is_in(peer: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks. Text that is not an address is in none."""
    address = address_of(peer)
    return address is not None and any(address in network for network in networks)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a text, IPv4 where it is mapped into IPv6; None: there is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
