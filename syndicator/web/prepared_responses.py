"""Everything that can be answered about a published file, made before anyone asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from syndicator.web.conditional import has_strong_tag, has_tag, is_later, is_same
from syndicator.web.negotiation import IDENTITY, choose

Headers = list[tuple[bytes, bytes]]

#: What a file is, by its media type. The first three are topics, whose answers carry the hubs.
FORMATS = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "text/html": "html",
    "text/x-opml": "opml",
}
FEEDS = frozenset({"rss", "atom", "json"})

_ALLOW = (b"allow", b"GET, HEAD, OPTIONS")
_ETAG_SUFFIX = {IDENTITY: "", "gzip": "-gz", "br": "-br"}
CONDITIONS = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since"}
)
_ASKED = CONDITIONS | {b"accept-encoding", b"sec-fetch-dest"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFile:
    """One file as the folder holds it: its bytes in each encoding, and what is said of them."""

    path: str  #: below the output folder
    media_type: str
    updated: datetime  #: when these bytes were first published
    digest: str  #: of bodies["identity"], the very bytes given here
    link: str | None  #: the Link header; None: a page or a list, that no hub tells of
    page: str | None = (
        None  #: its feed's page for people, below the output folder; None: it is no feed
    )
    bodies: Mapping[
        str, bytes
    ]  #: by content coding: "identity" always, "gzip" and "br" where they are smaller


class PreparedResponse(NamedTuple):
    status: int
    headers: Headers
    body: bytes
    head: bytes  #: status line and headers as sent, without those of the server and the empty line


class Variant(NamedTuple):
    """A file in one encoding."""

    etag: bytes
    ok: PreparedResponse
    not_modified: PreparedResponse


class Prepared(NamedTuple):
    """Everything that can be said of one path."""

    format: str  #: of `FORMATS`; "" for any other
    variants: Mapping[str, Variant]
    offered: tuple[str, ...]  #: the smallest first
    last_modified: bytes
    page: PreparedResponse | None  #: for people who open a feed in a browser


def _answer(status: int, headers: Headers, body: bytes = b"") -> PreparedResponse:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        *(b": ".join(line) for line in headers),
    ]
    return PreparedResponse(status, headers, body, b"\r\n".join([*lines, b""]))


def _plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> PreparedResponse:
    body = text.encode()
    said = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    return _answer(status, said, body)


GONE = _plain(410, "This feed is no longer made.\n")
NOT_ALLOWED = _plain(405, "Only GET and HEAD are answered here.\n", _ALLOW)
OPTIONS = _answer(204, [_ALLOW])
_NOT_ACCEPTABLE = _plain(
    406, "This file is here as it is, or in gzip or br.\n", (b"vary", b"Accept-Encoding")
)
_FAILED = _plain(412, "The file is not what the request expects.\n")
_CLOSE = (b"connection", b"close")
TOO_LARGE = _plain(431, "The request's headers are too large.\n", _CLOSE)
TOO_MANY = _plain(503, "Too many connections\n", (b"retry-after", b"20"), _CLOSE)


def too_many_requests(wait: int) -> PreparedResponse:
    text = "You have these bytes: ask with If-None-Match or If-Modified-Since, and you may ask as often as you like.\n"
    return _plain(429, text, (b"retry-after", b"%d" % wait))


def prepare(file: PublishedFile, max_age: int) -> Prepared:
    """All answers there can be about a file. `max_age` in seconds."""
    last_modified = format_datetime(file.updated.replace(microsecond=0), usegmt=True).encode()
    shared: Headers = [
        (b"last-modified", last_modified),
        (b"cache-control", b"max-age=%d" % max_age),
        (b"vary", b"Accept-Encoding"),
    ]
    if file.link is not None:
        shared.append((b"link", file.link.encode("ascii")))
    variants = {}
    for coding, body in file.bodies.items():
        etag = f'"{file.digest}{_ETAG_SUFFIX[coding]}"'.encode()
        # A 304 repeats Last-Modified and Link, which §15.4.5 leaves open: some readers keep what the last
        # answer said and forget the rest, and caches renew what they hold from it.
        validated: Headers = [(b"etag", etag), *shared]
        sent: Headers = [
            (b"content-type", file.media_type.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        if coding != IDENTITY:
            sent.append((b"content-encoding", coding.encode()))
        variants[coding] = Variant(
            etag, _answer(200, sent + validated, body), _answer(304, validated)
        )
    offered = tuple(sorted(file.bodies, key=lambda coding: (len(file.bodies[coding]), coding)))
    format = format_of(file.media_type)
    page = None
    if file.page is not None:
        up = "../" * file.path.count("/")
        page = _see(f"{up}{quote(file.page)}#{format}")
    return Prepared(format, variants, offered, last_modified, page)


def format_of(media_type: str) -> str:
    """What a file of this media type is counted as, and called on its feed's page."""
    return FORMATS.get(media_type.partition(";")[0], "")


def _see(page: str) -> PreparedResponse:
    """To the page for people. Browsers show a feed as plain source, and only browsers, only when a person opens
    an address, say `Sec-Fetch-Dest: document` (https://www.w3.org/TR/fetch-metadata/). `Accept` says nothing:
    readers send what browsers send. No cache may keep this, so none can give it to a reader.
    """
    headers = (
        (b"location", page.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Sec-Fetch-Dest"),
    )
    return _plain(303, f"A feed, for feed readers. The page about it: {page}\n", *headers)


def moved_to(url: str) -> PreparedResponse:
    """A redirect carries no links: clients join the headers of all hops and would see two selfs."""
    location = quote(url, safe=":/?#[]@!$&'()*+,;=%~")
    return _plain(301, f"Moved to {location}\n", (b"location", location.encode("ascii")))


def answer(file: Prepared, headers: Headers) -> PreparedResponse:
    """The answer to a GET or HEAD, by the precedence of RFC 9110 §13.2.2. Range is not offered (§14.2)."""
    asked: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ASKED:  # several lines are one list (§5.3)
            asked[name] = asked[name] + b", " + value if name in asked else value
    if file.page is not None and asked.get(b"sec-fetch-dest") == b"document":
        return file.page
    coding = choose(asked.get(b"accept-encoding"), file.offered)
    if coding is None:
        return _NOT_ACCEPTABLE
    variant = file.variants[coding]
    if (tags := asked.get(b"if-match")) is not None:
        if not has_strong_tag(tags, variant.etag):
            return _FAILED
    elif (date := asked.get(b"if-unmodified-since")) is not None and is_later(
        file.last_modified, date
    ):
        return _FAILED
    if (tags := asked.get(b"if-none-match")) is not None:
        return variant.not_modified if has_tag(tags, variant.etag) else variant.ok
    if (date := asked.get(b"if-modified-since")) is not None and is_same(file.last_modified, date):
        return variant.not_modified
    return variant.ok
