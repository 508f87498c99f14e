"""The catalogue of published files. A request looks up its answer, and decides nothing else.

The catalogue is replaced whole for each feed that a run publishes, all of its formats at one instant. Body and
headers of an answer were made together, and a request that began before the change ends with what it began with.
"""

from collections.abc import Callable, Iterable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import (
    CONDITIONS,
    GONE,
    NOT_ALLOWED,
    OPTIONS,
    Prepared,
    PreparedResponse,
    PublishedFile,
    answer,
    moved_to,
    prepare,
    too_many_requests,
)
from syndicator.web.proxies import Proxies

#: Called once a request, with the status, the file's format ("rss", "html"; "" when there is no such file)
#: and the ASGI scope. It is in every request's way: count, don't think.
OnRequest = Callable[[int, str, Scope], None]


class Catalogue:
    """What there is to serve, by path."""

    def __init__(
        self, *, max_age: int, root: str = "/", moved: Mapping[str, str] | None = None
    ) -> None:
        """`max_age` in seconds. `root` is the path of the feeds' public address: behind a proxy that doesn't
        strip it, and with nothing in front, requests arrive with it. `moved` paths, whatever stands there, are
        answered 301 to the address given.
        """
        self._max_age = max_age
        self._roots = dict.fromkeys(("/", root))
        self._moved = {path: moved_to(url) for path, url in (moved or {}).items()}
        self._paths: dict[str, Prepared | PreparedResponse] = {}
        self.update([])

    def update(self, files: Iterable[PublishedFile], *, gone: Iterable[str] = ()) -> None:
        """Serve these files, answer 410 for what is gone, and all others as before: at one instant for all of
        them. One thread at a time may call it, whoever asks meanwhile.
        """
        answers: dict[str, Prepared | PreparedResponse] = dict.fromkeys(gone, GONE)
        answers.update((file.path, prepare(file, self._max_age)) for file in files)
        answers.update(self._moved)
        if "index.html" in answers:
            answers[""] = answers["index.html"]
        self._paths = self._paths | {
            root + path: found for root in self._roots for path, found in answers.items()
        }

    @property
    def is_whole(self) -> bool:
        """Whether the first run is over: the page of all feeds comes last."""
        return "/index.html" in self._paths

    def find(self, path: str) -> Prepared | PreparedResponse | None:
        """What there is at a path as the request names it, decoded; None: nothing."""
        return self._paths.get(path)


class FeedCatalogue:
    """The ASGI app in front: what the catalogue knows is answered here, everything else by `rest`."""

    def __init__(
        self,
        catalogue: Catalogue,
        rest: ASGIApp,
        *,
        on_request: OnRequest,
        limiter: PollLimiter | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._rest = rest
        self._on_request = on_request
        self._limiter = limiter
        self.proxies = proxies or Proxies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self.reply(scope)
        if reply is None:
            await self._rest(scope, receive, send)
            return
        await send(
            {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        )
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body}
        )

    def reply(self, scope: Scope) -> PreparedResponse | None:
        """The answer from the catalogue, counted as given; None: the path is not in it."""
        found = self._catalogue.find(scope["path"])
        if found is None:
            return None
        if isinstance(found, PreparedResponse):
            format, reply = "", found
        else:
            format, reply = found.format, self._answer(found, scope)
        self._on_request(reply.status, format, scope)
        return reply

    def _answer(self, file: Prepared, scope: Scope) -> PreparedResponse:
        method, headers = scope["method"], scope["headers"]
        if method not in ("GET", "HEAD"):
            return OPTIONS if method == "OPTIONS" else NOT_ALLOWED
        reply = answer(file, headers)
        if self._limiter is None or reply.status != 200 or method == "HEAD":
            return reply
        if any(name in CONDITIONS for name, _ in headers):
            return reply
        wait = self._limiter.wait(scope, dict(reply.headers)[b"etag"])
        return reply if wait is None else too_many_requests(wait)
