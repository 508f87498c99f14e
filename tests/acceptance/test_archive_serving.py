"""Archive pages from disk, as clients get them: like other files, whole or not at all."""

import gzip
import hashlib
import http.client
import itertools
import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from command import PATIENCE, Command, until
from healthy import HEALTHY
from values import archive_page

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.model.content import FeedFile, digest_of
from syndicator.outputs.folder import OutputFolder
from syndicator.web import archive_app
from syndicator.web.app import make_app
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue, PublishedFile
from syndicator.web.poll_limit import PollLimiter
from syndicator.web.server import Server

HOME = "https://news.example.com/feeds/"
NAME = "all/20260102-030405-40"
PATH = f"/{NAME}.rss"
DAYS = (1, 4, 7, 10, 13, 16, 19, 22, 25, 28)
WRITTEN = datetime(2026, 1, 15, 5, 39, 13, tzinfo=UTC)
KIND = "application/rss+xml; charset=utf-8"


class Web:
    """A server whose pages are in a folder, and the requests it counted."""

    def __init__(self, root: Path, limiter: PollLimiter | None = None) -> None:
        self.output = OutputFolder(root, ["gzip", "br"])
        self.dates = (WRITTEN + timedelta(seconds=number) for number in itertools.count())
        read = self.output.files.read_part
        self.archives = Archives(max_age=300, home=HOME, read=read)
        self.catalogue = Catalogue(max_age=300, home=HOME, archives=self.archives)
        self.counted: Counter[tuple[int, str]] = Counter()
        app = make_app(
            self.catalogue,
            health=HEALTHY,
            on_request=lambda status, format, _scope: self.counted.update([(status, format)]),
            limiter=limiter,
        )
        self.server = Server(app, ("127.0.0.1", 0))
        self.server.start()

    def write(self, body: bytes, name: str = NAME) -> ArchivePage:
        """Write a page and its siblings in place of the one before, as of a later second.

        The returned row is not served yet.
        """
        path, date = f"{name}.rss", next(self.dates)
        file = FeedFile(
            path=path, url=HOME + path, data=body, media_type=KIND, digest=digest_of(body), hubs=()
        )
        (disk,) = self.output.write([(file, date)])
        disk = self.output.write_siblings(path, disk) or disk
        self.output.close_replaced()
        return archive_page(name, {"rss": ArchivedFile(file.digest, date, disk)})

    def get(
        self, path: str = PATH, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        ) as connection:
            lines = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=lines)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            received.pop("date")
            return response.status, received, response.read()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path)
    yield web
    web.server.stop()


def text(size: int) -> bytes:
    """So many bytes that hardly compress."""
    blocks = (hashlib.sha512(b"%d" % number).hexdigest() for number in range(size // 128 + 1))
    return "".join(blocks).encode()[:size]


@pytest.mark.parametrize("size", [3000, 300_000])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_page_is_sent_like_a_file_of_the_catalogue(web: Web, coding: str, size: int) -> None:
    """The same headers and bytes, except for Cache-Control; below both roots, for GET and HEAD."""
    made = web.write(text(size))
    web.archives.update([made])
    file = made.files["rss"]
    web.catalogue.update(
        [
            PublishedFile(
                path="all/prepared.rss",
                media_type=KIND,
                updated=WRITTEN,
                digest=file.digest,
                link=None,
                bodies=web.output.bodies({f"{NAME}.rss": file.disk})[f"{NAME}.rss"],
            )
        ]
    )
    for method, prefix in itertools.product(("GET", "HEAD"), ("", "/feeds", "//feeds")):
        status, headers, body = web.get(prefix + PATH, method, Accept_Encoding=coding)
        assert headers["cache-control"] == "max-age=3600"
        expected = web.get("/all/prepared.rss", method, Accept_Encoding=coding)
        assert (status, headers | {"cache-control": "max-age=300"}, body) == expected
    assert gzip.decompress(web.get(Accept_Encoding="gzip")[2]) == text(size)


@pytest.mark.parametrize(
    ("request_headers", "method", "status"),
    [
        ({}, "HEAD", 200),
        ({"If_None_Match": "*"}, "GET", 304),
        ({"If_None_Match": '"{digest}"'}, "GET", 304),
        ({"If_Modified_Since": "Thu, 15 Jan 2026 05:39:13 GMT"}, "GET", 304),
        ({"If_Match": '"x"'}, "GET", 412),
        ({"Accept_Encoding": "identity;q=0"}, "GET", 406),
        ({"Sec_Fetch_Dest": "document"}, "GET", 303),
        ({}, "OPTIONS", 204),
        ({}, "POST", 405),
    ],
)
def test_what_needs_no_bytes_reads_none(
    web: Web, request_headers: dict[str, str], method: str, status: int
) -> None:
    """Its file may be missing. Each response is counted once, by its format."""
    file = ArchivedFile(digest_of(b"lost"), WRITTEN, {"": (4, 1)})
    web.archives.update([archive_page(NAME, {"rss": file})])
    fields = {name: value.format(digest=file.digest) for name, value in request_headers.items()}
    assert web.get(method=method, **fields)[0] == status
    assert web.counted == {(status, "rss"): 1}


@pytest.mark.parametrize("path", [f"/{NAME}.atom", f"{PATH}.gz", "/all/20260102-030405-41.rss"])
def test_other_paths_are_not_found(web: Web, path: str) -> None:
    """The suffixes of siblings have no path either, although they are on disk."""
    web.archives.update([web.write(text(3000))])
    web.catalogue.update(
        [PublishedFile(path="index.html", media_type="", updated=WRITTEN, digest="", link=None)]
    )
    assert web.get(path)[0] == 404


def test_a_page_that_ended_is_redirected(web: Web) -> None:
    """Counted among redirects, without a format."""
    made = web.write(b"old")
    old = archive_page(NAME, dict(made.files), ended=datetime.now(UTC), moved_to="all")
    web.archives.update([old])
    status, headers, _ = web.get()
    assert (status, headers["location"], "link" in headers) == (301, f"{HOME}all.rss", False)
    assert web.counted == {(301, ""): 1}


@pytest.mark.parametrize("damage", ["missing", "touched", "longer", "a link", "a fifo"])
def test_a_page_that_is_not_as_it_was_written(
    web: Web, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """503, with a time to come back: a run writes it again."""
    monkeypatch.setattr(archive_app, "_PAUSES", ())
    web.archives.update([web.write(b"text")])
    path = web.output.files.root / f"{NAME}.rss"
    if damage == "touched":
        os.utime(path)
    elif damage == "longer":
        path.write_bytes(b"longer than before")
    else:
        path.rename(path.with_name("other"))
    if damage == "a link":
        path.symlink_to("other")
    elif damage == "a fifo":
        os.mkfifo(path)
    status, headers, body = web.get()
    assert (status, headers["retry-after"], "etag" in headers) == (503, "30", False)
    assert b"longer" not in body
    web.archives.update([web.write(b"again")])
    assert web.get()[2] == b"again"


def test_a_page_whose_file_is_newer_than_its_row(web: Web) -> None:
    """The request waits for the row. The bytes are those of the tag."""
    web.archives.update([web.write(b"version 0 " * 100)])
    for number, coding in enumerate(["identity", "gzip", "br"], 1):
        version = b"version %d " % number * 100
        made = web.write(version)
        threading.Timer(0.02, web.archives.update, [[made]]).start()
        status, headers, body = web.get(Accept_Encoding=coding)
        assert (status, headers.get("content-encoding", "identity")) == (200, coding)
        assert headers["etag"].startswith(f'"{digest_of(version)}')
        assert coding == "br" or version == (gzip.decompress(body) if coding == "gzip" else body)


def test_a_page_that_is_replaced_while_a_slow_client_reads(web: Web) -> None:
    """The client gets less than its length, so it asks again. It never gets parts of both."""
    size = 16_000_000
    web.archives.update([web.write(b"a" * size)])
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", web.server.port))
        client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = client.recv(4096).partition(b"\r\n\r\n")
        assert f"content-length: {size}".encode() in head
        web.archives.update([web.write(b"b" * size)])
        while part := client.recv(65536):
            body += part
    assert len(body) < size
    assert set(body) == set(b"a")


def test_the_limit_on_polls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full responses with the same bytes to one client are counted, and no others."""
    monkeypatch.setattr(archive_app, "_PAUSES", ())
    web = Web(tmp_path, PollLimiter(1))
    try:
        made = web.write(b"text")
        path = web.output.files.root / f"{NAME}.rss"
        path.rename(f"{path}.away")
        web.archives.update([made])
        assert web.get()[0] == 503
        Path(f"{path}.away").rename(path)
        tag = web.get(method="HEAD")[1]["etag"]
        assert [web.get()[0], web.get()[0], web.get(If_None_Match=tag)[0]] == [200, 429, 304]
    finally:
        web.server.stop()


def test_the_daemon_serves_the_pages_that_it_makes(tmp_path: Path) -> None:
    """From the state after a restart, too, and then where pages lead that have ended."""
    command = Command(tmp_path)
    command.environ |= {"SYNDICATOR_FEEDS__ARCHIVE": "true", "SYNDICATOR_FEEDS__LIMIT": "2"}
    posts = [command.post(f"2026-{month:02}-{day:02}-post") for month in (1, 2) for day in DAYS]

    def answer(path: str) -> requests.Response:
        return requests.get(command.url + path, allow_redirects=False, timeout=PATIENCE)

    with command.running():
        until(lambda: "prev-archive" in command.feed("all.atom"), what="a link to the archive")
        pages = [path.relative_to(command.feeds) for path in command.feeds.glob("all/*.atom")]
        assert len(pages) > 1
        assert {answer(page.as_posix()).status_code for page in pages} == {200}
        for post in posts[:-3]:
            post.unlink()
        until(lambda: {answer(page.as_posix()).status_code for page in pages} == {301})
    with command.running():
        successors = {answer(page.as_posix()).headers["location"] for page in pages}
        answers = [answer(successor.removeprefix(command.url)) for successor in successors]
        assert {each.status_code for each in answers} == {200}
