"""Which clients are taken for hubs."""

from ipaddress import ip_network

import pytest

from syndicator.web.hub_fetches import HubFetches

HUB, GOOGLE, OTHER = (
    "https://websub.example.org/",
    "https://pubsubhubbub.appspot.com/",
    "https://other.example/hub",
)


class Seen:
    """Hubs that were seen to come."""

    def __init__(self, *hubs: str, trusted: str | None = None) -> None:
        self.hubs: list[str] = []
        self.counted: list[int] = []
        self.now = 0.0
        self.watch = HubFetches(
            hubs or (HUB, GOOGLE, OTHER),
            peers={"websub.example.org": "203.0.113.9", "other.example": "2001:db8:0:1::9"},
            on_fetch=self.hubs.append,
            trusted=[ip_network(trusted)] if trusted else [],
            clock=lambda: self.now,
        ).watching(lambda status, _format, _scope: self.counted.append(status))

    def comes(
        self,
        peer: str = "198.51.100.7",
        agent: str = "",
        *,
        status: int = 200,
        format: str = "rss",
        told: str = "",
    ) -> list[str]:
        headers = [(b"user-agent", agent.encode()), (b"x-forwarded-for", told.encode())]
        self.watch(status, format, {"client": (peer, 1), "headers": headers})
        return self.hubs


@pytest.mark.parametrize(
    ("peer", "agent", "hubs"),
    [
        ("203.0.113.9", "python-requests/2", [HUB]),  # where its pings went
        ("2001:db8:0:1::abcd", "", [OTHER]),  # of one IPv6 network, as any client is
        ("198.51.100.7", "MyHub (+https://websub.example.org/; 26 subscribers)", [HUB]),
        ("198.51.100.7", "Example.org hub", [HUB]),  # "websub" only says what the host is
        ("198.51.100.7", "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", [GOOGLE]),
        ("198.51.100.7", "NetNewsWire (RSS Reader)", []),
        ("198.51.100.7", "", []),
        ("", "", []),
    ],
)
def test_a_hub_is_known_by_its_address_or_its_name(peer: str, agent: str, hubs: list[str]) -> None:
    """Where the pings went, or a User-Agent that names the hub's host."""
    assert hubs == Seen().comes(peer, agent)


@pytest.mark.parametrize(
    ("status", "format", "hubs"), [(304, "atom", [HUB]), (404, "", []), (200, "html", [])]
)
def test_only_a_feed_proves_it(status: int, format: str, hubs: list[str]) -> None:
    """New or unchanged; pages and refusals prove nothing."""
    assert hubs == Seen().comes("203.0.113.9", status=status, format=format)


@pytest.mark.parametrize(("trusted", "hubs"), [(None, []), ("127.0.0.1/32", [HUB])])
def test_a_trusted_proxy_is_believed(trusted: str | None, hubs: list[str]) -> None:
    """And nobody else."""
    assert hubs == Seen(trusted=trusted).comes("127.0.0.1", told="203.0.113.9")


def test_a_hub_that_fetches_ten_feeds_came_once() -> None:
    """In a second; and each request is counted."""
    seen = Seen()
    for _ in range(10):
        seen.comes("203.0.113.9")
    assert seen.hubs == [HUB]
    seen.now = 1.0
    assert seen.comes("203.0.113.9") == [HUB, HUB]
    assert seen.counted == [200] * 11


def test_without_hubs_nobody_is_looked_at() -> None:
    """The way of every request stays as short as it was."""

    def count(_status: int, _format: str, _scope: object) -> None:
        pass

    assert HubFetches([], peers={}, on_fetch=print).watching(count) is count
