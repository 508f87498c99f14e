"""The client of a request behind proxies (`X-Forwarded-For`), and reports of untrusted proxies."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from syndicator.model.client_keys import network_of

Network = IPv4Network | IPv6Network

#: Headers in which a proxy names its client.
FORWARDED = frozenset({b"x-forwarded-for", b"forwarded"})


class Proxies:
    """Reports proxies that are not `trusted` to `on_untrusted`: one public and one private address.

    Anyone can send the header, and forward proxies of offices do. Strangers must neither flood the
    log with it nor keep a proxy on our own network from being reported.
    """

    def __init__(
        self,
        trusted: Sequence[Network] = (),
        *,
        on_untrusted: Callable[[str], None] = lambda _peer: None,
    ) -> None:
        self.trusts = lru_cache(maxsize=1024)(lambda peer: is_in(peer, trusted))
        self._on_untrusted = on_untrusted
        self._reported: set[bool] = set()  # True: a public address was reported; False: a private

    def report_if_untrusted(self, peer: str) -> None:
        """Report the sender of a request with one of the headers in `FORWARDED`, if not trusted."""
        if False in self._reported or self.trusts(peer):
            return
        address = address_of(peer)
        if address is not None and (public := address.is_global) not in self._reported:
            self._reported.add(public)
            self._on_untrusted(str(address))


def client_of(scope: Scope, trusted: Sequence[Network]) -> str:
    """The client of a request: an IPv4 address or an IPv6 /64 (see `network_of`); "" if unknown.

    `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if not trusted:  # the headers need not be read
        return network_of(peer)
    lines = [
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    ]
    hops = [hop.strip() for hop in ",".join(lines).split(",")] if lines else []
    while hops and is_in(peer, trusted):
        peer = hops.pop()
    return network_of(peer)


def is_in(peer: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; False if the text is not an address."""
    address = address_of(peer)
    return address is not None and any(address in network for network in networks)


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address. One mapped into IPv6 becomes IPv4. None if the text is not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
