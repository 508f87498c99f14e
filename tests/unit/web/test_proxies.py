"""The notice of a proxy that is not configured."""

from ipaddress import ip_network

from syndicator.web.proxies import Proxies


def test_a_proxy_that_is_not_named_is_reported_once() -> None:
    """One address for this machine and its networks, however many come: who sends the header fills no log."""
    seen: list[str] = []
    proxies = Proxies([ip_network("10.0.0.1/32")], on_unnamed=seen.append)
    for peer in ("10.0.0.1", "10.0.0.2", "10.0.0.2", "127.0.0.1", "192.168.0.1", "8.8.8.8"):
        proxies.see(peer)
    assert seen == ["10.0.0.2"]


def test_a_stranger_does_not_keep_our_own_proxy_from_being_reported() -> None:
    """A public address counts apart: it may be a CDN, and may as well be anyone's."""
    seen: list[str] = []
    proxies = Proxies(on_unnamed=seen.append)
    for peer in ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "127.0.0.1", "8.8.8.8", "127.0.0.2"):
        proxies.see(peer)
    assert seen == ["8.8.8.8", "127.0.0.1"]


def test_an_address_that_is_none_is_no_proxy() -> None:
    """A UNIX socket has no address."""
    seen: list[str] = []
    Proxies(on_unnamed=seen.append).see("")
    assert seen == []
