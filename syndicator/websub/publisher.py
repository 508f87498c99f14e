"""Telling a hub that a topic changed (W3C WebSub §6, and PubSubHubbub 0.3 §7.1, which hubs still speak)."""

from dataclasses import replace
from urllib.parse import urlencode, urljoin, urlsplit

from syndicator.debts import Answer, Request

#: How many 307/308 in a row are followed.
MAX_HOPS = 3


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


def follow(request: Request, answer: Answer) -> Request | None:
    """The same request at the place a 307 or 308 names (RFC 9110 §15.4.8, §15.4.9); None: it names none.

    No other redirect keeps a POST a POST, so no other is followed. The operator named the hub, not what it
    points to: another host is held to the rules for strangers.
    """
    if answer.status not in (307, 308) or not (location := answer.headers.get("location")):
        return None
    try:
        url = urljoin(request.url, location)
        elsewhere = urlsplit(url).hostname != urlsplit(request.url).hostname
    except ValueError:  # brackets that hold no address
        return None
    if not url.startswith(("http://", "https://")):
        return None
    return replace(request, url=url, stranger=request.stranger or elsewhere)
