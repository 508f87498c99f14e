"""Telling a hub that a topic changed (W3C WebSub §6, and PubSubHubbub 0.3 §7.1, which hubs still speak)."""

from dataclasses import replace
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from syndicator.model.outbox import Request, Response

#: How many 307/308 in a row are followed.
MAX_HOPS = 3

#: The schemes that are followed, and their ports where none is written.
_PORTS = {"http": 80, "https": 443}


def ping(hub: str, topic: str) -> Request:
    """One POST for one topic: the only form that every hub takes.

    Half of them read `hub.url`, the other half `hub.topic`; hubs keep few of many topics in one request.
    """
    form = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic})
    return Request(
        method="POST",
        url=hub,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=form.encode("ascii"),
    )


def follow(request: Request, answer: Response) -> Request | None:
    """The same request at the place a 307 or 308 names (RFC 9110 §15.4.8, §15.4.9); None: it names none.

    No other redirect keeps a POST a POST, so no other is followed. The operator named the hub, not
    what it points to: only the same scheme, host and port keep the operator's trust. Anything else
    is held to the rules for strangers, an upgrade to https too: another server may listen there.
    Nor does trust come back: in a chain that left the hub, a stranger chose each further address.
    User names and passwords go to the hub alone, and none is taken from a redirect.
    """
    if answer.status not in (307, 308) or not (location := answer.headers.get("location")):
        return None
    try:
        here, there = urlsplit(request.url), urlsplit(urljoin(request.url, location))
        stranger = request.stranger or _origin(here) != _origin(there)
    except ValueError:  # brackets that hold no address, a port that is no number
        return None
    if there.scheme not in _PORTS or not there.hostname:
        return None
    named, _, host = there.netloc.rpartition("@")
    own, _, _ = here.netloc.rpartition("@")
    if named not in ("", own):
        return None
    netloc = f"{own}@{host}" if own and not stranger else host
    return replace(request, url=there._replace(netloc=netloc).geturl(), stranger=stranger)


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    """What an address has in common with others of the same server (RFC 6454 §4)."""
    port = _PORTS.get(url.scheme) if url.port is None else url.port
    return url.scheme, url.hostname, port
