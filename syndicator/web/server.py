"""Runs uvicorn in a thread of its own, started and stopped from synchronous code."""

import socket
import sys
import threading
import time
from asyncio import Protocol
from collections.abc import Sequence
from functools import partial
from typing import cast

import uvicorn

from syndicator.errors import SyndicatorError
from syndicator.listen import listen
from syndicator.web.catalogue import FeedCatalogue
from syndicator.web.client_shares import ClientShares
from syndicator.web.connection_limits import (
    KEEP_ALIVE,
    RECEIVE_BUFFER,
    ConnectionLimits,
    open_files_limit,
    share_of_client,
)
from syndicator.web.protocol import NOSNIFF, BoundedProtocol

#: Seconds without an iteration of the event loop after which the server counts as stuck.
STUCK_AFTER = 60.0

#: Seconds after which a computing thread must let another one run. A build renders in another
#: thread; at Python's default of 5 ms, fifty clients wait twice as long for a 304 (60 ms at the
#: 99th percentile, 16 to 40 ms at this).
SWITCH_INTERVAL = 0.0005


class Server:
    """Serves an app until it is stopped. Doesn't touch signal handlers and logging."""

    def __init__(
        self,
        app: FeedCatalogue,
        host: str,
        port: int,
        *,
        setting: str = "web.listen",
        limits: ConnectionLimits | None = None,
        stuck_after: float = STUCK_AFTER,
    ) -> None:
        """Port 0 chooses a free port; `port` has its number after `start`.

        `setting` names the setting that host and port come from. Without `limits`, the default
        ones apply. `stuck_after` is in seconds.
        """
        self.host = host
        self.port = port
        self._setting = setting
        self._stuck_after = stuck_after
        limits = limits or ConnectionLimits()
        connections = limits.allowed_connections(open_files_limit())
        shares = ClientShares(share_of_client(connections), exempt=limits.exempt)
        self._config = uvicorn.Config(
            app,
            http=cast("type[Protocol]", partial(BoundedProtocol, shares=shares, limits=limits)),
            loop="uvloop",
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="error",  # a line for each bad request would flood the log
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=[NOSNIFF],
            limit_concurrency=connections + 1,  # uvicorn refuses at this number
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=2,
        )
        self._config.load()
        self._server = _ObservedServer(self._config)
        self._thread = threading.Thread(target=self._run, name=setting, daemon=True)
        self._failure: BaseException | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Start serving; returns when requests are answered.

        Raises SyndicatorError if the address is not available.
        """
        self._socket = listen(self.host, self.port, self._setting)
        # Accepted connections inherit it.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.port = self._socket.getsockname()[1]
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None:
            raise SyndicatorError(
                f"the web server did not start: {self._failure}"
            ) from self._failure

    def replace(self, app: FeedCatalogue) -> None:
        """Answer further requests with another app. The socket and its connections stay open."""
        self._config.loaded_app = app

    def connections(self) -> int:
        """The number of open connections."""
        return len(self._server.server_state.connections)

    def is_stuck(self) -> bool:
        """Whether the server's thread ended by itself, or its event loop hangs."""
        ended = self._thread.ident is not None and not self._thread.is_alive()
        return ended or time.monotonic() > self._server.last_tick + self._stuck_after

    def stop(self, timeout: float = 5.0) -> None:
        """Accept no more connections and finish responses. Returns within `timeout` seconds."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket] if self._socket else [])
        except BaseException as failure:  # start() raises it
            self._failure = failure
        finally:
            self._server.ready.set()


class _ObservedServer(uvicorn.Server):
    """Signals when it is ready, and records the last iteration of its event loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.last_tick = time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        # Not uvicorn's own callback: it goes by the wall clock, and stops while that is set back.
        self.last_tick = time.monotonic()
        return await super().on_tick(counter)

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(list(sockets or []))
        self.ready.set()
