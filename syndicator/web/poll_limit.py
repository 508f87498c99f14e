"""Limits bad pollers: clients that fetch the same unchanged bytes again and again.

Good clients are never counted: no 304, no conditional request, no bytes the client has not had.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from starlette.types import Scope

from syndicator.web.proxies import Network, client_of

#: Clients remembered; the one unseen for longest is dropped first. Takes about 10 MB at most.
REMEMBERED_CLIENTS = 20_000

_HOUR = 3600.0


@dataclass(slots=True)
class _Repeats:
    etag: bytes
    since: float
    count: int


class PollLimiter:
    """Counts full responses with the same bytes to one client at one path, in an hour's window."""

    def __init__(
        self,
        per_hour: int,
        *,
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
        remembered: int = REMEMBERED_CLIENTS,
    ) -> None:
        self._per_hour = per_hour
        self._trusted = tuple(trusted)
        self._clock = clock
        self._remembered = remembered
        self._repeats: OrderedDict[tuple[str, int, str], _Repeats] = OrderedDict()

    def wait(self, scope: Scope, etag: bytes) -> int | None:
        """Count an unconditional GET for the bytes of `etag`.

        Returns the seconds until the client may have them again; None if it may have them now.
        """
        now = self._clock()
        # Readers behind one address are counted by User-Agent, each for itself.
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), b"")
        key = (client_of(scope, self._trusted), hash(agent), scope["path"])
        repeats = self._repeats.get(key)
        if repeats is None or repeats.etag != etag or now - repeats.since >= _HOUR:
            repeats = self._repeats[key] = _Repeats(etag, now, 0)
        self._repeats.move_to_end(key)
        if len(self._repeats) > self._remembered:
            self._repeats.popitem(last=False)
        repeats.count += 1
        return None if repeats.count <= self._per_hour else ceil(repeats.since + _HOUR - now)
