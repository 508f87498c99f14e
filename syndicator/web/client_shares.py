"""A share of the connections for each client, so that none takes the places of all others."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Protocol

from syndicator.model.outbox import network_of
from syndicator.web.poll_limit import Network, is_in
from syndicator.web.proxies import Proxies

#: Clients without a share: a proxy or a tunnel on this machine stands for many readers.
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Connection(Protocol):
    """What the shares have to know of a connection."""

    def is_idle(self) -> bool: ...

    def give_up(self) -> None: ...


class ClientShares:
    """Counts the connections of each client: an IPv4 address or an IPv6 /64."""

    def __init__(self, most: int, *, apart: Sequence[Network] = LOOPBACK) -> None:
        self._most = most
        self._apart = tuple(apart)
        self._held: dict[str, dict[Connection, None]] = {}  # the oldest connection first

    def join(self, connection: Connection, peer: str, proxies: Proxies) -> str | None:
        """Count a new connection. Returns the client to `leave` as; "": it has no share.

        A client over its share loses its oldest idle connection to the new one: whoever holds
        connections open must not lock out others behind the same address. None: none is idle.
        """
        client = network_of(peer)
        if not client or is_in(peer, self._apart) or proxies.trusts(peer):
            return ""
        held = self._held.setdefault(client, {})
        if len(held) >= self._most:
            idle = next((other for other in held if other.is_idle()), None)
            if idle is None:
                return None
            del held[idle]
            idle.give_up()
        held[connection] = None
        return client

    def leave(self, connection: Connection, client: str) -> None:
        held = self._held.get(client)
        if held is not None:
            held.pop(connection, None)
            if not held:
                del self._held[client]
