"""Notifications to systemd (sd_notify(3)): `Type=notify`, `WatchdogSec=`."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

#: Seconds to wait for room in the service manager's socket. It holds about ten messages.
SEND_TIMEOUT = 1.0


class Notify:
    """Sends notifications to the service manager. Does nothing without one.

    A notification that can't be sent in time is dropped: the daemon must not wait for a service
    manager that hangs.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environ.get("WATCHDOG_USEC", "") if for_us else ""
        #: How often to send `alive`: half of the watchdog's limit. None: no watchdog.
        self.watchdog = (
            timedelta(microseconds=int(micros) // 2) if micros.isdecimal() and int(micros) else None
        )

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client,
        ):
            client.settimeout(SEND_TIMEOUT)
            client.connect(self._address)
            client.sendall(text.encode())
