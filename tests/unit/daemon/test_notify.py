"""Notifications to the service manager."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from command import AT_ONCE

from syndicator.daemon.notify import Notify


@pytest.fixture
def address() -> Iterator[str]:
    """A path that is short enough for a socket."""
    with TemporaryDirectory(prefix="syndicator-") as folder:
        yield str(Path(folder) / "notify")


def test_a_full_socket_does_not_block(address: str) -> None:
    """The message is dropped after a second. When there is room again, messages arrive."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
    ):
        manager.bind(address)
        manager.setblocking(False)
        other.setblocking(False)
        with suppress(OSError):  # until the socket is full
            while True:
                other.sendto(b"X=1", address)
        notify = Notify({"NOTIFY_SOCKET": address})
        sender = threading.Thread(target=notify.alive, daemon=True)
        sender.start()
        sender.join(AT_ONCE)
        assert not sender.is_alive()
        received = set[bytes]()
        with suppress(BlockingIOError):  # until the socket is empty
            while True:
                received.add(manager.recv(100))
        assert received == {b"X=1"}
        notify.stopping()
        assert manager.recv(100) == b"STOPPING=1"


def test_without_a_service_manager_nothing_is_sent(address: str) -> None:
    """Neither an absent variable nor a socket that is gone is an error."""
    Notify({}).ready("Serving")
    Notify({"NOTIFY_SOCKET": address}).ready("Serving")
