"""Detecting the fetches of pinged hubs."""

from ipaddress import ip_network

import pytest

from syndicator.web.hub_fetches import HubFetches

HUB = "https://websub.example.org/"
GOOGLE = "https://pubsubhubbub.appspot.com/"
OTHER = "https://other.example/hub"


class Detected:
    """Requests sent to a `HubFetches`, and the hubs it detected."""

    def __init__(self, *hubs: str, trusted: str | None = None) -> None:
        self.hubs: list[str] = []
        self.counted: list[int] = []
        self.now = 0.0
        self.watch = HubFetches(
            hubs or (HUB, GOOGLE, OTHER),
            peers=lambda: {
                "websub.example.org": "203.0.113.9",
                "other.example": "2001:db8:0:1::9",
            },
            on_fetch=self.hubs.append,
            trusted=[ip_network(trusted)] if trusted else [],
            clock=lambda: self.now,
        ).watching(lambda status, _format, _scope: self.counted.append(status))

    def fetch(
        self,
        peer: str = "198.51.100.7",
        agent: str = "",
        *,
        status: int = 200,
        format: str = "rss",
        forwarded: str = "",
    ) -> list[str]:
        headers = [(b"user-agent", agent.encode()), (b"x-forwarded-for", forwarded.encode())]
        self.watch(status, format, {"client": (peer, 1), "headers": headers})
        return self.hubs


@pytest.mark.parametrize(
    ("peer", "agent", "hubs"),
    [
        ("203.0.113.9", "python-requests/2", [HUB]),  # the address that its pings went to
        ("2001:db8:0:1::abcd", "", [OTHER]),  # the same IPv6 /64
        ("198.51.100.7", "MyHub (+https://websub.example.org/; 26 subscribers)", [HUB]),
        ("198.51.100.7", "Example.org hub", [HUB]),  # "websub" is the role of the host
        ("198.51.100.7", "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", [GOOGLE]),
        ("198.51.100.7", "NetNewsWire (RSS Reader)", []),
        ("198.51.100.7", "", []),
        ("", "", []),
    ],
)
def test_a_hub_is_known_by_its_address_or_its_name(peer: str, agent: str, hubs: list[str]) -> None:
    """The address that the pings went to, or a User-Agent that names the hub's host."""
    assert hubs == Detected().fetch(peer, agent)


@pytest.mark.parametrize(
    ("status", "format", "hubs"), [(304, "atom", [HUB]), (404, "", []), (200, "html", [])]
)
def test_only_feeds_count(status: int, format: str, hubs: list[str]) -> None:
    """New or unchanged. Pages and refusals don't count."""
    assert hubs == Detected().fetch("203.0.113.9", status=status, format=format)


@pytest.mark.parametrize(("trusted", "hubs"), [(None, []), ("127.0.0.1/32", [HUB])])
def test_a_trusted_proxy_names_the_hub(trusted: str | None, hubs: list[str]) -> None:
    """The header of an untrusted peer is ignored."""
    assert hubs == Detected(trusted=trusted).fetch("127.0.0.1", forwarded="203.0.113.9")


def test_a_hub_that_fetches_ten_feeds_is_reported_once() -> None:
    """Within a second. Each request is still counted in the metrics."""
    detected = Detected()
    for _ in range(10):
        detected.fetch("203.0.113.9")
    assert detected.hubs == [HUB]
    detected.now = 1.0
    assert detected.fetch("203.0.113.9") == [HUB, HUB]
    assert detected.counted == [200] * 11


def test_without_hubs_requests_are_only_counted() -> None:
    """Detection costs nothing then."""

    def count(_status: int, _format: str, _scope: object) -> None:
        pass

    assert HubFetches([], peers=dict, on_fetch=print).watching(count) is count
