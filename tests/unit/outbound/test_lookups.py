"""DNS lookups: shares of them, and answers of any size."""

import socket
import threading
import time

import pytest
from answering import LOOPBACK, OK, a_client, get, serving
from command import PATIENCE

from syndicator.outbound import lookups
from syndicator.outbound.deadlines import Exchange


def test_slow_name_servers_of_one_share_delay_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lookups of one share are limited, also those whose requests have timed out."""
    over, slow = threading.Event(), []

    def look_up(host: str, *_: object) -> list[str]:
        if host == "slow.example":
            slow.append(host)
            over.wait(PATIENCE)
        return [host]

    def resolve(host: str, share: str, seconds: float) -> object:
        exchange = Exchange(time.monotonic() + seconds, target="/", body_limit=0, share=share)
        return resolver.resolve(exchange, host, 80, 0)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(lookups, "LOOKUPS_OF_SHARE", 2)
    resolver = lookups.Lookups()
    for message in ("took too long", "took too long", "too many DNS lookups"):
        with pytest.raises(TimeoutError, match=message):
            resolve("slow.example", "its", 0.1)
    assert resolve("a.example", "another", PATIENCE) == ["a.example"]
    over.set()
    assert resolve("slow.example", "its", PATIENCE) == ["slow.example"]
    assert len(slow) == 3


def test_only_the_first_addresses_of_a_name_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have thousands: checking each would take longer than the request."""

    def look_up(_host: str, port: int, *_: int) -> object:
        addresses = ["127.0.0.1"] * lookups.ADDRESSES + ["10.0.0.1"] * 4000
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with serving(OK) as server, a_client(allow=LOOPBACK) as client:
        assert client.send(get(f"http://a.example:{server.port}/", stranger=True)).status == 200
