"""The keys of hosts and networks in limits, and the fair queue of a request."""

import pytest

from syndicator.model.client_keys import host_name, network_of, queue_key


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Reader.Example:8443/cb?k=1", "reader.example"),
        ("http://reader.example./", "reader.example"),
        ("http://reader.example:/", "reader.example"),
        ("http://XN--BCHER-KVA.example/", "xn--bcher-kva.example"),
        ("http://192.0.2.1:80/", "192.0.2.1"),
        ("http://[2001:DB8:1:2::3]/", "2001:db8:1:2::/64"),
        ("http://[2001:db8:0001:2:ffff::]:1/", "2001:db8:1:2::/64"),
        ("http://[::ffff:192.0.2.1]/", "192.0.2.1"),
        ("http:///", ""),
        ("http://[::1", ""),
    ],
)
def test_a_host_has_one_name(url: str, name: str) -> None:
    """In every spelling and on every port; an IPv6 address counts as its /64."""
    assert host_name(url) == name


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("a.example", ""),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    """An IPv4 address, or the /64 of an IPv6 address."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("reader.example", "reader.example"),
        ("93.184.215.14", "93.184.215.14"),
        ("2a00:1450::/64", "2a00:1450::/64"),
        ("127.0.0.2", "127.0.0.2:8443"),
        ("fd00::/64", "fd00::/64:8443"),
        ("hub.example:8443", "hub.example:8443"),
        ("127.0.0.1:8443", "127.0.0.1:8443"),
    ],
)
def test_a_public_address_has_one_queue_for_all_ports(name: str, queue: str) -> None:
    """On the operator's own machines each port is another service, with its own queue."""
    assert queue_key("https://reader.example:8443/cb", name) == queue
