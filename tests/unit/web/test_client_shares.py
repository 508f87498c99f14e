"""The limit of connections for each client."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from syndicator.web.client_shares import ClientShares
from syndicator.web.connection_limits import LOOPBACK
from syndicator.web.proxies import Proxies


@dataclass(eq=False)
class FakeConnection:
    """A connection that records whether it was closed in favour of another."""

    idle: bool = False
    closed: bool = False

    def is_idle(self) -> bool:
        return self.idle

    def close(self) -> None:
        self.closed = True


def test_a_client_at_its_limit_is_refused() -> None:
    """Other clients are not; nor is it once one of its connections has ended."""
    shares, first = ClientShares(2, exempt=()), FakeConnection()
    clients = [
        shares.join(each, "192.0.2.1", Proxies())
        for each in (first, FakeConnection(), FakeConnection())
    ]
    assert clients == ["192.0.2.1", "192.0.2.1", None]
    assert shares.join(FakeConnection(), "192.0.2.2", Proxies()) == "192.0.2.2"
    shares.leave(first, "192.0.2.1")
    assert shares.join(FakeConnection(), "192.0.2.1", Proxies()) == "192.0.2.1"


def test_the_oldest_idle_connection_is_closed() -> None:
    """One that is being answered stays open."""
    shares = ClientShares(3, exempt=())
    busy = FakeConnection()
    old, young = FakeConnection(idle=True), FakeConnection(idle=True)
    for each in (busy, old, young, FakeConnection()):
        assert shares.join(each, "192.0.2.1", Proxies()) == "192.0.2.1"
    assert [each.closed for each in (busy, old, young)] == [False, True, False]
    shares.leave(old, "192.0.2.1")  # reported once more when it has ended
    young.idle = False
    assert shares.join(FakeConnection(), "192.0.2.1", Proxies()) is None


def test_an_ipv6_client_is_its_network() -> None:
    """A /64 is one customer; an IPv4 address mapped into IPv6 is that IPv4 address."""
    shares = ClientShares(1, exempt=())
    assert shares.join(FakeConnection(), "2001:db8::1", Proxies()) == "2001:db8::/64"
    assert shares.join(FakeConnection(), "2001:db8::2", Proxies()) is None
    assert shares.join(FakeConnection(), "2001:db8:0:1::1", Proxies()) == "2001:db8:0:1::/64"
    assert shares.join(FakeConnection(), "192.0.2.1", Proxies()) == "192.0.2.1"
    assert shares.join(FakeConnection(), "::ffff:192.0.2.1", Proxies()) is None


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "10.1.2.3", ""]
)
def test_exempt_clients_have_no_limit(peer: str) -> None:
    """This machine, trusted proxies, and connections without an address."""
    shares, proxies = ClientShares(1, exempt=LOOPBACK), Proxies([ip_network("10.0.0.0/8")])
    assert [shares.join(FakeConnection(), peer, proxies) for _ in range(3)] == ["", "", ""]
