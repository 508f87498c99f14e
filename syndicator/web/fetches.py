"""Seeing hubs come for what they were told of: they answer 2xx to a ping whatever they do then.

A client is taken for a hub that was pinged when its address is the one the pings went to, or when its
User-Agent names the hub's host, as PubSubHubbub asked hubs to do. That it came says that someone there has the
new bytes, not that subscribers were sent them; and a hub that fetches from elsewhere, under another name, or
from a web server or cache in front of this one, isn't seen. Where hub and readers are on one machine, behind no
trusted proxy, all of them look alike.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from starlette.types import Scope

from syndicator.web.answers import FEEDS
from syndicator.web.feeds import OnRequest
from syndicator.web.limiter import Network, client, name_of

#: Seconds within which a hub that comes again is the same visit.
_VISIT = 1.0

#: First labels that only say what a host is: its User-Agent may name the rest.
_ROLES = frozenset({"hub", "push", "pubsub", "pubsubhubbub", "websub"})

#: Hubs that come under a name of their own (https://developers.google.com/crawling/docs/crawlers-fetchers/).
_AGENTS = {"pubsubhubbub.appspot.com": b"feedfetcher-google"}


class Fetches:
    """Tells of hubs that come. `address` gives where a hub's pings last went; None: there was none yet."""

    def __init__(
        self,
        hubs: Iterable[str],
        *,
        address: Callable[[str], str | None],
        on_fetch: Callable[[str], None],
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agents = {hub: agent_of(hub) for hub in hubs}
        self._address, self._on_fetch, self._trusted, self._clock = address, on_fetch, trusted, clock
        self._last = dict.fromkeys(self._agents, -_VISIT)

    def watching(self, count: OnRequest) -> OnRequest:
        """What counts requests, and sees who makes them. As it was where no hub is told of anything."""
        if not self._agents:
            return count

        def watch(status: int, format: str, scope: Scope) -> None:
            count(status, format, scope)
            if format in FEEDS and status in (200, 304):
                self._see(scope)

        return watch

    def _see(self, scope: Scope) -> None:
        now = self._clock()
        waiting = [hub for hub, last in self._last.items() if now - last >= _VISIT]
        if not waiting:
            return
        who = client(scope, self._trusted)
        agent = next((value.lower() for name, value in scope["headers"] if name == b"user-agent"), b"")
        for hub in waiting:
            address = self._address(hub)
            if self._agents[hub] in agent or (address is not None and name_of(address) == who):
                self._last[hub] = now
                self._on_fetch(hub)


def agent_of(hub: str) -> bytes:
    """The words, in lower case, by which a hub's User-Agent gives it away."""
    host = (urlsplit(hub).hostname or hub).lower()
    role, _, rest = host.partition(".")
    return _AGENTS.get(host) or (rest if role in _ROLES and "." in rest else host).encode()
