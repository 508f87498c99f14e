"""The request for a post's page, and what its response shows. Values in, values out."""

from datetime import datetime
from urllib.parse import SplitResult, urljoin, urlsplit

from msgspec.structs import replace

from syndicator.live.decision import LONGEST
from syndicator.model.awaited import LiveRules, PageAnswer
from syndicator.model.outbox import Request, Response
from syndicator.ruby.uris import page_file
from syndicator.websub.retry import retry_after

#: Redirects in a row that are followed.
MAX_HOPS = 3

#: Bytes of a page that are searched for `feeds.when_text`.
PAGE_LIMIT = 2**20

#: Statuses of a server that has no HEAD (RFC 9110 §15.5.6, §15.6.2).
_NO_HEAD = (405, 501)

_REDIRECTS = (301, 302, 303, 307, 308)

#: Statuses with which a server asks for a pause (RFC 6585 §4, RFC 9110 §15.6.4).
_BUSY = (429, 503)

_PORTS = {"http": 80, "https": 443}


def request_for(url: str, rules: LiveRules) -> Request:
    """A HEAD for a page; a GET if a text has to be on it.

    The page must come as it is, since its bytes are searched, and not from a cache in between.
    """
    headers = {"Accept": "text/html, */*;q=0.5", "Cache-Control": "no-cache"}
    return Request(
        method="GET" if rules.text else "HEAD",
        url=url,
        headers=headers,
        stranger=_host(url) not in rules.trusted_hosts,
        body_limit=PAGE_LIMIT,
    )


def _host(url: str) -> str | None:
    """The host of an address; None: it has none. Authors choose it, so it may not be valid."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def next_request(request: Request, response: Response) -> Request | None:
    """The request that a response leads to; None: it is final.

    A redirect is followed to the same page of the same host only: to https, or to the page's
    address with another ending (`/a`, `/a/`, `/a.html`). Elsewhere it may be a page for all errors.
    """
    if response.status in _NO_HEAD and request.method == "HEAD":
        return replace(request, method="GET")
    target = _redirect(request, response)
    if target is None or _difference(request.url, target):
        return None
    return replace(request, url=target)


def judge(request: Request, response: Response, text: str, now: datetime) -> PageAnswer:
    """Whether the page is live, by the final response to `request_for` it."""
    if response.status is None:
        by_rules = response.refused and request.stranger and not response.too_large
        hint = "; the config may name it in site.url" if by_rules else ""
        # A host that was connected to may serve its other pages well.
        reached = response.peer is not None
        return PageAnswer(live=False, text=f"{response.error}{hint}", reached=reached)
    if response.status == 200 and (not text or text.encode() in response.body):
        return PageAnswer(live=True)
    wait = retry_after(response, now) if response.status in _BUSY else None
    return PageAnswer(
        live=False,
        text=_reason(request, response),
        wait=min(wait, LONGEST) if wait else None,
    )


def _reason(request: Request, response: Response) -> str:
    """Why a page is not live."""
    if response.status == 200:
        coding = response.headers.get("content-encoding", "identity")
        if coding != "identity":
            return f"it can't be searched for feeds.when_text: it was sent as {coding[:20]}"
        return "feeds.when_text is not on it"
    target = _redirect(request, response)
    if target is not None:
        return f"it redirects to {_difference(request.url, target) or 'itself'}"
    return f"it answered {response.status}"


def _redirect(request: Request, response: Response) -> str | None:
    """The address that a response redirects to; None: it does not redirect, or to no address."""
    location = response.headers.get("location")
    if response.status not in _REDIRECTS or not location:
        return None
    try:
        target = urljoin(request.url, location)
        urlsplit(target).port  # noqa: B018 -- raises for a port that is not a number
    except ValueError:
        return None
    return target


def _difference(here: str, there: str) -> str | None:
    """What another address leads to instead of the same page; None: it is the same page."""
    one, other = urlsplit(here), urlsplit(there)
    if (one.hostname, other.username) != (other.hostname, one.username):
        return f"another host: {(other.hostname or 'none')[:100]}"
    if not _same_server(one, other):
        return "another port or scheme"
    if _stem(one.path) != _stem(other.path):
        return f"another page: {other.path[:100]}"
    return None


def _same_server(one: SplitResult, other: SplitResult) -> bool:
    """Whether scheme and port are the same, or it is an upgrade between the default ports."""
    upgrade = (one.scheme, other.scheme) == ("http", "https")
    if one.scheme != other.scheme and not upgrade:
        return False
    ports = (one.port or _PORTS.get(one.scheme), other.port or _PORTS.get(other.scheme))
    return ports[0] == ports[1] or (upgrade and ports == (80, 443))


def _stem(path: str) -> str:
    """The same for `/a`, `/a/`, `/a.html` and `/a/index.html`."""
    return page_file(path).removesuffix("/index.html").removesuffix(".html")
