"""The web server over real sockets: its responses, and attacks on it."""

import gzip
import http.client
import json
import logging
import re
import socket
import struct
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from command import AT_ONCE, PATIENCE, until
from healthy import no_overview
from overviews import OVERVIEWS
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syndicator.errors import SyndicatorError, Trouble
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue, FeedCatalogue, PublishedFile
from syndicator.web.connection_limits import ConnectionLimits
from syndicator.web.health import Health, Readiness, admin_app
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.proxies import Proxies
from syndicator.web.server import STUCK_AFTER, Server

LINK = '<https://hub.example/>; rel="hub", <https://news.example.com/all.rss>; rel="self"'
DATE = "Thu, 15 Jan 2026 05:39:13 GMT"


def published(
    path: str,
    body: bytes,
    digest: str = "d1",
    link: str | None = LINK,
    kind: str = "application/rss+xml",
) -> PublishedFile:
    return PublishedFile(
        path=path,
        media_type=f"{kind}; charset=utf-8",
        updated=datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC),
        digest=digest,
        link=link,
        bodies={"identity": body, "gzip": gzip.compress(body, mtime=0)},
    )


BODY = b"<rss>" + b"an entry " * 1000 + b"</rss>"


class Web:
    """A server with a small catalogue, and the requests it counted."""

    def __init__(
        self,
        limiter: PollLimiter | None = None,
        *,
        limits: ConnectionLimits | None = None,
        stuck_after: float = STUCK_AFTER,
    ) -> None:
        self.ready = Readiness(ready=True, details={"queued": 3})
        self.stuck: list[str] = []
        self.health = Health(
            stuck=lambda: self.stuck,
            readiness=self.read_state,
            metrics=lambda: b"syndicator_posts 5\n",
            status=self.read_status,
            overview=lambda: OVERVIEWS["healthy"],
        )
        self.reads = 0  #: of the state
        self.unnamed: list[str] = []
        self.counted: Counter[tuple[int, str]] = Counter()
        self.catalogue = Catalogue(
            max_age=300,
            home="https://news.example.com/feeds/",
            moved={"feed.xml": "https://news.example.com/all.rss"},
        )
        self.catalogue.update(
            [
                published("all.rss", BODY),
                published("category/größe.rss", BODY),
                published("index.html", b"<html>", link=None, kind="text/html"),
                published("huge.rss", b"x" * 8_000_000),
            ],
            gone=["category/old.rss"],
        )
        self.app = self.make(limiter)
        self.server = Server(self.app, ("127.0.0.1", 0), limits=limits, stuck_after=stuck_after)
        self.server.start()

    def make(self, limiter: PollLimiter | None = None) -> FeedCatalogue:
        return make_app(
            self.catalogue,
            health=self.health,
            on_request=lambda status, format, _scope: self.counted.update([(status, format)]),
            routes=[Route("/hub", echo, methods=["POST"])],
            limiter=limiter,
            proxies=Proxies(on_untrusted=self.unnamed.append),
        )

    def read_status(self) -> str:
        if self.ready.trouble:
            raise SyndicatorError(self.ready.trouble.message)
        return '{"concerns": []}'

    def read_state(self) -> Readiness:
        self.reads += 1
        return self.ready

    def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=lines)
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        body = response.read()
        connection.close()
        return response.status, received, body

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self.server.port), timeout=10, source_address=(source, 0)
        )

    def exchange(self, data: bytes) -> bytes:
        """Send bytes; returns all that the server sends until it closes."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


def read_all(client: socket.socket) -> bytes:
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.fixture(scope="module")
def shared() -> Iterator[Web]:
    web = Web()
    yield web
    web.server.stop()


@pytest.fixture
def web(shared: Web) -> Web:
    """A server shared by tests that only send requests."""
    shared.counted.clear()
    shared.reads = 0
    return shared


@pytest.fixture
def own() -> Iterator[Web]:
    """A server of the test's own, which it may change."""
    web = Web()
    yield web
    web.server.stop()


@contextmanager
def limited(**limits: float) -> Iterator[Web]:
    """A server with other connection limits than the default."""
    web = Web(limits=ConnectionLimits(**limits))  # type: ignore[arg-type]
    try:
        yield web
    finally:
        web.server.stop()


def post(body: bytes, *, chunked: bool = False) -> bytes:
    if chunked:
        chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
        return (
            b"POST /hub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks
            + b"0\r\n\r\n"
        )
    return b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def run_all(actions: Sequence[Callable[[], object]]) -> None:
    """Run all at once. Raises the first exception, and TimeoutError if one takes too long."""
    pool = ThreadPoolExecutor(len(actions))
    try:
        for action in [pool.submit(each) for each in actions]:
            action.result(2 * PATIENCE)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def send_in_pieces(client: socket.socket, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        client.sendall(data[start : start + size])


def get(path: str = "/all.rss", *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


# ------------------------------------------------------------ responses


@pytest.mark.parametrize(
    "path", ["/all.rss", "/feeds/all.rss", "/all.rss?utm_source=x", "/category/gr%C3%B6%C3%9Fe.rss"]
)
def test_a_feed_is_at_its_path(web: Web, path: str) -> None:
    """Below the root and below the public address's path. Queries are ignored, names are UTF-8."""
    status, headers, body = web.get(path)
    assert (status, body, headers["etag"], headers["link"]) == (200, BODY, '"d1"', LINK)


@pytest.mark.parametrize(
    "target",
    [
        "//all.rss",
        "/feeds//all.rss",
        "/feedsall.rss",
        "http://x/all.rss",
        "//category/gr%C3%B6%C3%9Fe.rss",
    ],
)
def test_a_feed_is_where_a_proxy_misspells_its_path(web: Web, target: str) -> None:
    """As in the fast way, so in the app's: percent-encoded paths take that."""
    reply = web.exchange(get(target, "Connection: close"))
    assert (reply.startswith(b"HTTP/1.1 200 OK"), reply.endswith(BODY)) == (True, True)


@pytest.mark.parametrize("target", ["http://x", "http://x?utm_source=x", "//", "/feeds"])
def test_the_index_is_where_a_proxy_misspells_its_path(web: Web, target: str) -> None:
    """A URL with an empty path means the root (RFC 9110 §4.2.3)."""
    reply = web.exchange(get(target, "Connection: close"))
    assert (reply.startswith(b"HTTP/1.1 200 OK"), reply.endswith(b"<html>")) == (True, True)


def test_endpoints_are_where_a_proxy_misspells_their_paths(web: Web) -> None:
    assert web.get("//hub", "POST")[0] == 200
    assert web.get("//livez")[0] == 200


def test_head_is_get_without_the_body(web: Web) -> None:
    """The same headers, with the length of the body that is not sent (RFC 9110 §9.3.2)."""
    for coding in ("gzip", "identity"):
        status, headers, body = web.get("/all.rss", accept_encoding=coding)
        headers_of_get = headers | {"date": ""}
        assert status == 200
        assert body
        status, headers, body = web.get("/all.rss", "HEAD", accept_encoding=coding)
        assert (200, headers_of_get, b"") == (status, headers | {"date": ""}, body)


@pytest.mark.parametrize("path", ["/all.rss", "/livez", "/nothing", "/category/old.rss"])
def test_nothing_follows_the_headers_of_a_head(web: Web, path: str) -> None:
    """A body would be parsed as the start of the next response."""
    reply = web.exchange(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert reply.partition(b"\r\n\r\n")[2] == b""


def test_an_etag_answers_304(web: Web) -> None:
    """A weakened ETag of a proxy does, too. Nothing follows the headers."""
    etag = web.get("/all.rss", accept_encoding="gzip")[1]["etag"]
    for sent in (etag, f"W/{etag}"):
        reply = web.exchange(
            get("/all.rss", "Accept-Encoding: gzip", f"If-None-Match: {sent}", "Connection: close")
        )
        head, _, body = reply.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 304 Not Modified\r\n")
        assert body == b""
        assert b"content-length" not in head.lower()


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("POST", "/all.rss", 405, "GET, HEAD, OPTIONS"),
        ("DELETE", "/all.rss", 405, "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/all.rss", 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/all.rss", 204, "GET, HEAD, OPTIONS"),
        ("GET", "/category/old.rss", 410, None),
        ("GET", "/nothing.rss", 404, None),
        ("GET", "/all.rss/", 404, None),
        ("GET", "//nothing.rss", 404, None),
        ("GET", "/livez/", 404, None),  # no redirect, which would use the Host header
        ("GET", "/../etc/passwd", 404, None),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, None),
        ("GET", "/all.rss%00", 404, None),
        ("GET", "/feed.xml", 301, None),
        ("POST", "/livez", 405, "GET, HEAD"),
    ],
)
def test_everything_else_is_refused_without_links(
    web: Web, method: str, path: str, status: int, allow: str | None
) -> None:
    """Errors, redirects and removed feeds name no hub. 405 and OPTIONS list the methods."""
    answered, headers, _ = web.get(path, method)
    assert answered == status
    assert "link" not in headers
    if allow:
        assert set(allow.split(", ")) == set(headers["allow"].split(", "))


@pytest.mark.parametrize(("path", "status"), [("/a/<b>.rss", 404), ("/category/old.rss", 410)])
def test_a_person_gets_a_page_where_there_is_no_file(web: Web, path: str, status: int) -> None:
    """A program gets a text. Nothing that was requested is repeated."""
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    answered, headers, page = web.get(path, Accept=browser)
    assert (answered, headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert (headers["vary"], b"https://news.example.com/feeds/" in page) == ("Accept", True)
    assert b"<b>" not in page
    head = web.get(path, "HEAD", Accept=browser)
    assert (head[1] | {"date": ""}, head[2]) == (headers | {"date": ""}, b"")
    assert web.get(path, Accept="*/*")[1]["content-type"] == "text/plain; charset=utf-8"


def test_missing_feeds_are_503_until_the_first_run_is_complete(own: Web) -> None:
    """The index page is published last. Until then no feed is answered 404."""
    catalogue = Catalogue(max_age=300)
    own.server.replace(make_app(catalogue, health=own.health, on_request=lambda *_: None))
    status, headers, body = own.get("/all.rss")
    assert (status, headers["retry-after"], body) == (503, "10", b"The feeds are being built.\n")
    catalogue.update([published("all.rss", BODY)])
    statuses = [own.get(path)[0] for path in ("/all.rss", "/all.atom", "/livez")]
    assert statuses == [200, 503, 200]
    catalogue.update([published("index.html", b"<html>", link=None, kind="text/html")])
    assert own.get("/all.atom")[0] == 404


def test_host_and_forwarded_headers_change_nothing(web: Web) -> None:
    """Addresses come from the config, never from a request."""
    usual = web.get("/all.rss")[1] | {"date": ""}
    forged = web.get(
        "/all.rss", Host="evil.example", X_Forwarded_Host="evil.example", X_Forwarded_Proto="https"
    )
    assert usual == forged[1] | {"date": ""}
    assert "evil" not in str(web.get("/feed.xml", Host="evil.example"))


@pytest.mark.parametrize(
    "line",
    ["GET /all.rss HTTP/1.0\r\n\r\n", "GET /all.rss HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
)
def test_http_1_0(web: Web, line: str) -> None:
    """No Host is required, no chunks are sent, and the connection is closed."""
    head, _, body = web.exchange(line.encode()).partition(b"\r\n\r\n")
    assert (body, b"connection: close" in head) == (BODY, True)


def test_pipelined_requests_are_answered_in_order(web: Web) -> None:
    """Mixed from catalogue and routes (RFC 9112 §9.3.2)."""
    data = get("/livez") + get("/all.rss") + get("/hub") + get("/", "Connection: close")
    reply = web.exchange(data)
    starts = [b"ok\n", BODY, b"Method Not Allowed", b"<html>"]
    places = [reply.index(start) for start in starts]
    assert places == sorted(places)
    assert reply.count(b"HTTP/1.1 ") == 4


@pytest.mark.parametrize("size", [1, 7, 1000, 70_000, 10**9])
def test_many_pipelined_requests_are_answered_in_order(web: Web, size: int) -> None:
    """However the bytes are cut into packets. Empty lines in a body don't end a request."""
    numbers = range(20 if size == 1 else 600)
    bodies = [
        f"<{number}>\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n" * (number % 3) for number in numbers
    ]
    posts = [
        post(body.encode(), chunked=number % 2 == 1)
        for number, body in zip(numbers, bodies, strict=True)
    ]
    between = (
        b"",
        b"HEAD /all.rss HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
        get("/livez"),
        get("/category/old.rss"),
    )
    data = b"".join(each + between[number % len(between)] for number, each in enumerate(posts))
    with web.connect() as client:
        sender = threading.Thread(
            target=send_in_pieces,
            args=(client, data + get("/", "Connection: close"), size),
            daemon=True,
        )
        sender.start()
        reply = read_all(client)
        sender.join(PATIENCE)
        assert not sender.is_alive()
    place = 0
    for body in filter(None, bodies):
        place = reply.index(f"\r\n\r\n{body}".encode(), place) + len(body)
    expected = sum(
        1 if each in (b"", b"\r\n\r\n") else 2
        for each in (between[n % len(between)] for n in numbers)
    )
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d ", reply)) == expected + 1
    assert reply.endswith(b"<html>")


def test_a_get_with_a_body_is_a_get(web: Web) -> None:
    """Its body is ignored (RFC 9110 §9.3.1), and not parsed as the next request."""
    reply = web.exchange(
        get("/all.rss", "Content-Length: 5") + b"GET /" + get("/livez", "Connection: close")
    )
    assert [reply.count(b"HTTP/1.1 200"), reply.endswith(b"ok\n")] == [2, True]


def test_a_request_may_arrive_in_pieces(web: Web) -> None:
    """Even byte by byte."""
    with web.connect() as client:
        for byte in get("/all.rss", "Accept-Encoding: gzip", "Connection: close"):
            client.send(bytes([byte]))
        _, _, body = read_all(client).partition(b"\r\n\r\n")
    assert gzip.decompress(body) == BODY


def test_requests_are_counted_by_status_and_format(web: Web) -> None:
    """The format comes from the file's type, not its name. Other paths have none."""
    web.get("/all.rss")
    web.get("/")
    web.get("/all.rss", If_None_Match='"d1"')
    web.get("/nothing")
    web.get("/category/old.rss")
    assert web.counted == {
        (200, "rss"): 1,
        (200, "html"): 1,
        (304, "rss"): 1,
        (404, ""): 1,
        (410, ""): 1,
    }


# ------------------------------------------------------------ health, metrics


def test_livez_does_not_read_the_state(web: Web) -> None:
    """It only reports that every thread works."""
    assert web.get("/livez")[::2] == (200, b"ok\n")
    assert web.reads == 0


def test_livez_names_stuck_threads(own: Web) -> None:
    """With 503, so that a service manager restarts the daemon."""
    own.stuck = ["build", "push"]
    assert own.get("/livez")[::2] == (503, b"stuck: build, push\n")


def test_public_readyz_shows_only_the_kind_of_an_error(own: Web) -> None:
    """No path, host or cause appears on the public address."""
    assert json.loads(own.get("/readyz")[2]) == {"ready": True, "error": None}
    own.ready = Readiness(
        ready=False, trouble=Trouble("state", "/var/x.db is full"), details={"queued": 3}
    )
    until(lambda: own.get("/readyz")[0] == 503)  # readiness is cached for one second
    assert json.loads(own.get("/readyz")[2]) == {"ready": False, "error": "state"}


def test_readyz_is_cached(own: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests at once read the state once. After a second it is read again."""
    now = 1000.0
    monkeypatch.setattr("syndicator.web.health.time", SimpleNamespace(monotonic=lambda: now))
    run_all([partial(own.get, "/readyz")] * 10)
    assert own.reads == 1
    now += 0.9
    own.get("/readyz")
    assert own.reads == 1
    now += 0.2
    run_all([partial(own.get, "/readyz")] * 10)
    assert own.reads == 2


@pytest.mark.parametrize("path", ["/metrics", "/status", "/admin", "/readyz/", "/livez/x"])
def test_metrics_are_not_public(web: Web, path: str) -> None:
    """They are served on the admin address only."""
    assert web.get(path)[0] == 404


@pytest.fixture(scope="module")
def admin(shared: Web) -> Iterator[Server]:
    app = admin_app(shared.health, ["localhost", "127.0.0.1", "[::1]", "feeds.lan"])
    server = Server(
        FeedCatalogue(Catalogue(max_age=0), app, on_request=lambda *_: None), ("127.0.0.1", 0)
    )
    server.start()
    yield server
    server.stop()


def get_as(server: Server, path: str, host: str) -> tuple[int, bytes]:
    """GET with a Host header."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.read()


def test_the_admin_address_shows_metrics_and_details(admin: Server) -> None:
    """Prometheus' text format, and the facts of readiness."""
    assert get_as(admin, "/metrics", "localhost:8081") == (200, b"syndicator_posts 5\n")
    assert get_as(admin, "/status", "localhost:8081") == (200, b'{"concerns": []}')
    assert json.loads(get_as(admin, "/readyz", "127.0.0.1")[1]) == {
        "ready": True,
        "queued": 3,
        "error": None,
    }
    assert get_as(admin, "/livez", "[::1]:8081") == (200, b"ok\n")
    assert get_as(admin, "/index.html", "feeds.lan")[0] == 404


def test_the_status_is_read_once_a_second_at_most() -> None:
    """Any user of this machine may ask for it, and reading it delays a build."""
    reads = []

    def read_slowly() -> str:
        reads.append(time.monotonic())
        time.sleep(0.05)
        return "{}"

    health = Health(
        stuck=list,
        readiness=lambda: Readiness(ready=True, details={}),
        metrics=lambda: b"",
        status=read_slowly,
        overview=no_overview,
    )
    app = FeedCatalogue(
        Catalogue(max_age=0), admin_app(health, ["localhost"]), on_request=lambda *_: None
    )
    server = Server(app, ("127.0.0.1", 0))
    server.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: get_as(server, "/status", "localhost"), range(40)))
    finally:
        server.stop()
    assert set(answers) == {(200, b"{}")}
    assert all(later - earlier > 1 for earlier, later in pairwise(reads))


def test_the_operators_page(shared: Web, admin: Server) -> None:
    """It is at the root, and no page of another origin may frame, load or keep it."""
    with closing(http.client.HTTPConnection("127.0.0.1", admin.port, timeout=5)) as connection:
        connection.request("GET", "/", headers={"Host": "localhost"})
        response = connection.getresponse()
        body, headers = response.read(), response.headers
    assert (response.status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"All is well" in body
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert shared.get("/")[2] == b"<html>"


def test_a_status_that_can_not_be_read(shared: Web, admin: Server) -> None:
    """503 with the reason, which the operator may see."""
    before = shared.ready
    shared.ready = Readiness(ready=False, trouble=Trouble("state", "/var/x.db"), details={})
    try:
        expected = (503, b"/var/x.db\n")
        until(lambda: get_as(admin, "/status", "localhost") == expected, what="another reading")
    finally:
        shared.ready = before


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil", "[::2]"]
)
def test_the_admin_address_requires_a_known_host(admin: Server, host: str) -> None:
    """A web page whose name resolves to this machine (DNS rebinding) can't read it."""
    paths = ("/metrics", "/status", "/readyz", "/livez", "/")
    assert [get_as(admin, path, host)[0] for path in paths] == [400] * 5


# ------------------------------------------------------------ start, reload, stop


def test_an_idle_server_sleeps_and_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is woken to stop, and does not wake again and again to see whether it should."""
    monkeypatch.setattr("syndicator.web.server.TICK", 3600.0)
    before = set(threading.enumerate())
    web = Web()
    (thread,) = (one for one in set(threading.enumerate()) - before if one.name == "web.listen")
    assert web.get("/livez")[0] == 200
    status = Path(f"/proc/self/task/{thread.native_id}/status")

    def times_woken() -> int:
        return int(status.read_text().rpartition("\nvoluntary_ctxt_switches:")[2].split()[0])

    begun = times_woken()
    time.sleep(2)
    assert times_woken() - begun < 10  # uvicorn's own loop wakes twenty times
    web.server.stop(PATIENCE)
    assert not thread.is_alive()


def test_a_clock_that_is_set_back_does_not_make_the_server_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check counts iterations of the event loop, by the monotonic clock."""
    web = Web(stuck_after=1.0)
    monkeypatch.setattr(
        "uvicorn.server.time", SimpleNamespace(time=lambda: 0.0, monotonic=time.monotonic)
    )
    time.sleep(2.5)
    # On a busy machine the loop may hang for a second. By the wall clock it would hang from now on.
    until(lambda: not web.server.is_stuck(), what="an iteration")
    assert web.get("/livez")[0] == 200
    web.server.stop()


@pytest.mark.parametrize("setting", ["web.listen", "web.admin"])
def test_a_taken_port_is_named(web: Web, setting: str) -> None:
    """With the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SyndicatorError, match=f"127.0.0.1:{port}") as caught:
            Server(web.app, ("127.0.0.1", port), setting=setting).start()
    assert setting in (caught.value.hint or "")


def test_connections_beyond_the_limit_are_refused() -> None:
    """With 503, before a request: each connection uses a file descriptor that a build may need."""
    with limited(connections=5) as web, ExitStack() as silent:
        first = silent.enter_context(web.connect())
        for _ in range(4):
            silent.enter_context(web.connect())
        assert read_all(web.connect()).startswith(b"HTTP/1.1 503 ")
        first.close()
        until(lambda: web.server.connections() < 5)
        assert web.exchange(get("/all.rss", "Connection: close")).startswith(b"HTTP/1.1 200 ")


def test_a_reload_keeps_connections(own: Web) -> None:
    """The app is replaced while connections stay open."""
    connection = http.client.HTTPConnection("127.0.0.1", own.server.port, timeout=10)
    connection.request("GET", "/all.rss")
    connection.getresponse().read()
    before = connection.sock
    own.catalogue = Catalogue(max_age=60)
    own.catalogue.update([published("all.rss", b"new", digest="d2")])
    own.server.replace(own.make())
    connection.request("GET", "/all.rss")
    assert (b"new", before) == (connection.getresponse().read(), connection.sock)
    connection.close()


def test_stop_is_quick_whatever_clients_do(own: Web) -> None:
    """An idle client, half a request, and a client that reads nothing don't delay it."""
    idle = own.connect()
    half, deaf = own.connect(), own.connect()
    half.sendall(b"GET /all.rss HT")
    deaf.sendall(get("/huge.rss") * 3)
    began = time.monotonic()
    own.server.stop(5)
    assert time.monotonic() - began < AT_ONCE
    with pytest.raises(ConnectionRefusedError):
        own.connect().close()
    for client in (idle, half, deaf):
        client.close()


# ------------------------------------------------------------ hostile clients


def test_huge_headers_are_refused(web: Web) -> None:
    """With 431 (RFC 6585 §5): many, long or endless ones, in bounded memory."""
    many = get("/all.rss", *(f"X-{number}: y" for number in range(101)))
    long = get("/all.rss", "X: " + "y" * 40_000)
    endless = b"GET /all.rss HTTP/1.1\r\nX: " + b"y" * 1_000_000
    url = b"GET /" + b"y" * 1_000_000
    for data in (many, long, endless, url):
        with web.connect() as client:
            try:
                client.sendall(data)
            except OSError:
                continue  # refused before all of it was sent
            reply = read_all(client)
        assert reply == b"" or reply.startswith(b"HTTP/1.1 431 ")
    assert web.exchange(many).startswith(b"HTTP/1.1 431 ")
    assert web.get("/all.rss")[0] == 200


def test_ordinary_headers_are_accepted(web: Web) -> None:
    """Large cookies, too."""
    assert web.get("/all.rss", Cookie="c" * 8000, Accept_Encoding="gzip")[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /all.rss HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /all.rss HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /hub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    ],
)
def test_invalid_requests_are_refused(web: Web, data: bytes) -> None:
    """With 400, or by closing the connection."""
    reply = web.exchange(data)
    assert reply == b"" or reply.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))


def test_an_empty_line_does_not_keep_a_connection_open() -> None:
    """It ends the keep-alive timeout, and starts the request timeout."""
    with limited(request_timeout=1) as web, web.connect() as client:
        client.sendall(b"HEAD /all.rss HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000)
        client.sendall(b"\r\n")
        client.settimeout(AT_ONCE)
        assert client.recv(1000) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /all.rss HTTP/1.1\r\nX: ",
        b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
    ],
)
def test_an_unfinished_request_is_dropped(data: bytes) -> None:
    """No request, half a head, half a body. A byte now and then doesn't extend the timeout."""
    with limited(request_timeout=0.4) as web:
        began = time.monotonic()
        with suppress(OSError), web.connect() as client:
            client.sendall(data)
            client.settimeout(0.1)
            while time.monotonic() - began < AT_ONCE:
                try:
                    if not client.recv(100):
                        break
                except TimeoutError:
                    if data:
                        client.sendall(b"y" if b"POST" not in data else b"")
    assert 0.3 < time.monotonic() - began < AT_ONCE


def test_a_client_that_reads_nothing_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Its responses are discarded, without a traceback."""
    with limited(stall_timeout=0.3) as web, web.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(get("/huge.rss") * 50)
        until(lambda: web.counted, what="the first response")
        until(lambda: web.server.connections() == 0, what="the end of the connection")
    assert caplog.records == []


def test_slow_clients_share_one_body(web: Web) -> None:
    """Unsent responses are not copied for each client: many clients would use up the memory.

    These accept no compression, so their body is unpacked, once.
    """
    with ExitStack() as clients:
        tracemalloc.start()
        clients.callback(tracemalloc.stop)
        for _ in range(3):
            client = clients.enter_context(web.connect())
            client.sendall(b"GET /huge.rss HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100)
        assert 8_000_000 < tracemalloc.get_traced_memory()[0] < 12_000_000


def test_a_slow_client_gets_the_whole_response() -> None:
    """As long as it reads something within the timeout, however long it takes in all."""
    received = 0
    with limited(stall_timeout=2) as web, web.connect() as client:
        web.catalogue.update([published("vast.rss", b"x" * 32_000_000)])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 400_000)
        began = time.monotonic()
        client.sendall(get("/vast.rss", "Connection: close"))
        while part := client.recv(400_000):
            received += len(part)
            time.sleep(0.04)
    assert time.monotonic() - began > 2
    assert received > 32_000_000


def test_a_larger_response_after_another_is_not_a_stalled_one() -> None:
    """A client that has read the first response gets the whole second one."""
    received = 0
    with limited(stall_timeout=2) as web, web.connect() as client:
        web.catalogue.update([published("vast.rss", b"x" * 32_000_000)])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 400_000)
        client.sendall(get("/huge.rss"))
        while received < 8_000_000:
            received += len(client.recv(400_000))
        client.sendall(get("/vast.rss", "Connection: close"))
        while part := client.recv(400_000):
            received += len(part)
            time.sleep(0.04)
    assert received > 40_000_000


@pytest.mark.parametrize(
    "path", ["/all.rss", "/livez", "/hub", "/nothing", "/category/old.rss", "/"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_a_request_has_one_valid_host(web: Web, path: str, method: str) -> None:
    """RFC 9112 §3.2: otherwise 400, and the connection is closed. HTTP/1.0 may have none."""
    for lines in (
        "",
        "Host: x\r\nHost: x\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: x\r\nX: y\r\nhost: y\r\n",
    ):
        reply = web.exchange(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + get("/livez"))
        assert reply.startswith(b"HTTP/1.1 400 ")
        assert reply.count(b"HTTP/1.1 ") == 1
    for lines, refused in (("", False), ("Host: x\r\n", False), ("Host: x\r\nHost: x\r\n", True)):
        reply = web.exchange(f"{method} {path} HTTP/1.0\r\n{lines}\r\n".encode())
        assert reply.startswith(b"HTTP/1.1 400 ") is refused


def test_a_bad_request_is_answered_after_earlier_ones(web: Web) -> None:
    """Also if it arrives together with the body of the one before."""
    for good in (get("/livez"), get("/all.rss"), post(b"abc"), post(b"abc", chunked=True)):
        for bad in (b"GET /livez HTTP/1.1\r\n\r\n", b"GET\r\n\r\n", get("/livez", "no colon")):
            reply = web.exchange(good + bad)
            assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"200", b"400"]


def test_a_bad_body_does_not_interrupt_the_response_before_it(own: Web) -> None:
    """Here the second request arrives in one packet with the last byte of the first one."""
    begun, proceed = threading.Event(), threading.Event()

    async def slow(request: Request) -> Response:
        await request.body()
        begun.set()
        await run_in_threadpool(proceed.wait, 2 * PATIENCE)
        return PlainTextResponse("slow")

    routes = [Route("/slow", slow, methods=["POST"]), Route("/hub", echo, methods=["POST"])]
    own.server.replace(
        make_app(own.catalogue, health=own.health, on_request=lambda *_: None, routes=routes)
    )
    first = post(b"abc").replace(b"/hub", b"/slow")
    head = post(b"", chunked=True).removesuffix(b"\n0\r\n\r\n")
    with own.connect() as client:
        client.sendall(first[:-1])
        client.sendall(first[-1:] + head)
        assert begun.wait(PATIENCE)
        client.sendall(b"\nzz\r\n")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        proceed.set()
        reply = read_all(client)
    assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"200", b"400"]


def test_every_response_has_nosniff(own: Web) -> None:
    """No browser runs a feed, or an echo of a request, as a script."""
    requests = [
        get(path, "Connection: close")
        for path in ("/all.rss", "/livez", "/nothing", "/category/old.rss", "/feed.xml")
    ]
    requests += [
        get("/all.rss", f"Accept-Encoding: gzip, {'y' * 40_000}"),
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ]
    requests += [
        get("/all.rss", 'If-None-Match: "d1"', "Connection: close"),
        b"HEAD /all.rss HTTP/1.0\r\n\r\n",
    ]
    requests += [
        get("/hub", "Connection: close"),
        post(b"x").replace(b"Host", b"Connection: close\r\nHost"),
    ]
    requests += [get("/huge.rss") * 3 + get("/all.rss", "Connection: close")]
    for data in requests:
        reply = own.exchange(data)
        assert reply.count(b"x-content-type-options: nosniff\r\n") == reply.count(b"HTTP/1.1 ") > 0


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 9\r\n\r\nx",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * 40_000,
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        b"Content-Length: 9\r\nContent-Length: 8\r\n\r\n",
        b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: x\r\n\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\nx",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx",
    ],
)
@pytest.mark.parametrize("leave", ["end", "reset", "stay"])
def test_an_aborted_request_is_the_clients_error(
    web: Web, caplog: pytest.LogCaptureFixture, rest: bytes, leave: str
) -> None:
    """It is counted as 400 or not at all (RFC 9112 §8), and logs nothing."""
    with web.connect() as client:
        client.sendall(b"POST /hub HTTP/1.1\r\nHost: x\r\n" + rest)
        if leave == "end":
            client.shutdown(socket.SHUT_WR)
        elif leave == "stay":
            client.settimeout(0.1)
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if leave != "reset":
            with suppress(TimeoutError):
                reply = read_all(client)
                assert reply in (b"", b"HTTP/1.1 100 Continue\r\n\r\n") or reply.startswith(
                    (b"HTTP/1.1 4",)
                )
    until(lambda: web.server.connections() == 0)
    assert caplog.records == []
    assert set(web.counted) <= {(400, "")}


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        (post(b"text"), 1),
        (post(b"text", chunked=True), 1),
        (post(b"text") * 200, 200),
        ((post(b"text") + get()) * 3, 6),
        ((get() + post(b"text")) * 3, 6),
        (get("/huge.rss") + get("/livez"), 2),
        (get("/livez") + get("/huge.rss"), 2),
        (post(b"text") + post(b"text")[:-1], 1),
        (post(b"text") + b"nonsense\r\n\r\n", 2),
    ],
)
def test_a_client_that_ends_its_side_is_answered(web: Web, data: bytes, answers: int) -> None:
    """Each request that has arrived. Then the connection is closed."""
    for pause in (0, 0.05):
        with web.connect() as client:
            client.sendall(data)
            time.sleep(pause)
            client.shutdown(socket.SHUT_WR)
            reply = read_all(client)
        assert reply.count(b"HTTP/1.1 ") == answers
        assert reply.count(b"x" * 8_000_000) == data.count(b"huge")
    until(lambda: web.server.connections() == 0)


@pytest.mark.parametrize("kind", ["h2c", "websocket", "x"])
def test_upgrades_are_ignored(web: Web, kind: str) -> None:
    """The request is answered without one (RFC 9110 §7.8), and so are those after it.

    One with a body is refused: httptools would parse the body as the next request, unlike a proxy
    in front (request smuggling).
    """
    lines = ("Connection: upgrade", f"Upgrade: {kind}")
    reply = web.exchange(
        get("/all.rss", *lines) + get("/livez", *lines) + get("/", *lines, "Connection: close")
    )
    assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"200"] * 3
    smuggled = get("/all.rss")
    for path in ("/hub", "/livez", "/all.rss"):
        for body in (
            f"Content-Length: {len(smuggled)}\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n",
        ):
            upgrade = f"Connection: upgrade\r\nUpgrade: {kind}\r\n"
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{body}"
            reply = web.exchange(head.encode() + smuggled)
            assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"400"]
    for target in ("x:80", "/hub", "/all.rss", "http://x/hub", "x:80/hub"):
        for body in ("\r\n", f"Content-Length: {len(smuggled)}\r\n\r\n"):
            head = f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n{body}"
            reply = web.exchange(head.encode() + smuggled)
            assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"400"]


def test_trailers_are_not_headers(own: Web) -> None:
    """A trailer comes from the client, not from its proxy (RFC 9110 §6.5.1)."""
    headers = []

    async def keep(request: Request) -> Response:
        await request.body()
        headers.extend(request.headers.items())
        return PlainTextResponse("")

    routes = [Route("/kept", keep, methods=["POST"])]
    own.server.replace(
        make_app(own.catalogue, health=own.health, on_request=lambda *_: None, routes=routes)
    )
    data = (
        post(b"abc", chunked=True)
        .replace(b"/hub", b"/kept")
        .replace(b"Host", b"Connection: close\r\nHost")
    )
    assert own.exchange(data[:-2] + b"X-Forwarded-For: 8.8.8.8\r\n\r\n").startswith(
        b"HTTP/1.1 200 "
    )
    assert [name for name, _ in headers] == ["connection", "host", "transfer-encoding"]
    two = b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"
    kept = post(b"abc", chunked=True)[:-2] + b"Host: y\r\n\r\n"
    assert re.findall(rb"HTTP/1.1 (\d+)", own.exchange(kept + two)) == [b"404", b"400"]


def test_stopping_with_deaf_clients_logs_nothing(
    own: Web, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients are dropped before uvicorn cancels their tasks, with a traceback for each."""
    deaf = [own.connect() for _ in range(5)]
    for number, client in enumerate(deaf):
        client.sendall(get("/huge.rss") * (1 + number))
    until(lambda: own.server.connections() == 5)
    own.server.stop(5)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
    for client in deaf:
        client.close()


def test_an_untrusted_proxy_is_reported(own: Web) -> None:
    """By its header, on every path, and in HTTP/1.0. The header changes nothing else."""
    assert own.get("/all.rss")[0] == 200
    assert own.unnamed == []
    for data in (
        get("/all.rss", "X-Forwarded-For: 192.0.2.1", "Connection: close"),
        get("/livez", "Forwarded: for=192.0.2.1", "Connection: close"),
        b"GET /all.rss HTTP/1.0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
    ):
        own.server.replace(own.make())  # a reload reports it again
        assert own.exchange(data).startswith(b"HTTP/1.1 200 ")
    assert own.unnamed == ["127.0.0.1"] * 3


# ------------------------------------------------------------ limits of one client


@pytest.fixture
def small() -> Iterator[Web]:
    """A server with 60 connections, 8 for each client, loopback addresses included."""
    web = Web(limits=ConnectionLimits(connections=60, exempt=()))
    yield web
    web.server.stop()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /all.rss HT",
        b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /all.rss HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_idle_connections_beyond_a_clients_limit_are_closed(small: Web, sent: bytes) -> None:
    """The oldest first, in favour of the newest. Other clients are not affected."""
    with ExitStack() as held:
        for _ in range(100):
            client = held.enter_context(small.connect("127.0.0.2"))
            with suppress(OSError):
                client.sendall(sent)
        until(lambda: small.server.connections() <= 8)
        for source in ("127.0.0.1", "127.0.0.2"):
            with small.connect(source) as other:
                other.sendall(get("/all.rss", "Connection: close"))
                assert read_all(other).startswith(b"HTTP/1.1 200 ")


def test_busy_connections_beyond_a_clients_limit_are_refused(small: Web) -> None:
    """Responses under way continue. A further connection gets a 503 and is closed."""
    with ExitStack() as held:
        slow = [held.enter_context(small.connect("127.0.0.2")) for _ in range(8)]
        for client in slow:
            client.sendall(get("/huge.rss"))
            assert client.recv(100)
        for _ in range(20):
            with small.connect("127.0.0.2") as more:
                assert read_all(more).startswith(b"HTTP/1.1 503 ")
        assert small.server.connections() <= 9
        with small.connect("127.0.0.3") as other:
            other.sendall(get("/all.rss", "Connection: close"))
            assert read_all(other).startswith(b"HTTP/1.1 200 ")
        assert all(client.recv(100) for client in slow)
        slow.pop().close()
        until(lambda: small.server.connections() < 8)
        with small.connect("127.0.0.2") as again:
            again.sendall(get("/all.rss", "Connection: close"))
            assert read_all(again).startswith(b"HTTP/1.1 200 ")


def test_this_machine_has_no_limit_of_its_own() -> None:
    """Its proxies and tunnels connect for many readers."""
    with limited(connections=60) as web, ExitStack() as held:
        for _ in range(40):
            held.enter_context(web.connect("127.0.0.2"))
        until(lambda: web.server.connections() == 40)


def test_a_poller_over_its_limit_gets_a_429() -> None:
    """The limit of the app applies to what the protocol answers by itself."""
    web = Web(limiter=PollLimiter(2))
    assert [web.get("/all.rss")[0] for _ in range(3)] == [200, 200, 429]
    web.server.stop()


# ------------------------------------------------------------ concurrent changes


def test_a_body_never_disagrees_with_its_etag(own: Web) -> None:
    """While the catalogue is replaced, each response is one complete version of its feed."""
    stop = threading.Event()

    def body(path: str, number: int) -> bytes:
        return f"{path} {number} ".encode() * (500 + number % 50)

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            files = [
                published(path, body(path, number), f"{path}-{number}")
                for path in ("a.rss", "b.rss")
            ]
            own.catalogue.update(files)

    wrong: list[object] = []

    def ask(path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", own.server.port, timeout=10)
        for turn in range(150):
            connection.request(
                "GET", f"/{path}", headers={"Accept-Encoding": ("gzip", "identity")[turn % 2]}
            )
            response = connection.getresponse()
            data = response.read()
            etag = response.headers["ETag"].strip('"').removesuffix("-gz")
            data = gzip.decompress(data) if turn % 2 == 0 else data
            name, _, number = etag.rpartition("-")
            if response.status != 200 or name != path or data != body(path, int(number)):
                wrong.append((path, etag))
        connection.close()

    own.catalogue.update(
        [published(path, body(path, 1), f"{path}-1") for path in ("a.rss", "b.rss")]
    )
    changer = threading.Thread(target=change, daemon=True)
    changer.start()
    try:
        run_all([partial(ask, path) for path in ("a.rss", "b.rss") * 2])
    finally:
        stop.set()
        changer.join(PATIENCE)
    assert not changer.is_alive()
    assert wrong == []
