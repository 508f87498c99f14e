"""The published files as prepared answers. A request decides which one to send, and nothing else.

The catalogue is replaced whole when a run commits: body and headers of an answer were made together, and a
request that began before the change ends with what it began with.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from syndicator.web.conditional import has_strong_tag, has_tag, is_later, is_same
from syndicator.web.limiter import Limiter
from syndicator.web.negotiation import IDENTITY, choose

Headers = list[tuple[bytes, bytes]]

#: Called once a request, with the status, the file's suffix ("rss", "html"; "" when there is no such file)
#: and the ASGI scope. It is in every request's way: count, don't think.
OnRequest = Callable[[int, str, Scope], None]

_ALLOW = (b"allow", b"GET, HEAD, OPTIONS")
_ETAG_SUFFIX = {IDENTITY: "", "gzip": "-gz", "br": "-br"}
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since"})
_ASKED = _CONDITIONS | {b"accept-encoding"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFile:
    """One file as the folder holds it: its bytes in each encoding, and what is said of them."""

    path: str  #: below the output folder
    media_type: str
    updated: datetime  #: when these bytes were first published
    digest: str  #: of bodies["identity"], the very bytes given here
    link: str | None  #: the Link header; None: a page or a list, that no hub tells of
    bodies: Mapping[str, bytes]  #: by content coding: "identity" always, "gzip" and "br" where they are smaller


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Variant(NamedTuple):
    """A file in one encoding."""

    etag: bytes
    ok: Answer
    not_modified: Answer


class Prepared(NamedTuple):
    """Everything that can be said of one path."""

    suffix: str
    variants: Mapping[str, Variant]
    offered: tuple[str, ...]  #: the smallest first
    last_modified: bytes


def _plain(status: int, text: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = text.encode()
    said = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body)), *headers]
    return Answer(status, said, body)


_GONE = _plain(410, "This feed is no longer made.\n")
_NOT_ALLOWED = _plain(405, "Only GET and HEAD are answered here.\n", _ALLOW)
_OPTIONS = Answer(204, [_ALLOW], b"")
_NOT_ACCEPTABLE = _plain(406, "This file is here as it is, or in gzip or br.\n", (b"vary", b"Accept-Encoding"))
_FAILED = _plain(412, "The file is not what the request expects.\n")


def too_often(wait: int) -> Answer:
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
        sent: Headers = [(b"content-type", file.media_type.encode()), (b"content-length", b"%d" % len(body))]
        if coding != IDENTITY:
            sent.append((b"content-encoding", coding.encode()))
        variants[coding] = Variant(etag, Answer(200, sent + validated, body), Answer(304, validated, b""))
    offered = tuple(sorted(file.bodies, key=lambda coding: (len(file.bodies[coding]), coding)))
    return Prepared(file.path.rpartition(".")[2], variants, offered, last_modified)


def moved_to(url: str) -> Answer:
    """A redirect carries no links: clients join the headers of all hops and would see two selfs."""
    location = quote(url, safe=":/?#[]@!$&'()*+,;=%~")
    return _plain(301, f"Moved to {location}\n", (b"location", location.encode("ascii")))


def answer(file: Prepared, headers: Headers) -> Answer:
    """The answer to a GET or HEAD, by the precedence of RFC 9110 §13.2.2. Range is not offered (§14.2)."""
    asked: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ASKED:  # several lines are one list (§5.3)
            asked[name] = asked[name] + b", " + value if name in asked else value
    coding = choose(asked.get(b"accept-encoding"), file.offered)
    if coding is None:
        return _NOT_ACCEPTABLE
    variant = file.variants[coding]
    if (tags := asked.get(b"if-match")) is not None:
        if not has_strong_tag(tags, variant.etag):
            return _FAILED
    elif (date := asked.get(b"if-unmodified-since")) is not None and is_later(file.last_modified, date):
        return _FAILED
    if (tags := asked.get(b"if-none-match")) is not None:
        return variant.not_modified if has_tag(tags, variant.etag) else variant.ok
    if (date := asked.get(b"if-modified-since")) is not None and is_same(file.last_modified, date):
        return variant.not_modified
    return variant.ok


class Catalogue:
    """What there is to serve, by path. `replace` is safe from any thread, and takes effect at once."""

    def __init__(self, *, max_age: int, root: str = "/") -> None:
        """`max_age` in seconds. `root` is the path of the feeds' public address: behind a proxy that doesn't
        strip it, and with nothing in front, requests arrive with it.
        """
        self._max_age = max_age
        self._roots = dict.fromkeys(("/", root))
        self._made: dict[str, tuple[PublishedFile, Prepared]] = {}
        self._paths: dict[str, Prepared | Answer] = {}

    def replace(
        self, files: Iterable[PublishedFile], *, gone: Iterable[str] = (), moved: Mapping[str, str] | None = None
    ) -> None:
        """Serve these files and no others. `gone` paths are answered 410, `moved` ones 301 to the address given.

        A file that is the same object as before costs nothing.
        """
        made = {}
        for file in files:
            before = self._made.get(file.path)
            made[file.path] = before if before and before[0] is file else (file, prepare(file, self._max_age))
        answers: dict[str, Prepared | Answer] = dict.fromkeys(gone, _GONE)
        answers.update((path, moved_to(url)) for path, url in (moved or {}).items())
        answers.update((path, prepared) for path, (_, prepared) in made.items())
        if "index.html" in answers:
            answers[""] = answers["index.html"]
        self._made = made
        self._paths = {root + path: found for root in self._roots for path, found in answers.items()}

    def find(self, path: str) -> Prepared | Answer | None:
        """What there is at a path as the request names it, decoded; None: nothing."""
        return self._paths.get(path)


class Feeds:
    """The ASGI app in front: what the catalogue knows is answered here, everything else by `rest`."""

    def __init__(
        self, catalogue: Catalogue, rest: ASGIApp, *, on_request: OnRequest, limiter: Limiter | None = None
    ) -> None:
        self._catalogue = catalogue
        self._rest = rest
        self._on_request = on_request
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._catalogue.find(scope["path"])
        if found is None:
            await self._rest(scope, receive, send)
            return
        method = scope["method"]
        suffix = ""
        if isinstance(found, Answer):
            reply = found
        else:
            suffix = found.suffix
            if method in ("GET", "HEAD"):
                reply = self._limited(scope, answer(found, scope["headers"]))
            else:
                reply = _OPTIONS if method == "OPTIONS" else _NOT_ALLOWED
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})
        self._on_request(reply.status, suffix, scope)

    def _limited(self, scope: Scope, reply: Answer) -> Answer:
        if self._limiter is None or reply.status != 200 or scope["method"] != "GET":
            return reply
        if any(name in _CONDITIONS for name, _ in scope["headers"]):
            return reply
        wait = self._limiter.wait(scope, dict(reply.headers)[b"etag"])
        return reply if wait is None else too_often(wait)
