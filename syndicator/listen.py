"""The listening socket of a server, and why it can't be opened."""

import errno
import os
import socket
import stat
from contextlib import closing
from typing import NamedTuple

from syndicator.errors import SyndicatorError

#: The mode of a Unix socket: who may write to it may connect (unix(7)). The group is for the proxy.
UNIX_MODE = 0o660

#: Bytes of a Unix socket's path (`sun_path` of unix(7), without the NUL at its end).
MAX_UNIX_PATH = 107

#: Connections that wait to be accepted.
_BACKLOG = 2048

_HINTS = {
    errno.EADDRINUSE: "another program uses this address: stop it, or set {setting} to a free port",
    errno.EADDRNOTAVAIL: "this machine has no such address: set {setting} to one that it has",
    errno.EACCES: (
        "ports below 1024 need the capability CAP_NET_BIND_SERVICE: set {setting} to 1024 or more"
    ),
}

_UNIX_HINTS = {
    errno.EADDRINUSE: "another process listens there: stop it, or set {setting} to another path",
    errno.ENOENT: "create its folder; systemd does it for RuntimeDirectory=",
    errno.EACCES: "let the user that runs syndicator write to its folder",
    errno.EEXIST: "the file there is not a socket: move it, or set {setting} to another path",
}


class UnixSocket(NamedTuple):
    """The address of a Unix socket: its absolute path."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


#: Host and port, or a Unix socket. Port 0: any free port.
Address = tuple[str, int] | UnixSocket


def listen(address: Address, setting: str = "web.listen") -> socket.socket:
    """Listen on an address.

    Raises SyndicatorError if that fails. Its hint names the `setting` of the address.
    """
    if isinstance(address, UnixSocket):
        try:
            return _listen_unix(address.path)
        except OSError as error:
            raise _refused(address, error, _UNIX_HINTS, setting) from error
    return _listen_tcp(*address, setting)


def check(address: Address, setting: str) -> None:
    """Raise SyndicatorError if `listen` would. No file is written or removed."""
    if not isinstance(address, UnixSocket):
        listen(address, setting).close()
        return
    try:
        _is_stale(address.path)
        folder = os.path.dirname(address.path)
        os.stat(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _refused(address, error, _UNIX_HINTS, setting) from error


def _listen_tcp(host: str, port: int, setting: str) -> socket.socket:
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
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(at, error, _HINTS, setting) from error
    return listening


def _listen_unix(path: str) -> socket.socket:
    """Raises OSError. The file of a process that has ended is replaced."""
    if _is_stale(path):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(path)
        os.chmod(path, UNIX_MODE)  # nobody can connect yet, whatever the umask is
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _is_stale(path: str) -> bool:
    """Whether the file of a socket is there on which nothing listens; False: there is no file.

    Raises OSError if something listens there, or if the file is not a socket.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.setblocking(False)
        try:
            client.connect(path)
        except ConnectionRefusedError:
            return True
        except BlockingIOError:  # it listens, and its backlog is full
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _refused(at: object, error: OSError, hints: dict[int, str], setting: str) -> SyndicatorError:
    hint = hints.get(error.errno or 0, "set {setting} to another address")
    return SyndicatorError(
        f"can't listen on {at}: {error.strerror}", hint=hint.format(setting=setting)
    )
