"""Addresses other than a host and port: Unix sockets, and sockets that systemd opened."""

import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
import requests
from command import PATIENCE, Command, Daemon, free_port, until
from healthy import HEALTHY
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from syndicator import listen
from syndicator.errors import SyndicatorError
from syndicator.listen import UnixSocket
from syndicator.ops import doctor
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue
from syndicator.web.proxies import client_of
from syndicator.web.server import Server


def get(path: Path, target: str = "/", **headers: str) -> HTTPResponse:
    """A request over a Unix socket."""
    with closing(HTTPConnection("localhost", timeout=10)) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(str(path))
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", target, headers=lines)
        response = connection.getresponse()
        response.read()
        return response


async def show_client(request: Request) -> PlainTextResponse:
    return PlainTextResponse("", headers={"x-client": client_of(request.scope, ())})


@contextmanager
def serving(path: Path) -> Iterator[Server]:
    app = make_app(
        Catalogue(max_age=300),
        health=HEALTHY,
        on_request=lambda *_: None,
        routes=[Route("/client", show_client)],
    )
    server = Server(app, UnixSocket(str(path)))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def stale_socket(path: Path) -> None:
    """What a process that was killed leaves."""
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))


def test_a_unix_socket_is_for_its_owner_and_group(tmp_path: Path) -> None:
    """Whatever the umask is. It is removed at the end."""
    path = tmp_path / "web.sock"
    before = os.umask(0o077)
    try:
        with serving(path) as server:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert (server.url, server.port) == (f"unix:{path}", 0)
            assert get(path, "/livez").status == 200
    finally:
        os.umask(before)
    assert not path.exists()


def test_the_client_is_the_one_that_a_program_at_the_unix_socket_names(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with serving(path):
        named = get(path, "/client", X_Forwarded_For="203.0.113.1, 203.0.113.9:4711")
        assert named.headers["x-client"] == "203.0.113.9"
        assert get(path, "/client").headers["x-client"] == ""


def test_more_programs_at_the_unix_socket_than_one_client_may_have(tmp_path: Path) -> None:
    """A proxy connects for many readers."""
    path = tmp_path / "web.sock"
    with serving(path) as server, ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(path))
        until(lambda: server.connections() == 200)
        assert get(path, "/livez").status == 200


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    stale_socket(path)
    with serving(path):
        assert get(path, "/livez").status == 200


def test_the_socket_of_another_process_stays_at_the_end(tmp_path: Path) -> None:
    """It may have been put there by the next daemon."""
    path = tmp_path / "web.sock"
    with serving(path):
        path.unlink()
        stale_socket(path)
    assert path.is_socket()


def test_a_file_or_a_living_socket_is_not_replaced(tmp_path: Path) -> None:
    """The message says what is there. `doctor` finds the same, and removes nothing."""
    file, living, missing = tmp_path / "file", tmp_path / "living", tmp_path / "none" / "x"
    file.write_text("precious")
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(living))
        other.listen()
        for path, hint in (
            (file, "the file there is not a socket"),
            (living, "another process listens there: stop it, or set web.listen"),
            (missing, "create its folder"),
        ):
            address = UnixSocket(str(path))
            with pytest.raises(SyndicatorError, match=f"^can't listen on unix:{path}: ") as refused:
                listen.listen(address)
            assert (refused.value.hint or "").startswith(hint)
            (problem,) = doctor.check_listening(address, None, tmp_path / "index.html")
            assert (problem.message, problem.hint) == (str(refused.value), refused.value.hint)
    assert file.read_text() == "precious"


def test_doctor_writes_nothing(tmp_path: Path) -> None:
    """Neither a free path nor the socket of a dead process is touched."""
    stale_socket(tmp_path / "stale")
    for name in ("free", "stale"):
        address = UnixSocket(str(tmp_path / name))
        assert list(doctor.check_listening(address, None, tmp_path / "index.html")) == []
    assert [path.name for path in tmp_path.iterdir()] == ["stale"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (problem,) = doctor.check_listening(UnixSocket(str(tmp_path / "x")), None, tmp_path)
    assert "write to its folder" in (problem.hint or "")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    command = Command(tmp_path)
    command.post("2026-01-02-one")
    return command


def test_a_daemon_at_a_unix_socket(command: Command) -> None:
    """After kill -9 the next one replaces its file. `doctor` knows it, a reload may leave it."""
    path = command.root / "web.sock"
    text = command.config.read_text()
    command.config.write_text(text.replace(f"127.0.0.1:{command.port}", f"unix:{path}"))
    with command.running() as daemon:
        assert f"Serving unix:{path}\n" in daemon.out
        daemon.end(signal.SIGKILL)
    assert path.is_socket()
    with command.running() as daemon:
        assert get(path, "/all.atom").status == 200
        etag = get(path, "/all.atom").headers["etag"]
        assert get(path, "/all.atom", If_None_Match=etag).status == 304
        index = command.feeds / "index.html"
        assert list(doctor.check_listening(UnixSocket(str(path)), None, index)) == []
        command.config.write_text(text)
        daemon.send(signal.SIGHUP)
        daemon.line(lambda line: f":{command.port}/" in line, daemon.out)
        until(lambda: not path.exists())
        assert requests.get(f"{command.url}all.atom", timeout=10).status_code == 200
        assert daemon.end()[0] == 0


# ------------------------------------------------------------------- sockets that systemd opened


@contextmanager
def activated(command: Command, *sockets: tuple[str, socket.socket]) -> Iterator[Daemon]:
    """A daemon started as systemd does: with named sockets, from descriptor 3 on."""
    # Above all that the redirections write to. bash, since sh has one-digit descriptors only.
    copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, 100) for _, each in sockets]
    redirections = " ".join(f"{3 + number}<&{copy}" for number, copy in enumerate(copies))
    environ = {
        "LISTEN_FDS": str(len(sockets)),
        "LISTEN_FDNAMES": ":".join(name for name, _ in sockets),
    }
    script = f'LISTEN_PID=$$ exec "$0" "$@" {redirections}'
    try:
        with Daemon(
            ["bash", "-c", script, *command.arguments("run")],
            command.root,
            {**command.environ, **environ},
            pass_fds=copies,
        ) as daemon:
            yield daemon
    finally:
        for copy in copies:
            os.close(copy)


def url_of(opened: socket.socket, path: str) -> str:
    return f"http://127.0.0.1:{opened.getsockname()[1]}/{path}"


def test_a_daemon_with_sockets_of_systemd(command: Command) -> None:
    """Each is served by its name, instead of the settings' addresses, also after a reload."""
    path = command.root / "web.sock"
    with ExitStack() as stack:
        web, admin = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(path))
        local.listen()
        sockets = (("web", web), ("admin", admin), ("web", local))
        daemon = stack.enter_context(activated(command, *sockets))
        daemon.line(lambda line: line.startswith("Serving "), daemon.out)
        assert daemon.out == [f"Serving {url_of(web, '')}\n"]
        for _ in range(2):
            assert requests.get(url_of(web, "all.atom"), timeout=10).status_code == 200
            assert requests.get(url_of(web, "metrics"), timeout=10).status_code == 404
            assert requests.get(url_of(admin, "metrics"), timeout=10).status_code == 200
            assert get(path, "/all.atom").status == 200
            for port in (command.port, command.admin_port):
                with socket.socket() as client:
                    assert client.connect_ex(("127.0.0.1", port)) != 0
            command.configure("[site]\ntitle = 'Another'", port=free_port())
            command.admin_port = free_port()
            daemon.send(signal.SIGHUP)
            daemon.line(lambda line: "read again" in line)
        assert daemon.end()[0] == 0
    assert path.is_socket(), "it is systemd's"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """Those of config/, with a program that is there."""
    for name in ("syndicator.service", "syndicator.socket"):
        text = (Path(__file__).parents[2] / "config" / name).read_text()
        (tmp_path / name).write_text(
            re.sub("^ExecStart=[^ ]*", "ExecStart=/bin/true", text, flags=re.M)
        )
    verdict = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "syndicator.socket"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert [line for line in verdict.stderr.splitlines() if "syndicator" in line] == []
    assert verdict.returncode == 0


def test_a_socket_of_systemd_without_a_use_is_one_message(command: Command) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as web,
        activated(command, ("wbe", web)) as daemon,
    ):
        assert daemon.process.wait(PATIENCE) == 1
        daemon.line(lambda line: 'inherited socket "wbe"' in line)
