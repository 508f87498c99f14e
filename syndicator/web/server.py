"""Runs uvicorn in a thread of its own, started and stopped from synchronous code."""

import asyncio
import os
import socket
import sys
import threading
import time
from asyncio import Protocol
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
import uvloop  # noqa: F401  # uvicorn would load it in a thread, where memory may have run out

from syndicator.errors import SyndicatorError
from syndicator.listen import Address, UnixSocket, listen
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

#: Seconds between two iterations of uvicorn's main loop, which renews the Date header.
TICK = 1.0

#: Seconds after which a computing thread must let another one run. A build renders in another
#: thread; at Python's default of 5 ms, fifty clients wait twice as long for a 304 (60 ms at the
#: 99th percentile, 16 to 40 ms at this).
SWITCH_INTERVAL = 0.0005


class Server:
    """Serves an app until it is stopped. Doesn't touch signal handlers and logging.

    The file of a Unix socket is removed at the end.
    """

    def __init__(
        self,
        app: FeedCatalogue,
        address: Address | None,
        *,
        sockets: Sequence[socket.socket] = (),
        setting: str = "web.listen",
        limits: ConnectionLimits | None = None,
        stuck_after: float = STUCK_AFTER,
    ) -> None:
        """Port 0 chooses a free port; `port` has its number after `start`.

        `sockets` that listen already are served instead of `address`, which comes from `setting`
        and may then be None.
        Without `limits`, the default ones apply. `stuck_after` is in seconds.
        """
        self._address = address
        self._sockets = list(sockets)
        self._names: list[Any] = []  #: of the sockets: host and port, or a path
        self._own_file: os.stat_result | None = None  #: of our Unix socket
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

    def start(self) -> None:
        """Start serving; returns when requests are answered.

        Raises SyndicatorError if the address is not available.
        """
        if not self._sockets and self._address is not None:
            self._sockets = [listen(self._address, self._setting)]
            if isinstance(self._address, UnixSocket):
                self._own_file = os.stat(self._address.path)
        for each in self._sockets:  # accepted connections inherit it
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._names = [each.getsockname() for each in self._sockets]
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None:
            raise SyndicatorError(
                f"the web server did not start: {self._failure}"
            ) from self._failure

    @property
    def port(self) -> int:
        """The port of the first TCP socket; 0: there is none, or it was not started."""
        return next((name[1] for name in self._names if isinstance(name, tuple)), 0)

    @property
    def url(self) -> str:
        """The address of the root on this machine, such as "http://127.0.0.1:8080/".

        "unix:/path" for a Unix socket.
        """
        name = self._names[0]
        if not isinstance(name, tuple):
            return f"unix:{name}"
        host = str(name[0])
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{name[1]}/"

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
        self._server.end()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._remove_own_file()

    def _remove_own_file(self) -> None:
        """Remove the file of our Unix socket, unless another process has replaced it."""
        if self._own_file is None or not isinstance(self._address, UnixSocket):
            return
        with suppress(OSError):
            if os.path.samestat(os.lstat(self._address.path), self._own_file):
                os.unlink(self._address.path)

    def _run(self) -> None:
        try:
            self._server.run(sockets=self._sockets)
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
        self._loop: asyncio.AbstractEventLoop | None = None  #: None: it has not begun
        self._woken = asyncio.Event()

    def end(self) -> None:
        """Have the server stop, from any thread."""
        self.should_exit = True
        if self._loop:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    async def main_loop(self) -> None:
        # uvicorn's own wakes ten times a second to look whether it should stop; `end` wakes this.
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # 0: also renew the Date header
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK)

    async def on_tick(self, counter: int) -> bool:
        # Not uvicorn's own callback: it goes by the wall clock, and stops while that is set back.
        self.last_tick = time.monotonic()
        return await super().on_tick(counter)

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(list(sockets or []))
        self.ready.set()
