"""The socket that the server listens at, and what keeps it from one."""

import errno
import socket

from syndicator.errors import SyndicatorError

_HINTS = {
    errno.EADDRINUSE: "another program has this address: end it, or set {setting} to another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: set {setting} to one that it has",
    errno.EACCES: "low ports take a right of their own (CAP_NET_BIND_SERVICE): set {setting} to 1024 or more",
}


def listen(host: str, port: int, setting: str = "web.listen") -> socket.socket:
    """A socket that listens there. Port 0: one that is free.

    Raises SyndicatorError when the address can't be had; its hint names the `setting` that it comes from.
    """
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        hint = f"this machine knows no such address: set {setting} to another one"
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
