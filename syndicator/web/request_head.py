"""What is refused in the head of a request, beyond what the parser refuses."""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address

from syndicator.web.prepared_responses import Headers
from syndicator.web.proxies import FORWARDED

#: Headers that more than a lookup depends on.
HEEDED = FORWARDED | {b"host", b"expect", b"upgrade"}

#: Headers that announce a body.
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

#: uri-host [ ":" port ] of RFC 9110 §7.2, with RFC 3986's reg-name or IP-literal. It may be empty.
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


def mistake(method: bytes, version: str, heeded: Headers, headers: Headers) -> str | None:
    """Why a request is refused; None: it is not. `heeded`: its headers that are in HEEDED."""
    if not are_hosts([value for name, value in heeded if name == b"host"], version):
        return "it has no Host, or no valid one"
    if any(name == b"upgrade" for name, _ in heeded) and any(
        name in _FRAMING for name, _ in headers
    ):
        return "it asks for an upgrade, and httptools would take its body for the next request"
    if method == b"CONNECT":
        return "it asks for a tunnel, and httptools takes what follows for the next request"
    return None


def are_hosts(values: Sequence[bytes], version: str) -> bool:
    """Whether the Host headers are valid (RFC 9112 §3.2): one, up to HTTP/1.0 at most one."""
    if not values:
        return version in ("1.0", "0.9")
    return len(values) == 1 and is_host(values[0])
