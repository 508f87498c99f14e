"""Which addresses count as one client or host in limits: IPv4 addresses, IPv6 /64s, host names."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit


@lru_cache(maxsize=4096)  # called for each response
def network_of(address: str) -> str:
    """The key under which limits count an IP address.

    An IPv4 address, or the /64 of an IPv6 address; "": it is not an IP address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def host_name(url: str) -> str:
    """The key under which limits count the host of a URL; "": the URL has no host.

    Every spelling and port of a host has the same key.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return network_of(host) or host


def host_and_port(url: str) -> str:
    """Host and port of a URL, in lower case, without user and password; "": not a URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def queue_key(target: str, name: str) -> str:
    """The fair queue for requests to a target. `name`: see `model.outbox.Job.host`.

    Each port of a hub has a queue of its own. A callback at a public address has one queue for all
    ports, because ports are free. Other addresses are allowed by the operator
    (`hub.allow_private`) and may run several services, so each of their ports has its own.
    """
    return f"{name}:{urlsplit(target).port or ''}" if _is_private(name) else name


@lru_cache(maxsize=4096)  # called for each request
def _is_private(name: str) -> bool:
    try:
        return not ip_network(name).is_global
    except ValueError:  # a host name
        return False
