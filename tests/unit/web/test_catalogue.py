"""The catalogue: what is served at a path, and what is counted."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from starlette.types import Receive, Scope, Send

from syndicator.web.catalogue import Catalogue, FeedCatalogue
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.prepared_responses import PreparedResponse, PublishedFile

MOVED = {"feed.xml": "https://news.example.com/all.rss"}


def published(
    path: str, body: bytes = b"<rss/>", kind: str = "application/rss+xml"
) -> PublishedFile:
    return PublishedFile(
        path=path,
        media_type=f"{kind}; charset=utf-8",
        updated=datetime(2026, 1, 15, tzinfo=UTC),
        digest="d1",
        link="<https://hub.example/>; rel=hub",
        bodies={"identity": body},
    )


def catalogue() -> Catalogue:
    made = Catalogue(max_age=300, home="/feeds/", moved=MOVED)
    made.update([published("all.rss"), published("feed.xml")], gone=["old.rss"])
    made.update([published("index.html", b"<html>", "text/html")])
    return made


async def rest(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError


class Requests:
    """Sends requests to a catalogue, and keeps what was counted."""

    def __init__(self, files: Catalogue, limiter: PollLimiter | None = None) -> None:
        self.counted: list[tuple[int, str]] = []
        self._app = FeedCatalogue(
            files,
            rest,
            on_request=lambda status, format, _: self.counted.append((status, format)),
            limiter=limiter,
        )

    def send(
        self, path: str, method: str = "GET", headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> PreparedResponse | None:
        return self._app.reply(
            {"path": path, "method": method, "headers": headers, "client": ("192.0.2.1", 1)}
        )


@pytest.mark.parametrize(
    ("method", "path", "status", "format"),
    [
        ("GET", "/all.rss", 200, "rss"),
        ("GET", "/feeds/all.rss", 200, "rss"),
        ("HEAD", "/all.rss", 200, "rss"),
        ("POST", "/all.rss", 405, "rss"),
        ("OPTIONS", "/all.rss", 204, "rss"),
        ("GET", "/", 200, "html"),
        ("GET", "/feeds/", 200, "html"),
        ("GET", "/index.html", 200, "html"),
        ("GET", "/old.rss", 410, ""),
        ("POST", "/old.rss", 410, ""),
        *(("GET", path, 200, "rss") for path in ("//all.rss", "/feeds//all.rss", "/feedsall.rss")),
        *(("GET", path, 200, "rss") for path in ("///all.rss", "//feeds/all.rss")),
        *(("GET", path, 200, "html") for path in ("//", "/feeds", "/feeds//", "//index.html")),
        ("GET", "//old.rss", 410, ""),
        ("GET", "//feed.xml", 301, ""),
        ("GET", "/feed.xml", 301, ""),  # although a file has the path
        ("GET", "/feeds/feed.xml", 301, ""),
    ],
)
def test_what_is_at_a_path(method: str, path: str, status: int, format: str) -> None:
    """Below the root and below the public address's path, also as proxies misspell it.

    Each response is counted once.
    """
    requests = Requests(catalogue())
    reply = requests.send(path, method)
    assert reply
    assert (reply.status, requests.counted) == (status, [(status, format)])


def test_people_at_the_path_without_its_slash_are_sent_to_the_page() -> None:
    """Its links would start one folder too high. Programs get the page itself."""
    requests = Requests(catalogue())
    person = [(b"sec-fetch-dest", b"document")]
    reply = requests.send("/feeds", headers=person)
    assert reply
    assert (reply.status, dict(reply.headers)[b"location"]) == (303, b"/feeds/index.html")
    for path in ("/feeds/", "/feeds/index.html", "/"):
        reply = requests.send(path, headers=person)
        assert reply
        assert reply.status == 200


@pytest.mark.parametrize("path", ["/all.atom", "/all.rss/", "all.rss", "/feedsx", "/fee"])
def test_other_paths_are_left_to_the_rest(path: str) -> None:
    """And are not counted here."""
    requests = Requests(catalogue())
    assert requests.send(path) is None
    assert requests.counted == []


def test_an_update_leaves_other_paths_as_they_are() -> None:
    """A feed that comes back, or is gone, is so from the next request on."""
    files = catalogue()
    requests = Requests(files)
    files.update([published("old.rss")], gone=["all.rss"])
    replies = [requests.send(path) for path in ("/old.rss", "/all.rss", "/index.html")]
    assert [reply and reply.status for reply in replies] == [200, 410, 200]


def test_the_first_run_is_complete_with_the_index() -> None:
    """It is published last."""
    files = Catalogue(max_age=300)
    files.update([published("all.rss")])
    assert not files.is_complete
    files.update([published("index.html")])
    assert files.is_complete


@pytest.mark.parametrize(
    ("method", "headers", "limited"),
    [
        ("GET", [], True),
        ("GET", [(b"user-agent", b""), (b"accept-encoding", b"gzip")], True),
        ("HEAD", [], False),
        ("GET", [(b"if-none-match", b'"d1"')], False),
        ("GET", [(b"if-none-match", b'"old"')], False),
        ("GET", [(b"if-modified-since", b"Wed, 14 Jan 2026 00:00:00 GMT")], False),
    ],
)
def test_a_poller_over_its_limit_gets_429(
    method: str, headers: Sequence[tuple[bytes, bytes]], limited: bool
) -> None:
    """With Retry-After and without links. Conditional requests and HEAD are not limited."""
    requests = Requests(catalogue(), PollLimiter(1, clock=lambda: 0.0))
    requests.send("/all.rss")
    reply = requests.send("/all.rss", method, headers)
    assert reply
    assert (reply.status == 429) is limited
    if limited:
        assert dict(reply.headers)[b"retry-after"] == b"3600"
        assert b"link" not in dict(reply.headers)
    again = requests.send("/", method, headers)
    assert again
    assert again.status in (200, 304)
