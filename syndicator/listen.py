"""The listening socket of a server, and why it can't be opened."""

import errno
import socket

from syndicator.errors import SyndicatorError

_HINTS = {
    errno.EADDRINUSE: "another program uses this address: stop it, or set {setting} to a free port",
    errno.EADDRNOTAVAIL: "this machine has no such address: set {setting} to one that it has",
    errno.EACCES: (
        "ports below 1024 need the capability CAP_NET_BIND_SERVICE: set {setting} to 1024 or more"
    ),
}


def listen(host: str, port: int, setting: str = "web.listen") -> socket.socket:
    """Listen on an address. Port 0: any free port.

    Raises SyndicatorError if that fails. Its hint names the `setting` of the address.
    """
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        hint = f"this host name is not known here: set {setting} to another one"
        raise SyndicatorError(f"can't listen on {at}: {error.strerror}", hint=hint) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        hint = _HINTS.get(error.errno or 0, "set {setting} to another address").format(
            setting=setting
        )
        raise SyndicatorError(f"can't listen on {at}: {error.strerror}", hint=hint) from error
    return listening
