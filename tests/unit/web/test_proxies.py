"""The client behind proxies, and the report of a proxy that is not configured."""

from collections.abc import Sequence
from ipaddress import IPv4Network, ip_network

import pytest

from syndicator.web.proxies import (
    MAX_FORWARDED,
    MAX_HOPS,
    UNIX_PEER,
    Proxies,
    client_of,
    forwarded_for,
)


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
        # With a port, as Azure's gateway and IIS write it, in quotes, in brackets.
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", '"203.0.113.7:4711"', "203.0.113.7"),
        ("10.0.0.1", '"203.0.113.7"', "203.0.113.7"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        ("10.0.0.1", '"[2001:db8:1:2:3::4]:4711"', "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]", "2001:db8:1:2::/64"),
        ("10.0.0.1", '"2001:db8:1:2:3::4"', "2001:db8:1:2::/64"),
        ("10.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2:8080", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, unix:", "203.0.113.9"),  # nginx at a Unix socket
        ("10.0.0.1", "[::ffff:203.0.113.7]:4711", "203.0.113.7"),
        *(("10.0.0.1", text, "") for text in ("[203.0.113.7", "203.0.113.7:", "203.0.113.7:1:2")),
        *(("10.0.0.1", text, "") for text in ("[]:80", "[x]", '"', "unknown", "_hidden:80", ",")),
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
    ("field", "expected"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
        ('proto=https;for="203.0.113.7:4711"', "203.0.113.7"),
        ('for="[2001:db8:1:2:3::4]:4711";host="feeds.example.com:443"', "2001:db8:1:2::/64"),
        ('for="[2001:db8:1:2:3::4]:_http"', "2001:db8:1:2::/64"),
        ("for=[2001:db8:1:2:3::4]", "2001:db8:1:2::/64"),  # without the quotes that it needs
        ("for=203.0.113.1, for=203.0.113.9 , for=10.0.0.2", "203.0.113.9"),
        ("for=203.0.113.1|for=203.0.113.9", "203.0.113.9"),
        (r'for="203\.0.113.7"', "203.0.113.7"),
        ('by="a, for=203.0.113.1";for=203.0.113.7', "203.0.113.7"),
        ("for=unknown", ""),
        ("for=203.0.113.1, for=_hidden", ""),
        ("for=203.0.113.1, proto=https", ""),
        ("for=203.0.113.1;for=203.0.113.2", ""),
        ("", ""),
        # A stranger's quote swallows what the proxy appended.
        ('for=203.0.113.1;x=", for=203.0.113.9', ""),
        ('for=203.0.113.1;x=", for="[2001:db8:1:2:3::4]";host="a"', ""),
        ('for=203.0.113.1;x="\\, for="[2001:db8:1:2:3::4]"', ""),
        ("for=203.0.113.1;" + "x" * MAX_FORWARDED, ""),
        (", for=203.0.113.9", "203.0.113.9"),
    ],
)
def test_forwarded(field: str, expected: str) -> None:
    """RFC 7239. Of a header that can't be parsed the client is unknown."""
    headers = [(b"forwarded", line.encode()) for line in field.split("|")]
    scope = {"client": ("10.0.0.1", 1), "headers": headers}
    assert client_of(scope, [ip_network("10.0.0.0/8")]) == expected
    assert client_of({**scope, "client": ("198.51.100.7", 1)}, [ip_network("10.0.0.0/8")]) == (
        "198.51.100.7"
    )


@pytest.mark.parametrize(
    ("forwarded_for", "expected"), [(b"203.0.113.9", "203.0.113.9"), (b"", "203.0.113.1")]
)
def test_x_forwarded_for_decides_if_both_are_there(forwarded_for: bytes, expected: str) -> None:
    """Most proxies write it, and pass on a `Forwarded` that their client wrote."""
    headers = [(b"forwarded", b"for=203.0.113.1"), (b"x-forwarded-for", forwarded_for)]
    scope = {"client": ("10.0.0.1", 1), "headers": headers}
    assert client_of(scope, [ip_network("10.0.0.0/8")]) == expected


@pytest.mark.parametrize(
    ("header", "hop", "separator"),
    [(b"x-forwarded-for", "{}", ", "), (b"forwarded", "for={}", ",")],
)
def test_a_chain_of_trusted_proxies_is_followed_to_a_bound(
    header: bytes, hop: str, separator: str
) -> None:
    """A stranger may write thousands of them. Of a longer chain the client is unknown."""
    for proxies, expected in ((MAX_HOPS - 1, "203.0.113.9"), (MAX_HOPS + 1, "")):
        chain = [hop.format(each) for each in ("203.0.113.9", *["10.0.0.2"] * proxies)]
        headers = [(header, separator.join(chain).encode())]
        scope = {"client": ("10.0.0.1", 1), "headers": headers}
        assert client_of(scope, [ip_network("10.0.0.0/8")]) == expected


def test_hops_of_a_forwarded_header() -> None:
    assert forwarded_for("for=a;by=b, proto=http,for=unknown") == ["a", "", "unknown"]


@pytest.mark.parametrize("trusted", [(), (ip_network("10.0.0.0/8"),)])
def test_a_program_at_the_unix_socket_is_trusted(trusted: Sequence[IPv4Network]) -> None:
    """Its file's mode decides who may connect, so no network needs to be named."""
    headers = [(b"x-forwarded-for", b"203.0.113.1, 203.0.113.9")]
    assert client_of({"client": (UNIX_PEER, 0), "headers": headers}, trusted) == "203.0.113.9"
    assert client_of({"client": (UNIX_PEER, 0), "headers": []}, trusted) == ""


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
    """Whatever the headers say. A connection that has ended has no peer."""
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
