"""Sockets that systemd opened for us: socket activation (sd_listen_fds(3), systemd.socket(5))."""

import os
import re
import socket
from collections.abc import Mapping
from typing import NamedTuple

from syndicator.errors import SyndicatorError

#: The first descriptor that is passed (`SD_LISTEN_FDS_START`).
_FIRST = 3

_HINT = (
    "set FileDescriptorName= of its .socket unit to web or admin, "
    "and ListenStream= to its address; see config/syndicator.socket"
)


class InheritedSockets(NamedTuple):
    """Sockets that listen, by what is served there. They take the place of the settings' own."""

    web: tuple[socket.socket, ...] = ()
    admin: tuple[socket.socket, ...] = ()


def inherited_sockets(environ: Mapping[str, str]) -> InheritedSockets:
    """The sockets that were passed to this process.

    Raises SyndicatorError if one can't be served.
    """
    sockets: dict[str, list[socket.socket]] = {"web": [], "admin": []}
    for descriptor, name in named_descriptors(environ, os.getpid()):
        os.set_inheritable(descriptor, False)
        sockets[service_of(name)].append(_opened(descriptor, name))
    return InheritedSockets(tuple(sockets["web"]), tuple(sockets["admin"]))


def named_descriptors(environ: Mapping[str, str], pid: int) -> list[tuple[int, str]]:
    """The descriptors passed to the process `pid`, with their names; "": it has none.

    Invalid values are ignored, as sd_listen_fds(3) does with those for another process.
    """
    number = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(pid) or not re.fullmatch("[0-9]{1,4}", number):
        return []
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    names += [""] * int(number)
    return [(_FIRST + each, names[each]) for each in range(int(number))]


def service_of(name: str) -> str:
    """What is served at a socket of this name: "web" or "admin".

    Without FileDescriptorName=, a socket has the name of its unit, and is the public one.
    Raises SyndicatorError for other names.
    """
    if name in ("web", "admin"):
        return name
    if name in ("", "unknown") or name.endswith(".socket"):
        return "web"
    raise SyndicatorError(f'the inherited socket "{name}" has no use here', hint=_HINT)


def _opened(descriptor: int, name: str) -> socket.socket:
    try:
        opened = socket.socket(fileno=descriptor)
        listens = opened.type == socket.SOCK_STREAM and opened.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        )
    except OSError as error:
        message = f'the inherited descriptor {descriptor}, "{name}", is not a socket'
        raise SyndicatorError(message, hint=_HINT) from error
    if isinstance(opened.getsockname(), bytes):  # unix(7)
        message = f'any user may connect to the inherited socket "{name}": it has no file'
        raise SyndicatorError(message, hint=_HINT)
    if not listens:
        raise SyndicatorError(f'the inherited socket "{name}" does not listen', hint=_HINT)
    return opened
