"""The share of the connections that each client has."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest

from syndicator.web.client_shares import ClientShares
from syndicator.web.proxies import Proxies


@dataclass(eq=False)
class Held:
    """A connection that is idle or not, and may be given up."""

    idle: bool = False
    given_up: bool = False

    def is_idle(self) -> bool:
        return self.idle

    def give_up(self) -> None:
        self.given_up = True


def test_a_client_that_has_its_share_gets_no_more() -> None:
    """Others do, and so does it when one of its connections has ended."""
    shares, first = ClientShares(2, apart=()), Held()
    assert [shares.join(each, "192.0.2.1", Proxies()) for each in (first, Held(), Held())] == [
        "192.0.2.1",
        "192.0.2.1",
        None,
    ]
    assert shares.join(Held(), "192.0.2.2", Proxies()) == "192.0.2.2"
    shares.leave(first, "192.0.2.1")
    assert shares.join(Held(), "192.0.2.1", Proxies()) == "192.0.2.1"


def test_the_oldest_idle_connection_makes_room() -> None:
    """One that is being answered stays."""
    shares = ClientShares(3, apart=())
    busy, old, young = Held(), Held(idle=True), Held(idle=True)
    for each in (busy, old, young, Held()):
        assert shares.join(each, "192.0.2.1", Proxies()) == "192.0.2.1"
    assert [each.given_up for each in (busy, old, young)] == [False, True, False]
    shares.leave(old, "192.0.2.1")  # its end is noticed later, and counts once
    young.idle = False
    assert shares.join(Held(), "192.0.2.1", Proxies()) is None


def test_an_ipv6_client_is_its_network() -> None:
    """A /64 is one customer; an IPv4 address that came over IPv6 is that IPv4 address."""
    shares = ClientShares(1, apart=())
    assert shares.join(Held(), "2001:db8::1", Proxies()) == "2001:db8::/64"
    assert shares.join(Held(), "2001:db8::2", Proxies()) is None
    assert shares.join(Held(), "2001:db8:0:1::1", Proxies()) == "2001:db8:0:1::/64"
    assert shares.join(Held(), "192.0.2.1", Proxies()) == "192.0.2.1"
    assert shares.join(Held(), "::ffff:192.0.2.1", Proxies()) is None


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "10.1.2.3", ""]
)
def test_whoever_stands_for_many_has_no_share(peer: str) -> None:
    """This machine, trusted proxies, and what has no address."""
    shares = ClientShares(1)
    assert [shares.join(Held(), peer, Proxies([ip_network("10.0.0.0/8")])) for _ in range(3)] == [
        "",
        "",
        "",
    ]
