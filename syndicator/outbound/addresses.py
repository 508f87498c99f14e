"""Addresses and ports that requests may go to: the operator's URLs anywhere, strangers' not.

ssrfguard decides, by a table that is stricter than its own: not whether an address is on the
Internet, but whether a subscriber can have it.
"""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import urlsplit

from ssrfguard import DEFAULT_DENIED, AddressTable, Block, Policy, Reach, SSRFGuardError

#: Addresses of a name that are tried. Each takes its share of the timeout, so this keeps the whole
#: in it.
ADDRESSES = 2

#: Ports that browsers refuse: other protocols are spoken there, and some servers of these take an
#: HTTP request for commands. The "bad ports" of the Fetch standard, all of them.
BLOCKED_PORTS = frozenset(
    int(port)
    for port in """
    0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111
    113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540
    548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000
    6566 6665 6666 6667 6668 6669 6679 6697 10080
    """.split()
)

#: Where they are listed.
BLOCKED_BY = "https://fetch.spec.whatwg.org/#port-blocking"

_PORTS = frozenset(range(1, 65536))

#: Addresses that no subscriber has: IANA's special-purpose blocks, without exception. Anycast
#: services (PCP, TURN, AS112, AMT) are answered by the nearest machine, which may be the operator's
#: own router; 6to4, Teredo and NAT64 addresses carry another address; ORCHIDs and DETs are
#: identifiers. Of IPv6, IANA assigns hosts addresses in 2000::/3 only
#: (https://www.iana.org/assignments/ipv6-address-space/).
_NO_SUBSCRIBER = AddressTable(
    (
        *(replace(block, reach=Reach.DENIED) for block in DEFAULT_DENIED.blocks),
        Block(ip_network("::/0"), "not Global Unicast", "RFC4291", Reach.DENIED),
        Block(ip_network("2000::/3"), "Global Unicast", "RFC4291", Reach.PERMITTED),
    )
)


def anywhere() -> Policy:
    """What the operator's own URLs may name: any address and any port."""
    return Policy(
        denied_networks=AddressTable(()),
        allowed_ports=_PORTS,
        allow_userinfo=True,
        max_connection_attempts=ADDRESSES,
    )


def public(allow_private: Sequence[str]) -> Policy:
    """What strangers' URLs may name. `allow_private`: networks that are open to them all the same.

    Raises ValueError for a network that would open more than it says: ssrfguard refuses those that
    carry IPv4 addresses inside them, and knows them by its own table.
    """
    opened = Policy(
        allowed_networks=tuple(allow_private),  # type: ignore[arg-type]  # it takes text as well
    ).allowed_networks
    return Policy(
        denied_networks=_NO_SUBSCRIBER,
        allowed_networks=opened,
        allowed_ports=_PORTS - BLOCKED_PORTS,
        max_connection_attempts=ADDRESSES,
    )


def check_port(port: int) -> None:
    """Refuse to connect to a blocked port.

    Asked before the policy is, whose refusal of a port lists all the others. Raises SSRFGuardError.
    """
    if port in BLOCKED_PORTS:
        raise SSRFGuardError(f"port {port} is blocked")


def refusal(url: str, policy: Policy) -> str | None:
    """Why a policy refuses a URL, without looking its name up; None: it may be allowed."""
    try:
        if (port := urlsplit(url).port) in BLOCKED_PORTS:
            return f"is at port {port}, which browsers refuse too ({BLOCKED_BY})"
        policy.check_url(url)
    except (SSRFGuardError, ValueError):
        return "is not at a public address"
    return None
