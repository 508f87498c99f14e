"""Refuses request heads that the parser accepts: invalid Host, upgrades with a body, CONNECT."""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address

from syndicator.web.prepared_responses import Headers
from syndicator.web.proxies import FORWARDED

#: Headers that need a check before the request is answered.
CHECKED = FORWARDED | {b"host", b"expect", b"upgrade"}

#: Headers that announce a body.
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

#: The part of an absolute-form target before its path, which may be empty (RFC 9112 §3.2.2).
_ORIGIN = re.compile(rb"https?://[^/?]+", re.IGNORECASE)

#: `uri-host [ ":" port ]` (RFC 9110 §7.2), with RFC 3986's reg-name or IP-literal. May be empty.
_HOST = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?|\[([0-9A-Fa-f:.]+)\](?::[0-9]*)?"
)


def is_host(value: bytes) -> bool:
    """Whether the value of a Host header is valid."""
    match = _HOST.fullmatch(value) or _HOST.fullmatch(value.strip(b" \t"))
    if match is None:
        return False
    if match[1] is None:
        return True
    try:
        IPv6Address(match[1].decode("ascii"))
    except ValueError:
        return False
    return True


def origin_form(target: bytes) -> bytes:
    """Path and query of a request's target: clients send URLs to a server they take for a proxy."""
    path = target[match.end() :] if (match := _ORIGIN.match(target)) else target
    return path if match is None or path.startswith(b"/") else b"/" + path


def refusal(method: bytes, version: str, checked: Headers, headers: Headers) -> str | None:
    """Why a request is refused; None if it is not. `checked` has its headers named in CHECKED."""
    if not are_hosts([value for name, value in checked if name == b"host"], version):
        return "it has no valid Host"
    if any(name == b"upgrade" for name, _ in checked) and any(
        name in _FRAMING for name, _ in headers
    ):
        return "it is an upgrade with a body, which httptools would parse as the next request"
    if method == b"CONNECT":
        return "it is a CONNECT, after which httptools would parse anything as the next request"
    return None


def are_hosts(values: Sequence[bytes], version: str) -> bool:
    """Whether the Host headers are valid (RFC 9112 §3.2): exactly one; in HTTP/1.0 at most one."""
    if not values:
        return version in ("1.0", "0.9")
    return len(values) == 1 and is_host(values[0])
