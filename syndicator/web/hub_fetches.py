"""Seeing hubs come for what they were told of: they answer 2xx to a ping whatever they do then.

A client is taken for a hub that was pinged when its address is the one the pings went to, or when its
User-Agent names the hub's host, as PubSubHubbub asked hubs to do. That it came says that someone there has the
new bytes, not that subscribers were sent them; and a hub that fetches from elsewhere, under another name, or
from a web server or cache in front of this one, isn't seen. Where hub and readers are on one machine, behind no
trusted proxy, all of them look alike.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Scope

from syndicator.model.outbox import network_of
from syndicator.web.catalogue import OnRequest
from syndicator.web.poll_limit import Network, client
from syndicator.web.prepared_responses import FEEDS

#: Seconds within which a hub that comes again is the same visit.
_VISIT = 1.0

#: First labels that only say what a host is: its User-Agent may name the rest.
_ROLES = frozenset({"hub", "push", "pubsub", "pubsubhubbub", "websub"})

#: Hubs that come under a name of their own (https://developers.google.com/crawling/docs/crawlers-fetchers/).
_AGENTS = {"pubsubhubbub.appspot.com": b"feedfetcher-google"}


class HubFetches:
    """Tells of hubs that come. `peers` has, by a hub's host, the address that its pings last went to."""

    def __init__(
        self,
        hubs: Iterable[str],
        *,
        peers: Mapping[str, str],
        on_fetch: Callable[[str], None],
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hubs = [(hub, _hostname(hub), agent_of(_hostname(hub))) for hub in hubs]
        self._peers, self._on_fetch, self._trusted, self._clock = peers, on_fetch, trusted, clock
        self._last = {hub: -_VISIT for hub, _, _ in self._hubs}
        self._named = lru_cache(maxsize=1024)(self._names)  # readers have few names between them

    def watching(self, count: OnRequest) -> OnRequest:
        """What counts requests, and sees who makes them. As it was where no hub is told of anything."""
        if not self._hubs:
            return count

        def watch(status: int, format: str, scope: Scope) -> None:
            count(status, format, scope)
            if format in FEEDS and status in (200, 304):
                self._see(scope)

        return watch

    def _see(self, scope: Scope) -> None:
        agent = b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
        who = client(scope, self._trusted) if self._trusted else network_of(scope["client"][0])
        for hub, host, named in self._named(agent):
            if named or (who and network_of(self._peers.get(host, "")) == who):
                now = self._clock()
                if now - self._last[hub] >= _VISIT:
                    self._last[hub] = now
                    self._on_fetch(hub)

    def _names(self, agent: bytes) -> list[tuple[str, str, bool]]:
        """Each hub, its host, and whether a User-Agent names it."""
        return [(hub, host, word in agent.lower()) for hub, host, word in self._hubs]


def _hostname(hub: str) -> str:
    return urlsplit(hub).hostname or hub


def agent_of(host: str) -> bytes:
    """The words, in lower case, by which a hub's User-Agent gives its host away."""
    role, _, rest = host.partition(".")
    return _AGENTS.get(host) or (rest if role in _ROLES and "." in rest else host).encode()
