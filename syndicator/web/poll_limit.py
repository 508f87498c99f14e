"""Limits bad pollers: clients that fetch the same unchanged bytes again and again.

Good clients are never counted: no 304, no conditional request, no bytes the client has not had.
"""

import time
from collections.abc import Callable, Sequence
from math import ceil

from starlette.types import Scope

from syndicator.web.proxies import Network, client_of
from syndicator.web.rate_limit import RateLimit

_HOUR = 3600.0


class PollLimiter:
    """Counts full responses with the same bytes to one client at one path, in an hour's window."""

    def __init__(
        self,
        per_hour: int,
        *,
        trusted: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trusted = tuple(trusted)
        self._clock = clock
        self._limit: RateLimit[tuple[str, int, str]] = RateLimit(per_hour, _HOUR)

    def wait(self, scope: Scope, etag: bytes) -> int | None:
        """Count an unconditional GET for the bytes of `etag`.

        Returns the seconds until the client may have them again; None if it may have them now.
        """
        # Readers behind one address are counted by User-Agent, each for itself.
        agent = b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
                break
        key = (client_of(scope, self._trusted), hash(agent), scope["path"])
        wait = self._limit.wait(key, self._clock(), version=etag)
        return None if wait is None else ceil(wait)
