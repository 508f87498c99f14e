"""Allowed addresses and ports: any for the operator's URLs, public ones for strangers' URLs.

ssrfguard enforces it, with a stricter table than its own: an address must not only be on the
Internet, but one that a subscriber can have.
"""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import urlsplit

from ssrfguard import DEFAULT_DENIED, AddressTable, Block, Policy, Reach, SSRFGuardError

#: Addresses of a name that are tried. They share the timeout.
ADDRESSES = 2

#: Ports that browsers block: some servers of other protocols would execute an HTTP request as
#: commands. All "bad ports" of the Fetch standard.
BLOCKED_PORTS = frozenset(
    int(port)
    for port in """
    0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111
    113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540
    548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000
    6566 6665 6666 6667 6668 6669 6679 6697 10080
    """.split()
)

#: The list of these ports, for error messages.
BLOCKED_BY = "https://fetch.spec.whatwg.org/#port-blocking"

#: Addresses that no subscriber has: all of IANA's special-purpose blocks. Anycast services (PCP,
#: TURN, AS112, AMT) are answered by the nearest machine, which may be the operator's own router.
#: 6to4, Teredo and NAT64 addresses contain another address. ORCHIDs and DETs are identifiers. Of
#: IPv6, IANA assigns hosts addresses in 2000::/3 only
#: (https://www.iana.org/assignments/ipv6-address-space/).
_NO_SUBSCRIBER = AddressTable(
    (
        *(replace(block, reach=Reach.DENIED) for block in DEFAULT_DENIED.blocks),
        Block(ip_network("::/0"), "not Global Unicast", "RFC4291", Reach.DENIED),
        Block(ip_network("2000::/3"), "Global Unicast", "RFC4291", Reach.PERMITTED),
    )
)


def anywhere(port: int | None) -> Policy:
    """The policy for the operator's own URLs with a port (see `with_port`): any address."""
    policy = Policy(
        denied_networks=AddressTable(()),
        allow_userinfo=True,
        max_connection_attempts=ADDRESSES,
    )
    return with_port(policy, port)


def with_port(policy: Policy, port: int | None) -> Policy:
    """The policy for URLs with a port; None: with their scheme's.

    A policy has the set of its ports: one of all ports takes 4 MB, and 20 ms to make.
    """
    return policy if port is None else replace(policy, allowed_ports=frozenset({port}))


def public(allow_private: Sequence[str]) -> Policy:
    """The policy for strangers' URLs: public addresses, and the networks in `allow_private`.

    Their ports are for `check_port` and `with_port`.
    Raises ValueError for a network that would allow more than it names: ssrfguard refuses networks
    that contain IPv4 addresses (such as NAT64), by its own table.
    """
    allowed = Policy(
        allowed_networks=tuple(allow_private),  # type: ignore[arg-type]  # text is accepted, too
    ).allowed_networks
    return Policy(
        denied_networks=_NO_SUBSCRIBER,
        allowed_networks=allowed,
        max_connection_attempts=ADDRESSES,
    )


def check_port(port: int) -> None:
    """Raise SSRFGuardError for a blocked port."""
    if port in BLOCKED_PORTS:
        raise SSRFGuardError(f"port {port} is blocked")


def refusal(url: str, policy: Policy) -> str | None:
    """Why a policy refuses a URL, without a DNS lookup; None if it doesn't so far."""
    try:
        if (port := urlsplit(url).port) in BLOCKED_PORTS:
            return f"uses port {port}, which browsers block ({BLOCKED_BY})"
        with_port(policy, port).check_url(url)
    except (SSRFGuardError, ValueError):
        return "is not at a public address"
    return None
