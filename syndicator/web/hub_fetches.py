"""Detects hubs that fetch a feed after a ping: a hub's 2xx to the ping doesn't prove that it does.

A client counts as a pinged hub if its address is the one that the pings went to, or if its
User-Agent names the hub's host, as PubSubHubbub asks of hubs.

Limits: a fetch shows that the hub has the new bytes, not that it sent them to subscribers. A hub
is not detected if it fetches from another address under another name, or from a web server or
cache in front of this one. Hub and readers on one machine look alike, unless a trusted proxy
names them. Pages of archives, which no ping is about, count as well.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import Scope

from syndicator.model.client_keys import network_of
from syndicator.web.catalogue import OnRequest
from syndicator.web.prepared_responses import FEEDS
from syndicator.web.proxies import Network, client_of

#: Seconds within which further fetches of a hub count as the same visit.
_VISIT = 1.0

#: First labels of a host that name its role. Its User-Agent may contain the rest only.
_ROLES = frozenset({"hub", "push", "pubsub", "pubsubhubbub", "websub"})

#: Hubs with a User-Agent of their own (https://developers.google.com/crawling/docs/crawlers-fetchers/).
_AGENTS = {"pubsubhubbub.appspot.com": b"feedfetcher-google"}


class HubFetches:
    """Calls `on_fetch` with a hub's URL when the hub fetches a feed.

    `peers` returns, by a hub's host, the address that its pings last went to.
    """

    def __init__(
        self,
        hubs: Iterable[str],
        *,
        peers: Callable[[], Mapping[str, str]],
        on_fetch: Callable[[str], None],
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hubs = [(hub, _hostname(hub), agent_of(_hostname(hub))) for hub in hubs]
        self._peers = peers
        self._on_fetch = on_fetch
        self._trusted = trusted
        self._clock = clock
        self._last = {hub: -_VISIT for hub, _, _ in self._hubs}
        self._named = lru_cache(maxsize=1024)(self._names)  # readers use few distinct User-Agents

    def watching(self, count: OnRequest) -> OnRequest:
        """Wrap `count` so that hubs are detected, too. Returns `count` itself without hubs."""
        if not self._hubs:
            return count

        def watch(status: int, format: str, scope: Scope) -> None:
            count(status, format, scope)
            if format in FEEDS and status in (200, 304):
                self._detect(scope)

        return watch

    def _detect(self, scope: Scope) -> None:
        agent = b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
        peer = client_of(scope, self._trusted)
        for hub, host, named in self._named(agent):
            if named or (peer and network_of(self._peers().get(host, "")) == peer):
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
    """The part of a hub's host that its User-Agent contains, in lower case."""
    role, _, rest = host.partition(".")
    return _AGENTS.get(host) or (rest if role in _ROLES and "." in rest else host).encode()
