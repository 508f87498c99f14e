"""uvicorn in a thread of its own, started and stopped from sync code."""

import resource
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
from syndicator.web.client_shares import LOOPBACK, ClientShares
from syndicator.web.poll_limit import Network
from syndicator.web.protocol import NOSNIFF, BoundedProtocol

#: Seconds that a connection may be idle between two requests.
KEEP_ALIVE = 15

#: Connections at once; more are answered 503, and let go. Stays below the usual limit of 1024 open files.
MAX_CONNECTIONS = 900

#: The share of one client (an IPv4 address, an IPv6 /64) is a tenth of all connections: it takes ten
#: addresses to fill every place. 90 are enough for 10,000 readers behind one address (an office,
#: carrier-grade NAT) that poll twice an hour and leave the connection idle for KEEP_ALIVE.
SHARE = 10

#: The smallest share, where few files may be open: a browser opens six connections.
LEAST_SHARE = 8

#: Octets of the kernel's receive buffer (Linux doubles the number), and so the most that is read at
#: once. Untouched it grows to 6 MiB a connection. Requests are below 1 KiB, bodies below 16 KiB.
RECEIVED = 32 * 1024

#: Files and sockets that the rest of the process may need.
OTHERS = 124

#: Seconds without a turn of the event loop after which it counts as stuck.
PATIENCE = 60.0

#: Seconds after which a thread that computes has to let another one go on. A run renders in a thread beside ours,
#: and at Python's own 5 ms fifty clients wait twice as long for a 304 (60 ms at the 99th percentile, 16 to 40 at this).
SWITCH = 0.0005


class Server:
    """Serves an app until it is stopped. Leaves signals and logging as they are."""

    def __init__(
        self,
        app: FeedCatalogue,
        host: str,
        port: int,
        *,
        setting: str = "web.listen",
        apart: Sequence[Network] = LOOPBACK,
    ) -> None:
        """Port 0: one that is free; `port` says which, once started. `setting` is where host and port come from.
        Clients `apart` have no share.
        """
        self.host, self.port, self._setting = host, port, setting
        most = _most()
        shares = ClientShares(max(most // SHARE, LEAST_SHARE), apart=apart)
        self._config = uvicorn.Config(
            app,
            http=cast("type[Protocol]", partial(BoundedProtocol, shares=shares)),
            loop="uvloop",
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="error",  # what strangers send is not worth a line each
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=[NOSNIFF],
            limit_concurrency=most + 1,  # whoever is that many is answered 503
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=2,
        )
        self._config.load()
        self._server = _Announcing(self._config)
        self._thread = threading.Thread(target=self._run, name=setting, daemon=True)
        self._failure: BaseException | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Returns when requests are answered. Raises SyndicatorError when the address can't be had."""
        self._socket = listen(self.host, self.port, self._setting)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED
        )  # connections inherit it
        sys.setswitchinterval(SWITCH)
        self.port = self._socket.getsockname()[1]
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None:
            raise SyndicatorError(f"the server did not start: {self._failure}") from self._failure

    def replace(self, app: FeedCatalogue) -> None:
        """Answer further requests with another app. The socket and its connections live on."""
        self._config.loaded_app = app

    def connections(self) -> int:
        """How many there are now."""
        return len(self._server.server_state.connections)

    def is_stuck(self) -> bool:
        """Whether its thread has ended by itself, or answers nobody any more."""
        ended = self._thread.ident is not None and not self._thread.is_alive()
        return ended or time.monotonic() > self._server.last_turn + PATIENCE

    def stop(self, timeout: float = 5.0) -> None:
        """Take no more connections, finish what is being sent, and return within `timeout` seconds."""
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


class _Announcing(uvicorn.Server):
    """Says when it is up, and when its event loop last had a turn."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.last_turn = time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        # uvicorn's own callback goes by the wall clock: none comes while that is set back.
        self.last_turn = time.monotonic()
        return await super().on_tick(counter)

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(list(sockets or []))
        self.ready.set()


def _most() -> int:
    """As many connections as leave room for other files, where few may be open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MAX_CONNECTIONS
        if files == resource.RLIM_INFINITY
        else min(MAX_CONNECTIONS, max(files - OTHERS, files // 2))
    )
