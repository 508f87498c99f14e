"""A client that is made for its first request."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from syndicator.model.outbox import Request
from syndicator.outbound.client import Client
from syndicator.outbound.late_client import LateClient

SECOND = timedelta(seconds=1)


def test_it_is_made_once_and_when_it_is_needed() -> None:
    """Threads that send at the same time share one: its connections are reused."""
    made: list[Client] = []

    def make() -> Client:
        made.append(Client(user_agent="test", timeout=SECOND, stranger_timeout=SECOND))
        return made[-1]

    client = LateClient(make)
    assert (client.peers, made) == ({}, [])
    with ThreadPoolExecutor(8) as threads:
        clients = set(threads.map(lambda _: client.made(), range(64)))
    assert clients == set(made)
    assert len(made) == 1
    assert client.refusal("http://127.0.0.1/") == "is not at a public address"
    client.close()


def test_a_closed_one_sends_nothing() -> None:
    """A push that is stopped before its first request stays stopped."""
    client = LateClient(lambda: Client(user_agent="test", timeout=SECOND, stranger_timeout=SECOND))
    client.close()
    assert client.send(Request(method="GET", url="http://127.0.0.1:1/")).stopped
