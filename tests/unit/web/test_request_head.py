"""Request heads that are refused: invalid Host (RFC 9112 §3.2, RFC 9110 §7.2), upgrades."""

import pytest

from syndicator.web.request_head import are_hosts, is_host, origin_form, refusal

HOSTS = (
    *(b"x", b"feeds.example.com", b"feeds.example.com:8080", b"example.com.", b"EXAMPLE.com"),
    *(b"xn--bcher-kva.example", b"my_host", b"127.0.0.1", b"127.0.0.1:80", b"a%20b", b"a,b"),
    *(b"[::1]", b"[::1]:8080", b"[2001:db8::192.0.2.1]", b"x:", b"", b":80", b"x \t"),
)
INVALID = (
    *(b"a b", b"a/b", b"user@host", b"x:port", b"x:-1", b"x:80:80", b"http://x", b"x?y", b"x#y"),
    *(b"::1", b"[::1", b"::1]", b"[]", b"[x]", b"[::1]x", b"[1.2.3.4]", b"[:::::]"),
    *(b"[fe80::1%eth0]", b"%", b"%zz", b"b\xc3\xbccher.example", b"x\x00", b"<x>", b'"x"'),
    *(b"x\\y", b"x, y", b"a\tb"),
)


@pytest.mark.parametrize("value", HOSTS)
def test_valid_hosts(value: bytes) -> None:
    """A name, an IPv4 address or an IPv6 address in brackets, with or without a port; or empty."""
    assert is_host(value)


@pytest.mark.parametrize("value", INVALID)
def test_invalid_hosts(value: bytes) -> None:
    """Everything else, so that no request is attributed to another host."""
    assert not is_host(value)


@pytest.mark.parametrize(
    ("values", "version", "valid"),
    [
        ([b"x"], "1.1", True),
        ([b"x"], "1.0", True),
        ([], "1.0", True),
        ([], "0.9", True),
        ([], "1.1", False),
        ([], "2.0", False),
        ([b"x", b"x"], "1.1", False),
        ([b"x", b"y"], "1.0", False),
        ([b"a b"], "1.0", False),
    ],
)
def test_one_host(values: list[bytes], version: str, valid: bool) -> None:
    """HTTP/1.1 has exactly one. HTTP/1.0 may have none, but not two or an invalid one."""
    assert are_hosts(values, version) is valid


def test_an_upgrade_with_a_body() -> None:
    """It is refused: its body would be parsed as the next request. So is CONNECT."""
    host, upgrade = (b"host", b"x"), (b"upgrade", b"h2c")
    length = (b"content-length", b"3")
    assert refusal(b"GET", "1.1", [host, upgrade], [host, upgrade]) is None
    assert refusal(b"GET", "1.1", [host], [host, length]) is None
    assert refusal(b"GET", "1.1", [host, upgrade], [host, upgrade, length]) is not None
    assert refusal(b"GET", "1.1", [upgrade], [upgrade]) is not None
    assert refusal(b"CONNECT", "1.1", [host], [host]) is not None


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://h", b"/"),
        (b"http://h?x=1", b"/?x=1"),
        (b"HTTP://h:80/all.rss?x=http://y/z", b"/all.rss?x=http://y/z"),
        (b"https://[::1]:8080/", b"/"),
        (b"/all.rss?x=http://y", b"/all.rss?x=http://y"),
        (b"//http://h", b"//http://h"),
        (b"*", b"*"),
        (b"http:///all.rss", b"http:///all.rss"),  # invalid without a host (RFC 9110 §4.2.1)
    ],
)
def test_a_url_as_the_target(target: bytes, path: bytes) -> None:
    """Its path may be empty (RFC 9112 §3.2.2). The host in it counts as little as `Host`."""
    assert origin_form(target) == path
