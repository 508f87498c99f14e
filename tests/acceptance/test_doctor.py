"""`syndicator doctor` on real folders, states and servers that answer wrong things. It writes nothing."""

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import Command, free_port, until
from disks import disks

from syndicator import config
from syndicator.model.outbox import Request, Response
from syndicator.ops import doctor
from syndicator.outbound import Client
from syndicator.service import examine

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FEED = b"<?xml version='1.0'?><feed/>"
LINK = {
    "link": '<https://example.com/all.atom>; rel="self"',
    "content-type": "application/atom+xml",
}


class Server:
    """Answers as it is told to."""

    status, body = 200, FEED
    headers: dict[str, str] = LINK

    def __enter__(self) -> "Server":
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(server.status)
                for name, value in {
                    "content-length": str(len(server.body)),
                    **server.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/all.atom"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def ask(request: Request) -> Response:
    wait = timedelta(seconds=5)
    client = Client(user_agent="test", timeout=wait, stranger_timeout=wait)
    try:
        return client.send(request)
    finally:
        client.close()


def found(server: Server, folder: Path, hubs: tuple[str, ...] = ()) -> list[str]:
    file = folder / "all.atom"
    file.write_bytes(FEED)
    return [problem.message for problem in doctor.answers(ask, hubs, server.url, file, lambda: NOW)]


def test_an_address_that_leads_back(server: Server, tmp_path: Path) -> None:
    """The bytes that stand on disk, with their Link header: nothing to say."""
    assert found(server, tmp_path) == []


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (
            200,
            b"\n<!DOCTYPE html><title>Welcome</title>",
            {"content-type": "text/html"},
            "is HTML, not a feed",
        ),
        (404, b"", {}, "answers 404"),
        (301, b"", {"location": "/elsewhere"}, "answers 301"),
        (200, b"<?xml version='1.0'?><feed>old</feed>", LINK, "is not what stands in"),
        (200, b"", LINK, "is not what stands in"),
        (200, FEED, {}, "is sent without a Link header"),
    ],
)
def test_an_address_that_leads_elsewhere(
    server: Server, tmp_path: Path, status: int, body: bytes, headers: dict[str, str], words: str
) -> None:
    """The body is compared with the file, and what came is named."""
    server.status, server.body, server.headers = status, body, headers
    (message,) = found(server, tmp_path)
    assert words in message


def test_a_hub_that_cannot_be_reached_and_one_with_another_clock(
    server: Server, tmp_path: Path
) -> None:
    """Any answer of a hub will do, but for its date."""
    server.headers = LINK | {"date": format_datetime(NOW + timedelta(hours=3))}
    (apart,) = found(server, tmp_path, (server.url,))
    assert "says 2026-05-01 12:00:00 UTC" in apart
    (closed,) = [
        m for m in found(server, tmp_path, ("http://127.0.0.1:9/",)) if "can't be reached" in m
    ]
    assert closed


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://example.com/", True),
        ("https://203.0.113.9/", False),
        ("https://8.8.8.8/", True),
        ("http://127.0.0.1:8080/", False),
        ("http://[::1]/", False),
        ("http://192.168.1.7/", False),
        ("http://localhost/", False),
        ("http://nas.local/", False),
    ],
)
def test_addresses_that_others_cannot_reach(url: str, public: bool) -> None:
    """A setting of its own, and the hubs that would have to fetch from there."""
    paths = [problem.path for problem in doctor.addresses(url, ("https://hub.example/",), None)]
    assert paths == ([] if public else ["feeds.url", "push.hubs"])


@pytest.mark.parametrize(
    ("site", "said"),
    [("https://example.org/", 1), ("https://news.example/", 1), ("https://a.org/", 0)],
)
def test_an_example_of_an_address_is_no_address(site: str, said: int) -> None:
    """What `init` wrote where a site doesn't say its address, and nobody changed."""
    assert ["site.url"] * said == [
        one.path for one in doctor.addresses("https://a.org/feeds/", (), site)
    ]


def test_folders(tmp_path: Path) -> None:
    """A source that isn't there; a full disk; one that is read-only."""
    with disks(tmp_path / "full", tmp_path / "fixed") as (full, fixed):
        full.fill()
        fixed.read_only()
        said = list(doctor.places(tmp_path / "none", full.at / "feeds", fixed.at / "state.db"))
    assert [problem.path for problem in said] == [
        "source.path",
        "output.path",
        "state.url",
        "state.url",
    ]
    assert said[1].message == f"0 octets are free at {tmp_path / 'full'}"
    assert said[2].message == f"{tmp_path / 'fixed'} can't be written to"


def test_places_that_cannot_even_be_looked_at(tmp_path: Path) -> None:
    """What the system refuses to look at isn't there; what stands above it is looked at instead."""
    closed = tmp_path / ("x" * 300)
    (source,) = doctor.places(closed, closed / "feeds", closed / "state.db")
    assert source.path == "source.path"


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "another program uses this address"),
        ("192.0.2.1", "this machine has no such address"),
        ("no-such-host.invalid", "this host name is not known here"),
    ],
)
def test_an_address_that_run_could_not_have(tmp_path: Path, host: str, words: str) -> None:
    """Tried as `run` would, and let go again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page, free = tmp_path / "index.html", ("127.0.0.1", free_port())
        for setting, found in {
            "web.listen": doctor.listens((host, port), None, page),
            "web.admin": doctor.listens(free, (host, port), page),
        }.items():
            (problem,) = found
            assert problem.message.startswith(f"can't listen on {host}:{port}: ")
            assert (problem.path, setting in (problem.hint or "")) == (setting, True)
            assert words in (problem.hint or "")
    assert list(doctor.listens(("127.0.0.1", port), None, page)) == []


def test_our_own_daemon_has_its_address_by_right(tmp_path: Path) -> None:
    """It serves what stands in our output folder; a daemon of another site, or a bare server of ours, doesn't."""
    command = Command(tmp_path)
    page = command.feeds / "index.html"
    with command.running():
        until(page.exists)
        assert (
            list(
                doctor.listens(("127.0.0.1", command.port), ("127.0.0.1", command.admin_port), page)
            )
            == []
        )
        other = tmp_path / "index.html"
        other.write_text("Another site.")
        (problem,) = doctor.listens(("127.0.0.1", command.port), None, other)
    assert problem.path == "web.listen"
    serve = partial(SimpleHTTPRequestHandler, directory=command.feeds)
    with ThreadingHTTPServer(("127.0.0.1", command.port), serve) as bare:
        threading.Thread(target=bare.serve_forever, args=(0.05,), daemon=True).start()
        (problem,) = doctor.listens(("127.0.0.1", command.port), None, page)
        bare.shutdown()
    assert problem.path == "web.listen"


def test_states(tmp_path: Path) -> None:
    """None yet is fine; a damaged and a newer one are not; nor is a clock behind the last run, or before us all."""
    path = tmp_path / "state.db"
    url = f"sqlite:///{path}"
    assert list(doctor.state(url, NOW)) == []
    assert not path.exists()
    with closing(sqlite3.connect(path)) as state:
        state.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('0001');"
            "CREATE TABLE facts (name, value); INSERT INTO facts VALUES ('now', '2026-05-02T12:00:00+00:00');"
        )
        (behind,) = doctor.state(url, NOW)
        assert (
            behind.message
            == "says 2026-05-01 12:00 UTC, but the last run was at 2026-05-02 12:00 UTC"
        )
        state.executescript("UPDATE alembic_version SET version_num = '9999'")
        (newer,) = doctor.state(url, NOW)
        assert "newer syndicator (schema 9999" in newer.message
    path.write_bytes(b"no database" * 1000)
    (damaged, early) = doctor.state(url, datetime(1970, 1, 1, tzinfo=UTC))
    assert "is damaged" in damaged.message
    assert early.path == "clock"


def test_the_command_writes_nothing(tmp_path: Path) -> None:
    """It says what it found, with hints, and ends with 1; no folder, no state, no file comes of it."""
    command = Command(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = command("doctor", "--json")
    assert done.returncode == 1
    assert [problem["path"] for problem in json.loads(done.stdout)["problems"]] == ["feeds.url"]
    asked = [problem.message for problem in examine(config.load(command.config, {}), ask=True)]
    assert any("can't be reached" in message for message in asked)
    assert sorted(tmp_path.rglob("*")) == before
