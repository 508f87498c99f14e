"""The client of a request behind proxies, and reports of untrusted proxies.

Proxies name their client in `X-Forwarded-For` or in `Forwarded` (RFC 7239). Only what trusted
proxies wrote is used: those in the given networks, and any program that may connect to our Unix
socket. Strangers write anything into both headers; what they write can only name themselves.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from syndicator.model.client_keys import network_of

Network = IPv4Network | IPv6Network

#: Headers in which a proxy names its client.
FORWARDED = frozenset({b"x-forwarded-for", b"forwarded"})

#: The peer of a connection over a Unix socket: the mode of its file decides who may connect. nginx
#: writes the same into `X-Forwarded-For` for a Unix socket of its own.
UNIX_PEER = "unix:"

#: Trusted proxies that one request may pass; of a longer chain the client is unknown.
MAX_HOPS = 20

#: Characters of a `Forwarded` header that is read; of a longer one the client is unknown.
MAX_FORWARDED = 4096

#: An address with what proxies write around it: quotes, a port, and brackets around IPv6 with a
#: port (RFC 7239 §6). A port may be a name.
_NODE = re.compile(r'"?(?:\[([^]]*)\]|([0-9.]+))(?::[\w.-]+)?"?')

#: A parameter of `Forwarded` (RFC 7239 §4), a separator, or white space. Proxies also write IPv6
#: without the quotes that it needs.
_PARAMETER = re.compile(r'([\w!#$%&\'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*)|([,;])|[ \t]+')

#: A quoted pair (RFC 9110 §5.6.4).
_ESCAPED = re.compile(r"\\(.)")


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

    The header is read from its end, as far as trusted proxies wrote it. `X-Forwarded-For` decides
    if both headers are there: most proxies write it and pass a client's `Forwarded` on. So a proxy
    that writes `Forwarded` has to remove the other one.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if not trusted and peer != UNIX_PEER:  # the headers need not be read
        return network_of(peer)
    hops = _hops(scope["headers"])
    while hops and (peer == UNIX_PEER or is_in(peer, trusted)):
        peer = hops.pop()
    return network_of(peer)


def _hops(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """The clients that proxies named, from first to last, the last `MAX_HOPS` of them."""
    fields: dict[bytes, str] = {}
    for name, value in headers:
        if name in FORWARDED:  # several lines of one field are one list (RFC 9110 §5.3)
            text = value.decode("latin-1")
            fields[name] = f"{fields[name]},{text}" if name in fields else text
    if fields.get(b"x-forwarded-for"):
        hops = fields[b"x-forwarded-for"].rsplit(",", MAX_HOPS)
        return [without_port(hop.strip()) for hop in hops]
    if b"forwarded" in fields:
        hops = forwarded_for(fields[b"forwarded"])
        return hops if len(hops) <= MAX_HOPS else ["", *hops[-MAX_HOPS:]]
    return []


def forwarded_for(field: str) -> list[str]:
    """The `for` parameters of a `Forwarded` header's elements, from first to last, without ports.

    "" for an element without one. If the header is too long or malformed, [""]: a stranger's part
    may have swallowed a proxy's, by a quote that it did not close.
    """
    if len(field) > MAX_FORWARDED:
        return [""]
    hops, at = [""], 0
    while at < len(field):
        match = _PARAMETER.match(field, at)
        if match is None:
            return [""]
        at = match.end()
        if match[3] == ",":
            hops.append("")
        elif match[1] is not None and match[1].lower() == "for":
            if hops[-1]:  # at most once in an element (RFC 7239 §4)
                return [""]
            hops[-1] = without_port(_ESCAPED.sub(r"\1", match[2]))
    return hops


def without_port(node: str) -> str:
    """An address without quotes, brackets and port; other text as it is."""
    match = _NODE.fullmatch(node)
    return node.strip('"') if match is None else match[1] or match[2] or ""


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
