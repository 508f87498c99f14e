"""The proxies in front: their networks, and a notice when one of them is not configured."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from syndicator.web.poll_limit import Network, address_of, is_in

#: Headers in which a proxy names its client.
FORWARDED = frozenset({b"x-forwarded-for", b"forwarded"})


class Proxies:
    """Tells `on_unnamed` the address of a proxy that is not `trusted`: one public, one private.

    Anyone can send the header, and the forward proxies of offices do. A stranger must neither fill
    the log with it nor keep a proxy on our own network from being reported.
    """

    def __init__(
        self,
        trusted: Sequence[Network] = (),
        *,
        on_unnamed: Callable[[str], None] = lambda _peer: None,
    ) -> None:
        self.trusts = lru_cache(maxsize=1024)(lambda peer: is_in(peer, trusted))
        self._on_unnamed = on_unnamed
        self._told: set[bool] = set()

    def see(self, peer: str) -> None:
        """A request with one of `FORWARDED` came from this address."""
        if False in self._told or self.trusts(peer):
            return
        address = address_of(peer)
        if address is not None and (public := address.is_global) not in self._told:
            self._told.add(public)
            self._on_unnamed(str(address))
