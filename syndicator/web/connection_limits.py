"""Bounds on what a client may use of the server: connections, time, and memory for heads.

`server` applies those on connections and buffers, `protocol` those on requests and responses,
`client_shares` the share of each client. How often a client may poll is `poll_limit`'s.
"""

import resource
from collections.abc import Sequence
from ipaddress import ip_network

from msgspec import Struct

from syndicator.web.proxies import Network

#: Seconds that a connection may be idle between two requests.
KEEP_ALIVE = 15

#: Connections at once; further ones are answered 503 and closed. Below the usual limit of 1024
#: open files.
MAX_CONNECTIONS = 900

#: Files and sockets that the rest of the process may need.
OTHER_FILES = 124

#: One client (an IPv4 address, an IPv6 /64) may have a tenth of all connections: it takes ten
#: addresses to use all of them. 90 are enough for 10,000 readers behind one address (an office,
#: carrier-grade NAT) that poll twice an hour and leave the connection idle for KEEP_ALIVE.
CLIENT_PART = 10

#: The least limit of one client, where few files may be open: a browser opens six connections.
MIN_CLIENT_CONNECTIONS = 8

#: Clients without a limit: a proxy or a tunnel on this machine connects for many readers.
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

#: Bytes of the kernel's receive buffer (Linux doubles the number), and so the most that is read at
#: once. By default it grows to 6 MiB a connection. Requests are below 1 KiB, bodies below 16 KiB.
RECEIVE_BUFFER = 32 * 1024

#: Bytes that may arrive without completing anything: a head, or the size line of a chunk.
MAX_HEAD = 32 * 1024

#: Headers in a request.
MAX_HEADERS = 100

#: Seconds for a request to arrive completely, its body too.
REQUEST_TIMEOUT = 20.0

#: Seconds within which a client must read some of a response that is being sent.
STALL_TIMEOUT = 30.0

#: Seconds that a client has to read its response once the server stops. uvicorn waits for 2
#: (`Server`) and then cancels the tasks, with a traceback for each.
STOP_TIMEOUT = 1.5


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """The bounds that a server can be given; the defaults are the constants above."""

    connections: int = MAX_CONNECTIONS
    exempt: Sequence[Network] = LOOPBACK  #: clients that have no share of their own
    request_timeout: float = REQUEST_TIMEOUT
    stall_timeout: float = STALL_TIMEOUT

    def allowed_connections(self, open_files: int | None) -> int:
        """The number of connections, lower in a process that may open few files; None: any number.

        Half of the files are for connections in any case.
        """
        if open_files is None:
            return self.connections
        return min(self.connections, max(open_files - OTHER_FILES, open_files // 2))


def share_of_client(connections: int) -> int:
    """How many of all connections one client may have."""
    return max(connections // CLIENT_PART, MIN_CLIENT_CONNECTIONS)


def open_files_limit() -> int | None:
    """The number of files and sockets that this process may open; None: any number."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if files == resource.RLIM_INFINITY else files
