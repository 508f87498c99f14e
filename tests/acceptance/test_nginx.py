"""The nginx example: nginx serves the same folder with the same headers as we do."""

import gzip
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import PATIENCE, free_port, until
from healthy import HEALTHY
from values import archive_page

from syndicator.model.archive import ArchivedFile, ArchivePage
from syndicator.outputs import owner
from syndicator.outputs.atomic_files import AtomicFiles
from syndicator.web.app import make_app
from syndicator.web.archives import Archives
from syndicator.web.catalogue import Catalogue, PublishedFile
from syndicator.web.server import Server
from syndicator.websub.links import link_header

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
EXAMPLE = Path(__file__).parents[2] / "config" / "nginx.conf"
BASE = "https://feeds.example.com/"
TYPES = {
    "all.rss": "application/rss+xml",
    "all.atom": "application/atom+xml",
    "all.json": "application/feed+json",
    "category/größe.rss": "application/rss+xml",
    "all.html": "text/html",
    "index.html": "text/html",
    "feeds.opml": "text/x-opml",
}
#: Pages of archives.
ARCHIVED = (
    "all/20260102-030405-42.atom",
    "category/größe/20260102-030405-0123456789abcdef.json",
    "all/20260102-030405-41.html",
)
#: Copies of feeds, as an operator adds them to the example: path, and percent-encoded path.
ALIASES = {
    ("feed.xml", "feed.xml"): ("all.atom", "all.atom"),
    ("feed/größe.xml", "feed/gr%C3%B6%C3%9Fe.xml"): (
        "category/größe.rss",
        "category/gr%C3%B6%C3%9Fe.rss",
    ),
}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def is_feed(path: str) -> bool:
    return path.endswith((".rss", ".atom", ".json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feeds")
    folder.chmod(0o755)
    for path in (*TYPES, *ARCHIVED):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"what is in {path} ".encode() * 200)
        Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    for (alias, _), (feed, _) in ALIASES.items():
        (folder / alias).parent.mkdir(exist_ok=True)
        shutil.copy2(folder / feed, folder / alias)
    (folder / owner.NAME).write_text("/var/lib/syndicator/syndicator.db")
    return folder


@pytest.fixture(scope="module")
def ours(folder: Path) -> Iterator[int]:
    archives = Archives(max_age=300, home=BASE, read=AtomicFiles(folder).read_part)
    archives.update(archived(folder, path) for path in ARCHIVED)
    catalogue = Catalogue(max_age=300, archives=archives)
    files = {path: path for path in TYPES}
    files |= {alias: feed for (alias, _), (feed, _) in ALIASES.items()}
    catalogue.update(
        PublishedFile(
            path=served,
            media_type=f"{kind}; charset=utf-8",
            updated=datetime.fromtimestamp((folder / path).stat().st_mtime, UTC),
            digest=hashlib.sha256((folder / path).read_bytes()).hexdigest(),
            link=link_header([f"{BASE}hub"], BASE + path.replace("größe", "gr%C3%B6%C3%9Fe"))
            if is_feed(path)
            else None,
            page="all.html" if path.startswith("all.") and is_feed(path) else None,
            bodies={
                "identity": (folder / path).read_bytes(),
                "gzip": (folder / f"{path}.gz").read_bytes(),
            },
        )
        for served, path in files.items()
        for kind in (TYPES[path],)
    )
    app = make_app(
        catalogue,
        health=HEALTHY,
        on_request=lambda _status, _suffix, _scope: None,
    )
    server = Server(app, ("127.0.0.1", 0))
    server.start()
    yield server.port
    server.stop()


def archived(folder: Path, path: str) -> ArchivePage:
    """A page as the state has it, in one format."""
    seen = {suffix: os.stat(f"{folder / path}{suffix}") for suffix in ("", ".gz")}
    disk = {suffix: (each.st_size, each.st_mtime_ns) for suffix, each in seen.items()}
    date = datetime.fromtimestamp(seen[""].st_mtime, UTC)
    name, _, format = path.rpartition(".")
    return archive_page(name, {format: ArchivedFile("0" * 32, date, disk)})


@pytest.fixture(scope="module")
def recompressing() -> int:
    """The port of an nginx in front of us that compresses our responses."""
    return free_port()


@pytest.fixture(scope="module")
def theirs(
    folder: Path, ours: int, recompressing: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    port = free_port()
    example = EXAMPLE.read_text()
    for written, replacement in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("root /srv/syndicator/feeds;", f"root {folder};"),
        ("http://127.0.0.1:8080;", f"http://127.0.0.1:{ours};"),
    ):
        assert written in example
        example = example.replace(written, replacement)
    in_files, in_links = (
        next(line for line in example.splitlines() if line.strip().startswith(begin))
        for begin in ('# "/feed.xml"', '# "~^/feed')
    )
    for (alias, encoded), (feed, link) in ALIASES.items():
        in_file = in_files.replace("feed.xml", alias).replace("all.atom", feed)
        in_link = in_links.replace("feed\\.xml", encoded).replace("all.atom", link)
        for line, added in ((in_files, in_file), (in_links, in_link)):
            example = example.replace(line, f"{line}\n{added.replace('# ', '', 1)}")
    # Beside the example: a proxy whose gzip filter compresses our responses and weakens our tags.
    example += f"""server {{
        listen 127.0.0.1:{recompressing};
        location / {{
            proxy_pass http://127.0.0.1:{ours};
            proxy_set_header Accept-Encoding "";
            gzip on;
            gzip_proxied any;
            gzip_types *;
        }}
    }}"""
    with nginx(tmp_path_factory.mktemp("nginx"), example, port):
        yield port


@pytest.fixture(scope="module")
def below(folder: Path, ours: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx with the example changed for /feeds/, as the how-to describes it."""
    place = tmp_path_factory.mktemp("below")
    (place / "feeds").symlink_to(folder)
    port = free_port()
    example = EXAMPLE.read_text()
    for written, replacement in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("root /srv/syndicator/feeds;", f"root {place};"),
        ("http://127.0.0.1:8080;", f"http://127.0.0.1:{ours};"),
        ('# "/feed.xml" "/all.atom"', '"/feeds/feed.xml" "/feeds/all.atom"'),
        (r'# "~^/feed\.xml(?:\?|$)" "/all', r'"~^/feeds/feed\.xml(?:\?|$)" "/feeds/all'),
        ("feeds.example.com/hub", "feeds.example.com/feeds/hub"),
        ("^/hub/?$", "^/feeds/hub/?$"),
    ):
        assert written in example
        example = example.replace(written, replacement)
    with nginx(place, example, port):
        yield port


@contextmanager
def nginx(place: Path, http: str, port: int) -> Iterator[None]:
    """nginx with this text in its http block, which listens on `port`; its files are in `place`."""
    places = "".join(
        f"{name}_temp_path {place}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = place / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n"
        f"events {{ worker_connections 64; }}\nhttp {{ access_log off;\n{places}{http}}}\n"
    )
    command = [str(NGINX), "-p", str(place), "-c", str(config), "-e", str(place / "error.log")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: process.poll() is not None or is_open(port), what="the start of nginx")
            if process.poll() is not None:
                pytest.fail(
                    f"nginx refuses the example: {process.stderr.read() if process.stderr else ''}"
                )
            yield
            process.terminate()
            process.wait(PATIENCE)
        finally:
            process.kill()


def is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def ask(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    received = {name.lower(): value for name, value in response.getheaders()}
    # nginx builds its ETag from time and size, and offers ranges.
    for name in ("date", "server", "connection", "etag", "accept-ranges"):
        received.pop(name, None)
    body = response.read()
    connection.close()
    return response.status, received, body


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        *(f"/{path.replace('größe', 'gr%C3%B6%C3%9Fe')}" for path in (*TYPES, *ARCHIVED)),
        *(f"/{encoded}" for _, encoded in ALIASES),
    ],
)
def test_the_same_headers_and_body(ours: int, theirs: int, path: str, coding: str) -> None:
    """Type with charset, length, coding, Link, Cache-Control, Last-Modified, Vary and nosniff.

    Pages of archives have no Link, and are cached for longer.
    """
    for method in ("GET", "HEAD"):
        assert ask(ours, path, method, Accept_Encoding=coding) == ask(
            theirs, path, method, Accept_Encoding=coding
        )


@pytest.mark.usefixtures("theirs")
def test_304_through_a_proxy_that_compresses(recompressing: int) -> None:
    """It weakens our tag, since its bytes are not ours. The client still gets a 304."""
    connection = http.client.HTTPConnection("127.0.0.1", recompressing, timeout=10)

    def get(**headers: str) -> http.client.HTTPResponse:
        lines = {"Accept-Encoding": "gzip"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        connection.request("GET", "/all.rss", headers=lines)
        return connection.getresponse()

    first = get()
    assert gzip.decompress(first.read()) == b"what is in all.rss " * 200
    etag, date = first.headers["ETag"], first.headers["Last-Modified"]
    assert etag.startswith('W/"')
    for headers in (
        {"If_None_Match": etag},
        {"If_None_Match": f'"other", {etag}'},
        {"If_Modified_Since": date},
    ):
        again = get(**headers)
        assert (again.status, again.read()) == (304, b"")
    connection.close()


def test_304(theirs: int) -> None:
    """For nginx's own ETag and date, also if a proxy in front weakened the tag."""
    connection = http.client.HTTPConnection("127.0.0.1", theirs, timeout=10)
    connection.request("GET", "/all.rss")
    response = connection.getresponse()
    response.read()
    etag, date = response.headers["ETag"], response.headers["Last-Modified"]
    connection.close()
    for headers in (
        {"If_None_Match": etag},
        {"If_None_Match": f"W/{etag}"},
        {"If_Modified_Since": date},
    ):
        status, received, _ = ask(theirs, "/all.rss", **headers)
        assert (status, 'rel="self"' in received["link"]) == (304, True)


@pytest.mark.parametrize(
    "path", ["/nothing.rss", "/all.rss.gz", "/../all.rss", "/category/", f"/{owner.NAME}"]
)
def test_404_without_links(theirs: int, path: str) -> None:
    """Errors name no hub. Compressed siblings and the folder's owner have no address."""
    status, received, _ = ask(theirs, path)
    assert status in (400, 404)
    assert "link" not in received


@pytest.mark.parametrize("path", ["/all.rss", "/nothing.rss", "/all.rss.gz", "/hub", "/", "/%zz"])
def test_every_response_has_nosniff_once(theirs: int, path: str) -> None:
    """Those of nginx, and ours behind it."""
    for headers in (
        {},
        {"Sec_Fetch_Dest": "document"},
        {"If_Modified_Since": ask(theirs, "/all.rss")[1]["last-modified"]},
    ):
        assert ask(theirs, path, **headers)[1]["x-content-type-options"] == "nosniff"
    with socket.create_connection(("127.0.0.1", theirs), timeout=10) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")[0]
    assert head.lower().count(b"x-content-type-options:") == 1


def test_a_query_is_not_in_self(theirs: int) -> None:
    """Nor anything else from a request."""
    usual = ask(theirs, "/all.rss")[1]["link"]
    assert (
        usual
        == ask(theirs, "/all.rss?utm=1")[1]["link"]
        == ask(theirs, "/all.rss", Host="evil.example")[1]["link"]
    )
    assert "link" not in ask(theirs, "//all.rss")[1]


def test_browsers_are_redirected_to_the_page(ours: int, theirs: int) -> None:
    """As we do it; nginx with a path from the root. Of an archive, to that of the same entries."""
    for port, path, location in (
        (ours, "/all.rss", "all.html#rss"),
        (theirs, "/all.rss", "/all.html#rss"),
        (theirs, f"/{ARCHIVED[0]}", f"/{ARCHIVED[0].replace('.atom', '.html#atom')}"),
    ):
        status, received, _ = ask(port, path, Sec_Fetch_Dest="document")
        assert (303, location) == (status, received["location"])
        assert (received["cache-control"], received["vary"]) == ("no-store", "Sec-Fetch-Dest")
        assert "link" not in received


@pytest.mark.parametrize("path", ["all.rss", "all.atom", "category/gr%C3%B6%C3%9Fe.rss"])
def test_below_a_path(ours: int, below: int, path: str) -> None:
    """The same, with the path in each address."""
    expected = ask(ours, f"/{path}")
    expected[1]["link"] = expected[1]["link"].replace(BASE, f"{BASE}feeds/")
    assert ask(below, f"/feeds/{path}") == expected
    page = ask(below, f"/feeds/{path}", Sec_Fetch_Dest="document")[1]["location"]
    assert page == f"/feeds/{path.replace('.', '.html#')}"
    assert "link" not in ask(below, f"/{path}")[1]


def test_aliases_and_the_hub_below_a_path(below: int) -> None:
    """An alias has the links of its feed. The hub's response comes from us."""
    assert ask(below, "/feeds/feed.xml") == ask(below, "/feeds/all.atom")
    assert ask(below, "/feeds/hub", "POST")[2] == b"Not Found"
    assert b"nginx" in ask(below, "/hub", "POST")[2]


def test_only_the_hub_is_proxied(theirs: int) -> None:
    """The hub's response comes from us (here 404: there is no hub). Health and metrics don't."""
    assert ask(theirs, "/hub", "POST")[2] == b"Not Found"
    assert ask(theirs, "/hub/", "POST")[2] == b"Not Found"
    for path in ("/metrics", "/readyz", "/livez"):
        assert b"nginx" in ask(theirs, path)[2]
