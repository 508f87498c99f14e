"""Addresses and ports that strangers' URLs may have."""

import pytest
from answering import BLOCKED, OK, a_client, get, serving

from syndicator.outbound.addresses import BLOCKED_PORTS, public, refusal

#: As https://fetch.spec.whatwg.org/#port-blocking lists them, except 0.
LISTED = """
1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115
117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563
587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667
6668 6669 6679 6697 10080
""".split()


#: Policies without and with `allow_private`.
PUBLIC, OPENED = public([]), public(["127.0.0.0/8"])


@pytest.mark.parametrize(
    "host", ["reader.example", "93.184.215.14", "[2606:2800:21f::1]", "127.0.0.1"]
)
def test_ports_that_browsers_refuse_are_refused(host: str) -> None:
    """By name and by address, in allowed private networks, too. The reason is short."""
    for port in LISTED:
        for scheme in ("http", "https"):
            reason = refusal(f"{scheme}://{host}:{port}/cb", OPENED)
            assert reason
            assert f"port {port}," in reason
            assert len(reason) < 200


def test_the_list_is_complete() -> None:
    """Exactly these and port 0."""
    assert {0, *map(int, LISTED)} == BLOCKED_PORTS


@pytest.mark.parametrize("spelt", ["0025", "25#x", "25?x", "25/", "25\t"])
def test_a_port_is_refused_however_it_is_spelt(spelt: str) -> None:
    """Its number counts, not its text."""
    assert refusal(f"http://reader.example:{spelt}", PUBLIC)


@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 3000, 5000, 24, 6001, 10081, 65535])
def test_other_ports_are_not_refused(port: int) -> None:
    """Subscribers may listen on any other port."""
    assert refusal(f"https://reader.example:{port}/cb", PUBLIC) is None


def test_no_connection_is_made_to_a_blocked_port() -> None:
    """Even for an older subscription. The operator's own URLs may have any port."""
    with serving(OK, ports=BLOCKED) as server, a_client(allow=("127.0.0.0/8",)) as client:
        for host in ("127.0.0.1", "localhost"):
            answer = client.send(get(f"http://{host}:{server.port}/cb", stranger=True))
            assert (answer.refused, answer.error) == (
                True,
                f"refused: port {server.port} is blocked",
            )
        assert server.connections == 0
        assert client.send(get(server.url)).status == 200


#: An address of each block that is refused although it is in 2000::/3 or ssrfguard allows it.
SPECIAL = """
192.0.0.9 192.0.0.10 192.0.0.8 192.31.196.1 192.52.193.1 192.88.99.1 192.175.48.1 192.0.2.1
198.18.0.1 198.51.100.1 203.0.113.1
2001:1::1 2001:1::2 2001:1::3 2001:1::4 2001:: 2001:0:5db8:d70e:: 2001:2::1 2001:3::1 2001:4:112::1
2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:1ff::1 2002:5db8:d70e::1 2002:7f00:1::
2620:4f:8000::1 3fff::1 3fff:fff::1
""".split()

#: Outside 2000::/3: unassigned, or not for hosts.
OUTSIDE = """
:: ::1 ::5db8:d70e ::ffff:93.184.215.14 ::ffff:127.0.0.1 64:ff9b::5db8:d70e 64:ff9b::7f00:1
64:ff9b:1::1 100::1 100:0:0:1::1 1::1 1fff:ffff::1 4000::1 5f00::1 6000::1 8000::1 a000::1 c000::1
e000::1 f000::1 f800::1 fbff::1 fc00::1 fd00:ec2::254 fe00::1 fe80::1 fec0::1 ff02::1 ff0e::1
""".split()


@pytest.mark.parametrize("address", [*SPECIAL, *OUTSIDE])
def test_special_addresses_are_refused(address: str) -> None:
    """IANA's special-purpose blocks, and all of IPv6 except 2000::/3."""
    literal = f"[{address}]" if ":" in address else address
    assert refusal(f"http://{literal}/cb", PUBLIC) == "is not at a public address"
    assert not PUBLIC.permits_address(address)


#: Neighbours of refused addresses, and others.
PLAIN = """
93.184.215.14 8.8.8.8 192.0.1.1 192.88.98.1 2606:2800:21f::1 2a00:1450::1 2001:200::1 2003::1
2001:4860:4860::8888 2620:4f:8001::1 3ffe:ffff::1 2c0f:fb50::1
""".split()


@pytest.mark.parametrize("address", PLAIN)
def test_public_addresses_are_allowed(address: str) -> None:
    """Only special addresses are refused."""
    assert PUBLIC.permits_address(address)


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("192.0.0.9/32", "192.0.0.9"),
        ("::1/128", "::1"),
        ("fd00::/8", "fd12::1"),
        ("2001:db8::/32", "2001:db8::7"),
    ],
)
def test_allowed_networks_are_allowed(network: str, address: str) -> None:
    """`hub.allow_private` overrides the table, for the networks in it only."""
    assert public([network]).permits_address(address)
    assert not public([network]).permits_address("10.0.0.1")


@pytest.mark.parametrize(
    "network", ["64:ff9b::/96", "::ffff:0:0/96", "2002::/16", "2001::/32", "10.0.0.1/8"]
)
def test_a_network_that_allows_more_than_it_names_is_an_error(network: str) -> None:
    """A network that contains IPv4 addresses would also allow loopback."""
    with pytest.raises(ValueError, match=r"network|host bits"):
        public([network])


def test_a_refusal_of_many_addresses_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have hundreds of addresses. Its error is stored and logged."""
    many = [(2, 1, 6, "", (f"10.{n}.0.1", 80)) for n in range(200)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: many)
    with a_client() as client:
        answer = client.send(get("http://many.example/", stranger=True))
    assert answer.refused
    assert answer.error
    assert len(answer.error) < 250
