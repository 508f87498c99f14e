"""Limits the connections of each client, so that none can use up all of them.

Beyond its limit, a client's oldest idle connection is closed in favour of its newest.
"""

from collections.abc import Sequence
from typing import Protocol

from syndicator.model.client_keys import network_of
from syndicator.web.proxies import Network, Proxies, is_in


class Connection(Protocol):
    """A connection, as far as its client's share is concerned."""

    def is_idle(self) -> bool: ...

    def close(self) -> None:
        """Close it in favour of a newer one."""


class ClientShares:
    """Counts the connections of each client: an IPv4 address or an IPv6 /64."""

    def __init__(self, limit: int, *, exempt: Sequence[Network]) -> None:
        """`limit` is the number of connections per client. Clients in `exempt` have no limit."""
        self._limit = limit
        self._exempt = tuple(exempt)
        self._connections: dict[str, dict[Connection, None]] = {}  # by client, oldest first

    def join(self, connection: Connection, peer: str, proxies: Proxies) -> str | None:
        """Count a new connection.

        Returns the client, to be passed to `leave`; "" if it has no limit; None if the connection
        must be refused. At its limit, a client's oldest idle connection is closed in favour of the
        new one: idle connections must not lock out other readers behind the same address. If none
        is idle, the new one is refused.
        """
        client = network_of(peer)
        if not client or is_in(peer, self._exempt) or proxies.trusts(peer):
            return ""
        connections = self._connections.setdefault(client, {})
        if len(connections) >= self._limit:
            idle = next((other for other in connections if other.is_idle()), None)
            if idle is None:
                return None
            del connections[idle]
            idle.close()
        connections[connection] = None
        return client

    def leave(self, connection: Connection, client: str) -> None:
        """Stop counting a connection that has ended."""
        connections = self._connections.get(client)
        if connections is not None:
            connections.pop(connection, None)
            if not connections:
                del self._connections[client]
