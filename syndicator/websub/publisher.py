"""Pings, which notify a hub that a topic changed.

See W3C WebSub §6, and PubSubHubbub 0.3 §7.1, which hubs still use.
"""

from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from msgspec.structs import replace

from syndicator.model.outbox import Request, Response

#: Redirects (307, 308) in a row that are followed.
MAX_HOPS = 3

#: The schemes of redirects that are followed, and their default ports.
_PORTS = {"http": 80, "https": 443}


def ping(hub: str, topic: str) -> Request:
    """One POST for one topic: the only form that every hub accepts.

    Some hubs read `hub.url`, others `hub.topic`. Hubs given many topics in one request keep few.
    """
    form = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic})
    return Request(
        method="POST",
        url=hub,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=form.encode("ascii"),
    )


def follow(request: Request, answer: Response) -> Request | None:
    """The request to send after a 307 or 308 (RFC 9110 §15.4.8, §15.4.9); None: nothing to follow.

    Other redirects are not followed, since they turn a POST into a GET. The operator named the hub,
    not the target of its redirect: only the same scheme, host and port keep the operator's trust.
    Any other target gets the rules for strangers, even an upgrade to https, since another server
    may listen there. Once a chain has left the hub, trust does not come back: a stranger chose each
    further address. Credentials go to the hub alone, and none from a redirect are accepted.
    """
    if answer.status not in (307, 308) or not (location := answer.headers.get("location")):
        return None
    try:
        here, there = urlsplit(request.url), urlsplit(urljoin(request.url, location))
        stranger = request.stranger or _origin(here) != _origin(there)
    except ValueError:  # brackets without an IPv6 address, or a port that is not a number
        return None
    if there.scheme not in _PORTS or not there.hostname:
        return None
    credentials, _, host = there.netloc.rpartition("@")
    own = here.netloc.rpartition("@")[0]
    if credentials not in ("", own):
        return None
    netloc = f"{own}@{host}" if own and not stranger else host
    return replace(request, url=there._replace(netloc=netloc).geturl(), stranger=stranger)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL (RFC 6454 §4)."""
    port = _PORTS.get(url.scheme) if url.port is None else url.port
    return url.scheme, url.hostname, port
