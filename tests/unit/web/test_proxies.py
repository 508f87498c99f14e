"""The client behind proxies, and the report of a proxy that is not configured."""

from ipaddress import ip_network

import pytest

from syndicator.web.proxies import Proxies, client_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        # The peer is not a trusted proxy: its header is ignored.
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        # The client wrote the first address itself.
        ("10.0.0.1", "203.0.113.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.1|203.0.113.9", "203.0.113.9"),  # two lines are one list
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", ""),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "", "198.51.100.7"),
    ],
)
def test_the_client_of_a_request(peer: str, forwarded: str, expected: str) -> None:
    """A trusted proxy's `X-Forwarded-For` counts, read from its end; an IPv6 client is its /64."""
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded.split("|") if line]
    scope = {"client": (peer, 1), "headers": headers}
    assert client_of(scope, [ip_network("10.0.0.0/8")]) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3::4", 1), "2001:db8:1:2::/64"),
        (None, ""),
    ],
)
def test_without_trusted_proxies_the_peer_is_the_client(
    peer: tuple[str, int] | None, expected: str
) -> None:
    """Whatever the headers say. Over a Unix socket there is no peer."""
    scope = {"client": peer, "headers": [(b"x-forwarded-for", b"203.0.113.9")]}
    assert client_of(scope, ()) == expected


def test_an_untrusted_proxy_is_reported_once() -> None:
    """One private address, however many proxies send the header: it can't flood the log."""
    reported: list[str] = []
    proxies = Proxies([ip_network("10.0.0.1/32")], on_untrusted=reported.append)
    for peer in ("10.0.0.1", "10.0.0.2", "10.0.0.2", "127.0.0.1", "192.168.0.1", "8.8.8.8"):
        proxies.report_if_untrusted(peer)
    assert reported == ["10.0.0.2"]


def test_a_stranger_does_not_keep_our_own_proxy_from_being_reported() -> None:
    """Public addresses are reported separately: they may be a CDN's, or anyone's."""
    reported: list[str] = []
    proxies = Proxies(on_untrusted=reported.append)
    for peer in ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "127.0.0.1", "8.8.8.8", "127.0.0.2"):
        proxies.report_if_untrusted(peer)
    assert reported == ["8.8.8.8", "127.0.0.1"]


def test_a_peer_without_an_address_is_not_reported() -> None:
    """A UNIX socket has no address."""
    reported: list[str] = []
    Proxies(on_untrusted=reported.append).report_if_untrusted("")
    assert reported == []
