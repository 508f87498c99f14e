"""The catalogue of published files: paths and their prepared responses.

Each feed that a run publishes replaces the catalogue atomically, all formats of the feed at once.
A response's body and headers were built together. A request that began before the change is
answered from the old catalogue.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from syndicator.web.archives import ArchivedResponses, Archives
from syndicator.web.conditional import CONDITIONS
from syndicator.web.messages import Message, Messages
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import (
    NOT_ALLOWED,
    OPTIONS,
    Prepared,
    PreparedResponse,
    PublishedFile,
    moved_to,
    prepare,
    see_other,
    select,
    too_many_requests,
)
from syndicator.web.proxies import Proxies

#: Called once per request, with the status, the file's format ("rss", "html"; "" for other paths)
#: and the ASGI scope. Hot path: keep it cheap.
OnRequest = Callable[[int, str, Scope], None]


#: What is at a path: a file, a redirect, or the message that a file is gone.
Entry = Prepared | PreparedResponse | Message


class Catalogue:
    """Prepared responses by path, and the pages of the feeds' archives."""

    def __init__(
        self,
        *,
        max_age: int,
        home: str = "/",
        moved: Mapping[str, str] | None = None,
        archives: Archives | None = None,
    ) -> None:
        """`max_age` is in seconds. `home` is the feeds' public address.

        Requests arrive with its path where no proxy strips it. Paths in `moved` are redirected
        (301) to the given address, even if a file has the path. `archives`: pages that are looked
        up after the files; None: there are none.
        """
        self._max_age = max_age
        self._root = unquote(urlsplit(home).path) or "/"
        self._roots = dict.fromkeys(("/", self._root))
        self._home = home
        self.archives = archives
        self.messages = Messages(home)
        self._moved = {path: moved_to(url) for path, url in (moved or {}).items()}
        self._paths: dict[str, Entry] = {}
        self.update([])

    def update(self, files: Iterable[PublishedFile], *, gone: Iterable[str] = ()) -> None:
        """Add or replace files and answer 410 for `gone` paths, atomically; other paths stay.

        Only one thread at a time may call it. Requests may be answered meanwhile.
        """
        responses: dict[str, Entry] = {}
        if gone := tuple(gone):
            responses |= dict.fromkeys(gone, self.messages.gone)
        responses.update((file.path, prepare(file, self._max_age)) for file in files)
        responses.update(self._moved)
        index = responses.get("index.html")
        if index is not None:
            responses[""] = index
        paths = {
            root + path: response for root in self._roots for path, response in responses.items()
        }
        if isinstance(index, Prepared) and (base := self._root.removesuffix("/")):
            # Links of the page start at the path with its slash. A redirect to that path would
            # never end behind a proxy that removes the slash.
            paths[base] = index._replace(page=see_other(f"{self._home}index.html"))
        self._paths = self._paths | paths

    @property
    def is_complete(self) -> bool:
        """Whether the first run is complete: it publishes the index page last."""
        return "/index.html" in self._paths

    def find(self, path: str) -> Entry | None:
        """What is served at a decoded request path; None if nothing is."""
        found = self._paths.get(path)
        return self._paths.get(without_slip(path, self._root)) if found is None else found

    def find_archived(self, path: str) -> ArchivedResponses | PreparedResponse | None:
        """The same for a page of an archive."""
        if self.archives is None:
            return None
        for candidate in (path, without_slip(path, self._root)):
            for root in self._roots:
                if candidate.startswith(root):
                    found = self.archives.find(candidate.removeprefix(root))
                    if found is not None:
                        return found
        return None


def without_slip(path: str, root: str) -> str:
    """Correct the usual mistakes of a proxy that replaces `root`, the public path.

    nginx's proxy_pass and Apache's ProxyPass replace the text of a path's beginning
    (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass). If only one of the two
    texts ends with a slash, `/feeds/all.rss` becomes `//all.rss` or `/feedsall.rss`.
    """
    path = single_slashes(path)
    rest = path.removeprefix(root.removesuffix("/"))
    return f"/{rest}" if rest != path and not rest.startswith("/") else path


def single_slashes(path: str) -> str:
    """No path of ours has two slashes in a row."""
    return re.sub("/{2,}", "/", path)


class FeedCatalogue:
    """ASGI app that answers from the catalogue, and passes other paths to `rest`."""

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
            await self._rest({**scope, "path": single_slashes(scope["path"])}, receive, send)
            return
        await send(
            {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        )
        body = b"" if scope["method"] == "HEAD" else reply.content()
        await send({"type": "http.response.body", "body": body})

    def reply(self, scope: Scope) -> PreparedResponse | None:
        """The response from the catalogue, after counting it; None if the path is not in it."""
        entry = self._catalogue.find(scope["path"])
        if entry is None:
            return None
        if isinstance(entry, Prepared):
            format, reply = entry.format, limited(scope, select_for(scope, entry), self._limiter)
        elif isinstance(entry, Message):
            format, reply = "", entry.select(scope["method"], scope["headers"])
        else:
            format, reply = "", entry
        self._on_request(reply.status, format, scope)
        return reply


def select_for(scope: Scope, file: Prepared) -> PreparedResponse:
    """The response to a request for a file."""
    method = scope["method"]
    if method not in ("GET", "HEAD"):
        return OPTIONS if method == "OPTIONS" else NOT_ALLOWED
    return select(file, scope["headers"])


def limited(scope: Scope, reply: PreparedResponse, limiter: PollLimiter | None) -> PreparedResponse:
    """The response to a request for a file, or 429. Full responses are counted."""
    if limiter is None or reply.status != 200 or scope["method"] == "HEAD":
        return reply
    if any(name in CONDITIONS for name, _ in scope["headers"]):
        return reply
    wait = limiter.wait(scope, dict(reply.headers)[b"etag"])
    return reply if wait is None else too_many_requests(wait)
