"""All responses for a published file, built once when it is published.

`prepare` builds them; `select` picks one for a request: by encoding (`negotiation`) and
preconditions (`conditional`).
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct, field

from syndicator.web.conditional import CONDITIONS, evaluate
from syndicator.web.negotiation import IDENTITY, choose
from syndicator.web.packed_bodies import PackedBody, packed

Headers = list[tuple[bytes, bytes]]

#: Names of formats, by media type.
FORMATS = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "text/html": "html",
    "text/x-opml": "opml",
}

#: The formats that are WebSub topics: their responses name the hubs.
FEEDS = frozenset({"rss", "atom", "json"})

_ALLOW = (b"allow", b"GET, HEAD, OPTIONS")
_ETAG_SUFFIX = {IDENTITY: "", "gzip": "-gz", "br": "-br"}

#: The request headers that `select` reads.
_USED = CONDITIONS | {b"accept-encoding", b"sec-fetch-dest"}


class PublishedFile(Struct, frozen=True, kw_only=True):
    """A file of the output folder, with its bytes in each encoding."""

    path: str  #: relative to the output folder
    media_type: str
    updated: datetime  #: when these bytes were first published
    digest: str  #: of bodies["identity"]
    link: str | None  #: the Link header; None for files that are not topics
    #: The feed's page for people, relative to the output folder; None if the file is not a feed.
    page: str | None = None
    #: By content coding: "identity" always, "gzip" and "br" where they are smaller.
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    #: Instead of `bodies`, their sizes: they stay on disk, and the responses have no body.
    sizes_on_disk: Mapping[str, int] = field(default_factory=dict)

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of the body by content coding."""
        return self.sizes_on_disk or {name: len(body) for name, body in self.bodies.items()}


class PreparedResponse(NamedTuple):
    """One response, both as ASGI sends it and as bytes."""

    status: int
    headers: Headers
    body: bytes | PackedBody
    #: Status line and headers as bytes, without the server's own headers and the empty line.
    head: bytes

    def content(self) -> bytes | memoryview:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else self.body.unpacked()


class Variant(NamedTuple):
    """A file in one encoding."""

    etag: bytes
    ok: PreparedResponse
    not_modified: PreparedResponse


class Prepared(NamedTuple):
    """All responses for one path."""

    format: str  #: one of `FORMATS`; "" for other files
    variants: Mapping[str, Variant]  #: by content coding
    etags: tuple[bytes, ...]  #: of all variants
    offered: tuple[str, ...]  #: the content codings, smallest body first
    last_modified: bytes
    page: PreparedResponse | None  #: redirect for people who open a feed in a browser


def response(status: int, headers: Headers, body: bytes | PackedBody = b"") -> PreparedResponse:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(),
        *(b": ".join(line) for line in headers),
    ]
    return PreparedResponse(status, headers, body, b"\r\n".join([*lines, b""]))


def text_response(status: int, text: str, *headers: tuple[bytes, bytes]) -> PreparedResponse:
    body = text.encode()
    content: Headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
    ]
    return response(status, [*content, *headers], body)


def html_response(status: int, page: bytes, *headers: tuple[bytes, bytes]) -> PreparedResponse:
    content: Headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(page)),
    ]
    return response(status, [*content, *headers], page)


NOT_ALLOWED = text_response(405, "Only GET, HEAD and OPTIONS are allowed.\n", _ALLOW)
OPTIONS = response(204, [_ALLOW])
_NOT_ACCEPTABLE = text_response(
    406,
    "No acceptable encoding: this file is served as identity, gzip or br.\n",
    (b"vary", b"Accept-Encoding"),
)
_PRECONDITION_FAILED = text_response(412, "The file does not match the request's precondition.\n")
_CLOSE = (b"connection", b"close")
TOO_LARGE = text_response(431, "The request's headers are too large.\n", _CLOSE)
TOO_MANY = text_response(503, "Too many connections.\n", (b"retry-after", b"20"), _CLOSE)


def too_many_requests(wait: int) -> PreparedResponse:
    """429 for a client over the poll limit, which may retry after `wait` seconds."""
    text = (
        "You already have this version. Send If-None-Match or If-Modified-Since: "
        "conditional requests are not limited.\n"
    )
    return text_response(429, text, (b"retry-after", b"%d" % wait))


def prepare(file: PublishedFile, max_age: int) -> Prepared:
    """Build all responses for a file. `max_age` is in seconds."""
    last_modified = format_datetime(file.updated.replace(microsecond=0), usegmt=True).encode()
    shared: Headers = [
        (b"last-modified", last_modified),
        (b"cache-control", b"max-age=%d" % max_age),
        (b"vary", b"Accept-Encoding"),
    ]
    if file.link is not None:
        shared.append((b"link", file.link.encode("ascii")))
    variants = {}
    sizes = file.sizes
    bodies: dict[str, bytes | PackedBody] = {**file.bodies}
    if IDENTITY in file.bodies:
        bodies[IDENTITY] = packed(file.bodies[IDENTITY], file.bodies.get("gzip"))
    for coding, size in sizes.items():
        etag = f'"{file.digest}{_ETAG_SUFFIX[coding]}"'.encode()
        # A 304 may repeat Last-Modified and Link (RFC 9110 §15.4.5). It does: some readers keep
        # only the headers of the last response, and caches update theirs from it.
        validated: Headers = [(b"etag", etag), *shared]
        content: Headers = [
            (b"content-type", file.media_type.encode()),
            (b"content-length", b"%d" % size),
        ]
        if coding != IDENTITY:
            content.append((b"content-encoding", coding.encode()))
        ok = response(200, content + validated, bodies.get(coding, b""))
        variants[coding] = Variant(etag, ok, response(304, validated))
    offered = tuple(sorted(sizes, key=lambda coding: (sizes[coding], coding)))
    format = format_of(file.media_type)
    page = None
    if file.page is not None:
        up = "../" * file.path.count("/")
        page = see_other(f"{up}{quote(file.page)}#{format}")
    etags = tuple(variant.etag for variant in variants.values())
    return Prepared(format, variants, etags, offered, last_modified, page)


def format_of(media_type: str) -> str:
    """The name of a media type in `FORMATS`, for metrics and page anchors; "" for other types."""
    return FORMATS.get(media_type.partition(";")[0], "")


def see_other(page: str) -> PreparedResponse:
    """Redirect people to a page (303).

    Browsers show a feed as plain source. Only browsers send `Sec-Fetch-Dest: document`, and only
    for an address that a person opens (https://www.w3.org/TR/fetch-metadata/). `Accept` doesn't
    help: readers send the same as browsers. The redirect is not cached, so that no cache passes it
    to a reader.
    """
    headers = (
        (b"location", page.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Sec-Fetch-Dest"),
    )
    return text_response(303, f"People are sent to the page {page}\n", *headers)


def moved_to(url: str, *headers: tuple[bytes, bytes]) -> PreparedResponse:
    """Redirect permanently (301), without a Link header.

    Clients merge the headers of all hops, and would find two `self` links.
    """
    location = quote(url, safe=":/?#[]@!$&'()*+,;=%~")
    line = (b"location", location.encode("ascii"))
    return text_response(301, f"Moved to {location}\n", line, *headers)


def select(file: Prepared, headers: Headers) -> PreparedResponse:
    """The response to a GET or HEAD."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _USED:  # several lines of one field are one list (RFC 9110 §5.3)
            fields[name] = fields[name] + b", " + value if name in fields else value
    if file.page is not None and fields.get(b"sec-fetch-dest") == b"document":
        return file.page
    coding = choose(fields.get(b"accept-encoding"), file.offered)
    if coding is None:
        return _NOT_ACCEPTABLE
    variant = file.variants[coding]
    status = evaluate(fields, variant.etag, file.last_modified, others=file.etags)
    if status == 304:
        return variant.not_modified
    return variant.ok if status == 200 else _PRECONDITION_FAILED
