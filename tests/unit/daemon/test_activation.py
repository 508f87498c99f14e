"""Sockets that systemd opened: sd_listen_fds(3)."""

import os
import socket

import pytest

from syndicator.daemon.activation import inherited_sockets, named_descriptors, service_of
from syndicator.errors import SyndicatorError


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LISTEN_FDS": "1", "LISTEN_PID": "7"}, [(3, "")]),
        (
            {"LISTEN_FDS": "3", "LISTEN_PID": "7", "LISTEN_FDNAMES": "web:admin:web"},
            [(3, "web"), (4, "admin"), (5, "web")],
        ),
        ({"LISTEN_FDS": "2", "LISTEN_PID": "7", "LISTEN_FDNAMES": "web"}, [(3, "web"), (4, "")]),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "8"}, []),  # for a parent of ours
        ({"LISTEN_FDS": "1"}, []),
        ({"LISTEN_FDS": "-1", "LISTEN_PID": "7"}, []),
        ({"LISTEN_FDS": "x", "LISTEN_PID": "7"}, []),
        ({"LISTEN_FDS": "9" * 12, "LISTEN_PID": "7"}, []),
        ({"LISTEN_FDS": "9" * 5000, "LISTEN_PID": "7"}, []),
        ({"LISTEN_FDS": "0", "LISTEN_PID": "7"}, []),
        ({}, []),
    ],
)
def test_descriptors_for_this_process(
    environ: dict[str, str], expected: list[tuple[int, str]]
) -> None:
    """From 3 on, if the variables name this process."""
    assert named_descriptors(environ, 7) == expected


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("web", "web"),
        ("admin", "admin"),
        ("", "web"),
        ("unknown", "web"),  # from a systemd that passes no names
        ("syndicator.socket", "web"),
    ],
)
def test_what_a_name_stands_for(name: str, service: str) -> None:
    """A socket has the name of its unit unless the unit gives it another."""
    assert service_of(name) == service


@pytest.mark.parametrize("name", ["Web", "metrics", "connection"])
def test_another_name_is_a_mistake(name: str) -> None:
    with pytest.raises(SyndicatorError, match=f'"{name}" has no use'):
        service_of(name)


def test_no_sockets() -> None:
    assert inherited_sockets({}) == ((), ())


def abstract_socket() -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.bind("")  # a free name
    opened.listen()
    return opened


@pytest.mark.parametrize("kind", ["file", "datagram", "connected", "abstract"])
def test_what_can_not_be_served_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as ListenDatagram=, Accept=yes, or a Unix socket that has no file and so no mode."""
    pair = socket.socketpair()
    descriptor = {
        "file": lambda: os.open("/dev/null", os.O_RDONLY),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach(),
        "connected": lambda: pair[0].detach(),
        "abstract": lambda: abstract_socket().detach(),
    }[kind]()
    monkeypatch.setattr("syndicator.daemon.activation._FIRST", descriptor)
    environ = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "web"}
    with pytest.raises(SyndicatorError, match=r"is not a socket|does not listen|no file"):
        inherited_sockets(environ)
    pair[1].close()
