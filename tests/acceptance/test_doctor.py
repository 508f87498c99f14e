"""`syndicator doctor` on real folders, states and servers. It writes nothing."""

import json
import os
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
from typing import Any

import pytest
from command import Command, free_port, until
from disks import disks

from syndicator import config
from syndicator.machine_checks import check_machine
from syndicator.model.outbox import Request, Response
from syndicator.ops import archive_room, disk, doctor, permissions
from syndicator.outbound.client import Client

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FEED = b"<?xml version='1.0'?><feed/>"
LINK = {
    "link": '<https://example.com/all.atom>; rel="self"',
    "content-type": "application/atom+xml",
}


class Server:
    """A server with settable answers."""

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


def send(request: Request) -> Response:
    timeout = timedelta(seconds=5)
    client = Client(user_agent="test", timeout=timeout, stranger_timeout=timeout)
    try:
        return client.send(request)
    finally:
        client.close()


def messages(server: Server, folder: Path, hubs: tuple[str, ...] = ()) -> list[str]:
    file = doctor.Published(f"{folder}/all.atom", FEED)
    return [
        problem.message
        for problem in doctor.check_network(send, hubs, server.url, file, lambda: NOW)
    ]


def test_an_address_that_leads_back(server: Server, tmp_path: Path) -> None:
    """The bytes on disk with their Link header are no problem."""
    assert messages(server, tmp_path) == []


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (
            200,
            b"\n<!DOCTYPE html><title>Welcome</title>",
            {"content-type": "text/html"},
            "returns HTML, not a feed",
        ),
        (404, b"", {}, "returns status 404"),
        (301, b"", {"location": "/elsewhere"}, "returns status 301"),
        (200, b"<?xml version='1.0'?><feed>old</feed>", LINK, "differs from"),
        (200, b"", LINK, "differs from"),
        (200, FEED, {}, "is sent without a Link header"),
    ],
)
def test_an_address_that_leads_elsewhere(
    server: Server, tmp_path: Path, status: int, body: bytes, headers: dict[str, str], expected: str
) -> None:
    """The body is compared with the file, and the difference is described."""
    server.status = status
    server.body = body
    server.headers = headers
    (message,) = messages(server, tmp_path)
    assert expected in message


def test_an_unreachable_hub_and_one_with_another_clock(server: Server, tmp_path: Path) -> None:
    """Any answer of a hub is accepted, except for its date."""
    server.headers = LINK | {"date": format_datetime(NOW + timedelta(hours=3))}
    (apart,) = messages(server, tmp_path, (server.url,))
    assert "shows 2026-05-01 12:00:00 UTC" in apart
    (closed,) = [
        m for m in messages(server, tmp_path, ("http://127.0.0.1:9/",)) if "can't be reached" in m
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
def test_addresses_that_are_not_public(url: str, public: bool) -> None:
    """A note of feeds.url, and a problem of hubs that would fetch from it."""
    problems = list(doctor.check_addresses(url, ("https://hub.example/",), None))
    expected = [] if public else [("feeds.url", True), ("push.hubs", False)]
    assert [(problem.path, problem.note) for problem in problems] == expected
    assert [problem.note for problem in doctor.check_addresses(url, (), None)] == [True] * (
        not public
    )


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("127.0.0.1", "this machine"),
        ("[::1]", "this machine"),
        ("localhost", "this machine"),
        ("192.168.1.7", "this network"),
        ("nas.local", "this network"),
    ],
)
def test_who_reaches_an_address_that_is_not_public(host: str, reach: str) -> None:
    """A loopback address is for this machine, a private one for its network."""
    (note,) = doctor.check_addresses(f"http://{host}/", (), None)
    assert note.message == f"http://{host}/ is for {reach} only"


@pytest.mark.parametrize(
    ("site", "problems"),
    [("https://example.org/", 1), ("https://news.example/", 1), ("https://a.org/", 0)],
)
def test_example_addresses(site: str, problems: int) -> None:
    """`init` writes one if the site has no address; it must be changed."""
    assert ["site.url"] * problems == [
        one.path for one in doctor.check_addresses("https://a.org/feeds/", (), site)
    ]


def test_folders(tmp_path: Path) -> None:
    """A missing source, a full disk and a read-only disk are problems."""
    with disks(tmp_path / "full", tmp_path / "fixed") as (full, fixed):
        full.fill()
        fixed.read_only()
        state = fixed.at / "state.db"
        problems = list(doctor.check_folders(tmp_path / "none", full.at / "feeds", state))
    assert [problem.path for problem in problems] == [
        "source.path",
        "output.path",
        "state.url",
        "state.url",
    ]
    assert problems[1].message == f"only 0 bytes are free at {tmp_path / 'full'}"
    assert problems[2].message == f"{tmp_path / 'fixed'} is on a read-only disk"


def test_a_group_that_is_kept_out(tmp_path: Path) -> None:
    """Each folder above the state must let it in, by its group or as everyone."""
    open_folder, closed = tmp_path / "open", tmp_path / "open/closed"
    closed.mkdir(parents=True)
    open_folder.chmod(0o755)
    closed.chmod(0o700)
    group = os.getegid()
    problems = [
        problem
        for problem in permissions.check_group(closed / "state.db", group)
        if str(open_folder) in problem.message
    ]
    assert [problem.path for problem in problems] == ["state.group"]
    assert f"chmod g+x {closed}" in (problems[0].hint or "")
    closed.chmod(0o750)
    assert str(open_folder) not in str(list(permissions.check_group(closed / "state.db", group)))


def test_folders_that_cannot_be_looked_up(tmp_path: Path) -> None:
    """A path that the system refuses counts as missing; its parent is checked."""
    refused = tmp_path / ("x" * 300)
    (source,) = doctor.check_folders(refused, refused / "feeds", refused / "state.db")
    assert source.path == "source.path"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "another program uses this address"),
        ("192.0.2.1", "this machine has no such address"),
        ("no-such-host.invalid", "this host name is not known here"),
    ],
)
def test_an_address_that_run_could_not_use(tmp_path: Path, host: str, reason: str) -> None:
    """It is tried as `run` would, and released."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page, free = tmp_path / "index.html", ("127.0.0.1", free_port())
        for setting, problems in {
            "web.listen": doctor.check_listening((host, port), None, page),
            "web.admin": doctor.check_listening(free, (host, port), page),
        }.items():
            (problem,) = problems
            assert problem.message.startswith(f"can't listen on {host}:{port}: ")
            assert (problem.path, setting in (problem.hint or "")) == (setting, True)
            assert reason in (problem.hint or "")
    assert list(doctor.check_listening(("127.0.0.1", port), None, page)) == []


def test_our_own_daemon_may_use_the_address(tmp_path: Path) -> None:
    """It serves our index page. A daemon of another site, or another server, is a problem."""
    command = Command(tmp_path)
    page = command.feeds / "index.html"
    with command.running():
        until(page.exists)
        public, admin = ("127.0.0.1", command.port), ("127.0.0.1", command.admin_port)
        assert list(doctor.check_listening(public, admin, page)) == []
        other = tmp_path / "index.html"
        other.write_text("Another site.")
        (problem,) = doctor.check_listening(public, None, other)
    assert problem.path == "web.listen"
    serve = partial(SimpleHTTPRequestHandler, directory=command.feeds)
    with ThreadingHTTPServer(("127.0.0.1", command.port), serve) as other_server:
        threading.Thread(target=other_server.serve_forever, args=(0.05,), daemon=True).start()
        (problem,) = doctor.check_listening(public, None, page)
        other_server.shutdown()
    assert problem.path == "web.listen"


def test_states(tmp_path: Path) -> None:
    """A damaged or newer state is a problem, and a clock before the last run or release."""
    path = tmp_path / "state.db"
    url = f"sqlite:///{path}"
    assert list(doctor.check_state(url, NOW)) == []
    assert not path.exists()
    with closing(sqlite3.connect(path)) as state:
        state.executescript(
            "CREATE TABLE alembic_version (version_num);"
            "INSERT INTO alembic_version VALUES ('0001');"
            "CREATE TABLE facts (name, value);"
            "INSERT INTO facts VALUES ('now', '2026-05-02T12:00:00+00:00');"
        )
        (behind,) = doctor.check_state(url, NOW)
        assert (
            behind.message
            == "shows 2026-05-01 12:00 UTC, but the last run was at 2026-05-02 12:00 UTC"
        )
        state.executescript("UPDATE alembic_version SET version_num = '9999'")
        (newer,) = doctor.check_state(url, NOW)
        assert "newer syndicator (schema 9999" in newer.message
    path.write_bytes(b"no database" * 1000)
    (damaged, early) = doctor.check_state(url, datetime(1970, 1, 1, tzinfo=UTC))
    assert "is damaged" in damaged.message
    assert early.path == "clock"


def test_the_command_writes_nothing(tmp_path: Path) -> None:
    """It creates no folder, state or file. A trial on this machine exits with 0."""
    command = Command(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = command("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["problems"]) == (0, [])
    assert [note["path"] for note in found["notes"]] == ["feeds.url"]
    assert command("doctor").stdout.endswith("\nAll is well.\n")
    problems = check_machine(config.load(command.config, {}), ask=True)
    assert any("can't be reached" in problem.message for problem in problems)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("networks", ['"127.0.0.0/8"', '"fd00::/8", "10.0.0.0/8"'])
def test_private_networks_of_callbacks(server: Server, tmp_path: Path, networks: str) -> None:
    """`--ask` sends the operator's own requests, which they do not concern."""
    command = Command(tmp_path)
    command.url = server.url.removesuffix("all.atom")
    command.configure(f'[hub]\nallow_private = [{networks}]\n[push]\nhubs = ["{server.url}"]\n')
    command.feeds.mkdir()
    (command.feeds / "all.rss").write_bytes(FEED)
    problems = check_machine(config.load(command.config, {}), ask=True)
    assert [each.message for each in problems if each.path.startswith("http")] == []


def test_a_problem_of_the_machine_exits_with_1(tmp_path: Path) -> None:
    """It is printed before the notes, and all is not well."""
    command = Command(tmp_path)
    command.configure('[site]\nurl = "https://example.org/"')
    done = command("doctor")
    assert done.returncode == 1
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()[::2]] == [
        "site.url",
        "feeds.url",
    ]


def test_the_room_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note says how much it is; if that is too much, it is a problem. Unknown without a state."""
    command = Command(tmp_path)
    for day in range(1, 11):
        command.post(f"2026-01-{day:02}-post", text="Text. " * 2000)
    command.environ |= {"SYNDICATOR_FEEDS__LIMIT": "4", "SYNDICATOR_PUSH__HUBS": "[]"}
    archived = {"SYNDICATOR_FEEDS__ARCHIVE": "true"}

    def found() -> list[dict[str, Any]]:
        report = json.loads(command("doctor", "--json", environ=archived).stdout)
        return [each for each in report["notes"] if each["path"] == "feeds.archive"]

    assert found() == []
    assert command("build", environ={"SYNDICATOR_FEEDS__ARCHIVE": "false"}).returncode == 0
    (note,) = found()
    # Of ten posts, a feed's files show four, and two of these need no page.
    files = [*command.feeds.glob("all.*"), *command.feeds.glob("category/news.*")]
    size = sum(file.stat().st_size for file in files) / 4 * 8
    about = f"archives of 16 entries take about {size / 2**20:.1f} MiB more; "
    assert note["message"].startswith(about)
    monkeypatch.setattr(disk, "LOW", 2**60)
    state = f"sqlite:///{tmp_path}/var/syndicator.db"
    (problem,) = archive_room.check_archives(state, command.feeds, datetime.now(UTC))
    assert not problem.note
    assert (problem.hint or "").startswith("free some disk space")
