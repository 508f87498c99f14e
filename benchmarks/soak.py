"""The real daemon under edits, restarts and faults at random, and a check of every change.

    python benchmarks/soak.py [--minutes 3] [--seed 1]

Everything stays on this machine. A hub fetches each topic that it is pinged for, subscribers of our
own hub receive deliveries, and a watcher reads the files all the time. In the first fifth of the
time the daemon is killed and restarted. Then one process lives through everything else, and its
memory is compared. Ends with 1 if a change was lost, a file was torn, an id changed, a time went
back, or memory grew by more than a tenth after its first minute (in runs of ten minutes and more:
in a short run the first minute is most of it). Disks are filled if this user may mount some.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from command import Command, Daemon, free_port, until
from disks import Disk, disks
from soak_author import FORMATS, LIMIT, Author
from soak_observers import SUBSCRIBERS, FileWatcher, Receivers

SETTINGS = """
limit = {limit}
[push]
pace = "0s"
hubs = ["{hub}"]
timeout = "2s"
retry = ["200ms", "500ms", "1s", "2s", "2s", "2s", "2s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
[hub]
allow_private = ["127.0.0.0/8"]
timeout = "2s"
retry = ["200ms", "500ms", "1s", "2s", "2s", "2s", "2s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
"""


class Soak:
    def __init__(self, root: Path, rng: random.Random, disks: list[Disk]) -> None:
        self.rng = rng
        self.disks = disks
        port = free_port()
        self.receivers = Receivers(root / "feeds")
        self.command = Command(root, port=port)
        self.command.config.write_text(
            f'[source]\npath = "../site"\npoll = "1s"\n[web]\nlisten = "127.0.0.1:{port}"\n'
            f'admin = "127.0.0.1:{self.command.admin_port}"\n'
            f'[feeds]\nurl = "{self.command.url}"'
            + SETTINGS.format(limit=LIMIT, hub=self.receivers.url)
        )
        self.author = Author(self.command, rng)
        self.watcher = FileWatcher(self.command.feeds)
        self.faults: Counter[str] = Counter()
        self.daemon = self.start()

    def start(self) -> Daemon:
        daemon = Daemon(self.command.arguments("run"), self.command.root, self.command.environ)
        self.daemon = daemon
        daemon.line(lambda line: line.startswith("Serving "), daemon.out)
        return daemon

    def ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.command.url}readyz", timeout=10).ok
        return False

    def queued(self) -> int:
        """Jobs that are queued; -1: unknown."""
        facts = requests.get(f"{self.command.admin}readyz", timeout=10).json()
        return int(facts.get("queued", -1))

    def edit(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(self.rng.choice((1, 1, 1, 2, 10))):
                self.author.change()
            time.sleep(self.rng.uniform(0, 0.2))

    # Disturbances

    def restart(self, number: signal.Signals) -> None:
        code, seconds = self.daemon.end(number)
        assert (number, code) in ((signal.SIGTERM, 0), (signal.SIGKILL, -9)), (
            f"ended with {code} after {seconds}"
        )
        self.edit(self.rng.uniform(0, 0.5))
        self.daemon = self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.daemon.send(signal.SIGSTOP)
        yield
        self.daemon.send(signal.SIGCONT)

    @contextmanager
    def hub_down(self) -> Iterator[None]:
        self.receivers.up = False
        yield
        self.receivers.up = True

    @contextmanager
    def full(self) -> Iterator[None]:
        chosen = self.rng.choice((self.disks[:1], self.disks[1:], self.disks))
        for disk in chosen:
            disk.fill()
        yield
        for disk in chosen:
            disk.free()

    def source_gone(self) -> None:
        away = self.command.site.rename(self.command.root / "away")
        time.sleep(self.rng.uniform(0, 2))
        away.rename(self.command.site)

    def renames(self) -> None:
        """Rename some posts. One that is edited in the same run would be another post."""
        self.wait_until_idle()
        for _ in range(3):
            self.author.rename()
        time.sleep(1.5)

    def disturb(self, restarts: bool) -> None:
        during: dict[str, Callable[[], object]] = {
            "STOP and CONT": self.stopped,
            "hub down": self.hub_down,
        }
        if self.disks:
            during["disk full"] = self.full
        at_once: dict[str, Callable[[], object]] = {
            "source gone": self.source_gone,
            "renames": self.renames,
            "HUP": lambda: self.daemon.send(signal.SIGHUP),
        }
        if restarts:
            at_once["TERM"] = lambda: self.restart(signal.SIGTERM)
            at_once["KILL"] = lambda: self.restart(signal.SIGKILL)
            at_once["KILL "] = at_once["KILL"]
        name = self.rng.choice([*during, *at_once])
        self.faults[name.strip()] += 1
        if name in during:
            with during[name]():  # type: ignore[attr-defined]
                self.edit(self.rng.uniform(0.2, 2))
        else:
            at_once[name]()
        self.edit(self.rng.uniform(0.2, 2))

    def wait_until_idle(self) -> None:
        """Wait until nothing changes any more: for a second, since pings are sent during a run."""

        def is_idle() -> bool:
            return self.ready() and not self.author.lost() and self.queued() == 0

        def stays_idle() -> bool:
            if not is_idle():
                return False
            before = self.published()
            time.sleep(1)
            return is_idle() and self.published() == before

        until(stays_idle, seconds=120, what="an idle daemon")

    def published(self) -> tuple[int, dict[str, int]]:
        """The number of pings, and the time of each file."""
        files = (path for path in self.command.feeds.rglob("*") if path.suffix in FORMATS)
        return self.receivers.pings, {path.name: path.stat().st_mtime_ns for path in files}

    def idle_pings(self) -> int:
        """Pings after restarts without a change."""
        time.sleep(3)
        before = self.receivers.pings
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            self.restart_idle(number)
        return self.receivers.pings - before

    def restart_idle(self, number: signal.Signals) -> None:
        self.daemon.end(number)
        self.daemon = self.start()
        until(lambda: self.ready() and self.queued() == 0)
        time.sleep(1)

    def size(self) -> tuple[float, int]:
        """Resident MiB, and open descriptors."""
        process = Path(f"/proc/{self.daemon.process.pid}")
        pages = int((process / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(process / "fd"))


def soak(minutes: float, seed: int) -> int:
    rng = random.Random(seed)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syndicator-soak-")))
        try:
            mounted = stack.enter_context(disks(root / "feeds", root / "var", size=64 * 2**20))
        except pytest.skip.Exception as reason:
            print(f"No full disks in this run: {reason}")
            mounted = []
        world = Soak(root, rng, mounted)
        try:
            return _live(world, minutes * 60)
        except BaseException:
            print("".join(world.daemon.err[-20:]), world.command("status").stdout)
            raise
        finally:
            world.daemon.process.kill()


def _live(world: Soak, seconds: float) -> int:
    until(lambda: world.ready() and world.queued() == 0)
    world.receivers.subscribe(world.command.url)
    begun = time.monotonic()
    while time.monotonic() < begun + seconds * 0.2:
        world.disturb(restarts=True)
    world.restart(signal.SIGTERM)
    alone, sized = time.monotonic(), (0.0, 0)
    warm = min(60, seconds * 0.1)
    while time.monotonic() < begun + seconds:
        world.disturb(restarts=False)
        if not sized[1] and time.monotonic() > alone + warm:
            sized = world.size()
    until(lambda: world.ready(), what="ready")
    at_end, lived = world.size(), (time.monotonic() - alone - warm) / 60
    unsettled = ""
    try:
        world.wait_until_idle()
    except AssertionError as error:
        unsettled = str(error)
    world.watcher.close()
    feeds = [path for path in world.command.feeds.rglob("*") if path.suffix in FORMATS]
    now = {
        world.command.url + path.relative_to(world.command.feeds).as_posix(): path.read_bytes()
        for path in feeds
    }
    digests = {topic: sha256(data).hexdigest() for topic, data in now.items()}
    unannounced = [
        topic for topic, digest in digests.items() if world.receivers.fetched.get(topic) != digest
    ]
    undelivered = [
        pair for pair, digest in world.receivers.delivered.items() if digests.get(pair[0]) != digest
    ]
    wanted = {
        "posts lost": len(world.author.lost()),
        "feeds whose last change was not announced": len(unannounced),
        "subscribers without the last change": len(undelivered)
        + SUBSCRIBERS * len(FORMATS)
        - len(world.receivers.delivered),
        "torn files seen": world.watcher.torn,
        "ids changed": world.watcher.ids,
        "times that `updated` went back": world.watcher.back,
        "pings of idle restarts": world.idle_pings(),
        "temporary files left": len(list(world.command.feeds.rglob(".syndicator-[0-9]*"))),
    }
    if warm == 60:
        wanted["memory over a tenth above"] = int(at_end[0] > 1.1 * sized[0])
    rows: dict[str, object] = {
        "changes made": f"{world.author.changes:,} in {(time.monotonic() - begun) / 60:.1f} min",
        "disturbances": f"{sum(world.faults.values())}: "
        + ", ".join(f"{n} {k}" for k, n in world.faults.items()),
        "announced": f"{world.receivers.pings:,} pings, "
        f"{world.receivers.repeated} of them for unchanged bytes",
        "reads of files": f"{world.watcher.reads:,}",
        "memory": f"{sized[0]:.1f} MiB after {warm:.0f} s, "
        f"{at_end[0]:.1f} MiB {lived:.0f} min later",
        "descriptors": f"{sized[1]}, {at_end[1]} at the end",
        **wanted,
    }
    width = max(map(len, rows))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in rows.items()))
    print(
        "\n".join(
            [
                unsettled,
                *world.author.lost(),
                *unannounced,
                *map(str, undelivered),
                *world.watcher.details[:20],
            ]
        ).strip()
    )
    return int(bool(unsettled) or any(wanted.values()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(soak(given.minutes, given.seed))
