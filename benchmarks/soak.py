"""The real daemon under edits, restarts and faults, at random from a seed; then what became of every change.

    python benchmarks/soak.py [--minutes 3] [--seed 1]

Everything stays on this machine. A hub is told of each change and fetches it, subscribers of our own hub receive
it, and an eye looks at the files all the time. The first fifth kills and restarts the daemon; then one process
lives through everything else, and its memory is compared. Ends with 1 when anything was lost, torn or changed that
must not be, or memory grew by more than a tenth from its first minute on (in ten minutes and more: a short run's first
minute is most of it). Disks are filled where this user may mount some.
"""

import argparse
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from command import Command, Daemon, free_port, until
from disks import Disk, disks

CATEGORIES = ("News", "Sports", "Health", "Women")
FORMATS = (".rss", ".atom", ".json")
POSTS, LIMIT, SUBSCRIBERS = 60, 50, 8  # posts: those that are edited, the newest
SITE = 5 * LIMIT  # posts at the beginning: every feed is as full as it gets
SETTINGS = """
limit = {limit}
[push]
hubs = ["{hub}"]
timeout = "2s"
retry = ["200ms", "500ms", "1s", "2s", "2s", "2s", "2s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
[hub]
allow_private = ["127.0.0.0/8"]
timeout = "2s"
retry = ["200ms", "500ms", "1s", "2s", "2s", "2s", "2s", "2s", "2s", "5s", "5s", "5s", "5s", "5s"]
"""


class Ears:
    """A hub that fetches what it is told of, and subscribers that keep what they are sent."""

    def __init__(self, feeds: Path) -> None:
        self.well = True
        self.pings, self.doubled, self.early = 0, 0, 0
        self.told: dict[str, str] = {}  #: by topic, the digest of what the hub fetched last
        self.sent: dict[
            tuple[str, str], str
        ] = {}  #: by topic and callback, the digest of what came last
        self._feeds, self._lock = feeds, threading.Lock()
        ears = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, parse_qs(urlsplit(self.path).query)["hub.challenge"][0].encode())

            def do_POST(self) -> None:
                body = self.rfile.read(length := int(self.headers["content-length"]))
                if len(body) < length:
                    return None  # whoever asked was killed
                if not ears.well:
                    return self.answer(503)
                if self.path == "/":
                    ears.ping(parse_qs(body.decode())["hub.url"][0])
                else:
                    with ears._lock:
                        topic = re.search(r'<([^>]*)>; rel="self"', self.headers["link"])
                        ears.sent[topic[1] if topic else "", self.path] = sha256(body).hexdigest()
                return self.answer(204)

            def answer(self, status: int, body: bytes = b"") -> None:
                with suppress(OSError):  # whoever asked was killed
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def ping(self, topic: str) -> None:
        """Fetch as hubs do, at once; from disk when the daemon was killed meanwhile."""
        with self._lock:
            try:
                body = requests.get(topic, timeout=5).content
            except requests.RequestException:
                body = (self._feeds / urlsplit(topic).path.lstrip("/")).read_bytes()
            seen = sha256(body).hexdigest()
            self.pings += 1
            self.doubled += self.told.get(topic) == seen
            self.told[topic] = seen

    def subscribe(self, base: str) -> None:
        for number in range(SUBSCRIBERS):
            for suffix in FORMATS:
                form = {"hub.mode": "subscribe", "hub.topic": f"{base}all{suffix}"}
                form["hub.callback"] = f"{self.url}reader/{number}"
                requests.post(f"{base}hub", form, timeout=10).raise_for_status()


class Eye:
    """Looks at the files all the time: whole, each post who it was, nothing's `updated` set back."""

    def __init__(self, feeds: Path) -> None:
        self.looks, self.torn, self.back, self.ids = 0, 0, 0, 0
        self.what: list[str] = []
        self._feeds, self._end = feeds, threading.Event()
        self._who: dict[str, str] = {}
        self._updated: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            for path in list(self._feeds.rglob("*")):
                if path.suffix in FORMATS and not path.name.startswith("."):
                    with suppress(FileNotFoundError):
                        self._look(path, path.read_bytes())

    def _look(self, path: Path, data: bytes) -> None:
        self.looks += 1
        try:
            if path.suffix == ".json":
                self._entries(path.name, json.loads(data)["items"])
            else:
                found = ET.fromstring(data)
                if path.suffix == ".atom":
                    self.back += self._forward(
                        str(path), found.findtext("{http://www.w3.org/2005/Atom}updated") or ""
                    )
        except (ET.ParseError, ValueError) as error:
            self.torn += 1
            self.what.append(f"{path}: {error}")

    def _entries(self, name: str, items: list[dict[str, str]]) -> None:
        for item in items:
            changed = self._who.setdefault(item["title"], item["id"]) != item["id"]
            self.ids += changed
            self._who[item["title"]] = item["id"]
            back = self._forward(
                name + item["id"], item.get("date_modified") or item["date_published"]
            )
            self.back += back
            if changed or back:
                self.what.append(
                    f"{name}: {item['title']} {item['id']} {item.get('date_modified')}"
                )

    def _forward(self, what: str, moment: str) -> bool:
        before = self._updated.get(what, "")
        self._updated[what] = moment
        return moment < before


class Author:
    """Saves posts: new, edited, in another category, renamed. Knows what each says now."""

    def __init__(self, command: Command, dice: random.Random) -> None:
        self.command, self.dice, self.changes = command, dice, 0
        self.posts: dict[int, tuple[str, str, int]] = {}  #: by number: file name, category, serial
        for _ in range(SITE):
            self.new()

    def new(self) -> None:
        number = len(self.posts)
        self._save(number, f"2026-01-01-post-{number}", CATEGORIES[number % 4])

    def something(self) -> None:
        what = self.dice.random()
        number = self.dice.choice(sorted(self.posts)[-POSTS:])
        name, category, _ = self.posts[number]
        if what < 0.03:
            self.new()
        else:
            self._save(number, name, self.dice.choice(CATEGORIES) if what < 0.12 else category)

    def rename(self) -> None:
        """Another name for a post, and so another address; the same text."""
        number = self.dice.choice(sorted(self.posts)[-LIMIT:])
        name, category, serial = self.posts[number]
        other = f"2026-01-01-post-{number}-{self.changes}"
        folder = self.command.site / "_posts"
        (folder / f"{name}.md").rename(folder / f"{other}.md")
        self.posts[number] = (other, category, serial)

    def _save(self, number: int, name: str, category: str) -> None:
        self.changes += 1
        day, minute = divmod(number, 1440)
        self.command.post(
            name,
            f"Post {number}",
            categories=category,
            head=f"date: 2026-01-{day + 1:02} {minute // 60:02}:{minute % 60:02}:00\npermalink: /:title/\n",
            text=f"serial {self.changes}. " + "word " * self.dice.randrange(400),
        )
        self.posts[number] = (name, category, self.changes)

    def lost(self) -> list[str]:
        """The posts that a feed doesn't show as they are now."""
        lost = []
        for feed in ("all", *(f"category/{category.lower()}" for category in CATEGORIES)):
            of = [
                n
                for n, post in self.posts.items()
                if feed == "all" or feed.endswith(post[1].lower())
            ]
            text = self.command.feed(f"{feed}.json")
            lost += [
                f"{feed}: {n}"
                for n in sorted(of)[-LIMIT:]
                if f"serial {self.posts[n][2]}." not in text
            ]
        return lost


class Soak:
    def __init__(self, root: Path, dice: random.Random, own: list[Disk]) -> None:
        self.dice, self.disks = dice, own
        port = free_port()
        self.ears = Ears(root / "feeds")
        self.command = Command(root, port=port)
        self.command.config.write_text(
            f'[source]\npath = "../site"\npoll = "1s"\n[web]\nlisten = "127.0.0.1:{port}"\n'
            f'[feeds]\nurl = "{self.command.url}"' + SETTINGS.format(limit=LIMIT, hub=self.ears.url)
        )
        self.author = Author(self.command, dice)
        self.eye = Eye(self.command.feeds)
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

    def owed(self) -> int:
        found = requests.get(f"{self.command.admin}readyz", timeout=10).json()
        return int(found.get("owed", -1))

    def edit(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(self.dice.choice((1, 1, 1, 2, 10))):
                self.author.something()
            time.sleep(self.dice.uniform(0, 0.2))

    # -------------------------------------------------------------------------------------------- what goes wrong

    def restart(self, number: signal.Signals) -> None:
        code, seconds = self.daemon.end(number)
        assert (number, code) in ((signal.SIGTERM, 0), (signal.SIGKILL, -9)), (
            f"ended with {code} after {seconds}"
        )
        self.edit(self.dice.uniform(0, 0.5))
        self.daemon = self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.daemon.send(signal.SIGSTOP)
        yield
        self.daemon.send(signal.SIGCONT)

    @contextmanager
    def hub_down(self) -> Iterator[None]:
        self.ears.well = False
        yield
        self.ears.well = True

    @contextmanager
    def full(self) -> Iterator[None]:
        chosen = self.dice.choice((self.disks[:1], self.disks[1:], self.disks))
        for disk in chosen:
            disk.fill()
        yield
        for disk in chosen:
            disk.free()

    def source_gone(self) -> None:
        away = self.command.site.rename(self.command.root / "away")
        time.sleep(self.dice.uniform(0, 2))
        away.rename(self.command.site)

    def renames(self) -> None:
        """Who renames a post and edits it at once has made another post of it; so one after the other."""
        self.settle()
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
        name = self.dice.choice([*during, *at_once])
        self.faults[name.strip()] += 1
        if name in during:
            with during[name]():  # type: ignore[attr-defined]
                self.edit(self.dice.uniform(0.2, 2))
        else:
            at_once[name]()
        self.edit(self.dice.uniform(0.2, 2))

    def settle(self) -> None:
        """Wait until nothing is on its way any more. Hubs are told while a run goes on: a moment is not enough."""

        def peace() -> bool:
            return self.ready() and not self.author.lost() and self.owed() == 0

        def lasts() -> bool:
            if not peace():
                return False
            before = self.out()
            time.sleep(1)
            return peace() and self.out() == before

        until(lasts, seconds=120, what="peace")

    def out(self) -> tuple[int, dict[str, int]]:
        """How often the hub was told, and the date of each file."""
        files = (path for path in self.command.feeds.rglob("*") if path.suffix in FORMATS)
        return self.ears.pings, {path.name: path.stat().st_mtime_ns for path in files}

    def idle_pings(self) -> int:
        """Pings of restarts between which nothing changed."""
        time.sleep(3)
        before = self.ears.pings
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            self.restart_idle(number)
        return self.ears.pings - before

    def restart_idle(self, number: signal.Signals) -> None:
        self.daemon.end(number)
        self.daemon = self.start()
        until(lambda: self.ready() and self.owed() == 0)
        time.sleep(1)

    def size(self) -> tuple[float, int]:
        """Resident MiB, and open descriptors."""
        process = Path(f"/proc/{self.daemon.process.pid}")
        pages = int((process / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(process / "fd"))


def soak(minutes: float, seed: int) -> int:
    dice = random.Random(seed)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syndicator-soak-")))
        try:
            own = stack.enter_context(disks(root / "feeds", root / "var", size=64 * 2**20))
        except pytest.skip.Exception as reason:
            print(f"Disks are never full here: {reason}")
            own = []
        world = Soak(root, dice, own)
        try:
            return _live(world, minutes * 60)
        except BaseException:
            print("".join(world.daemon.err[-20:]), world.command("status").stdout)
            raise
        finally:
            world.daemon.process.kill()


def _live(world: Soak, seconds: float) -> int:
    until(lambda: world.ready() and world.owed() == 0)
    world.ears.subscribe(world.command.url)
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
        world.settle()
    except AssertionError as error:
        unsettled = str(error)
    world.eye.close()
    feeds = [path for path in world.command.feeds.rglob("*") if path.suffix in FORMATS]
    now = {
        world.command.url + path.relative_to(world.command.feeds).as_posix(): path.read_bytes()
        for path in feeds
    }
    digests = {topic: sha256(data).hexdigest() for topic, data in now.items()}
    untold = [topic for topic, digest in digests.items() if world.ears.told.get(topic) != digest]
    unsent = [pair for pair, digest in world.ears.sent.items() if digests.get(pair[0]) != digest]
    wanted = {
        "posts lost": len(world.author.lost()),
        "feeds whose last change was not announced": len(untold),
        "subscribers without the last change": len(unsent) + SUBSCRIBERS * 3 - len(world.ears.sent),
        "torn files seen": world.eye.torn,
        "ids changed": world.eye.ids,
        "times that `updated` went back": world.eye.back,
        "pings of idle restarts": world.idle_pings(),
        "temporary files left": sum(
            path.name.startswith(".") for path in world.command.feeds.rglob("*")
        ),
    }
    if warm == 60:
        wanted["memory over a tenth above"] = int(at_end[0] > 1.1 * sized[0])
    rows: dict[str, object] = {
        "changes made": f"{world.author.changes:,} in {(time.monotonic() - begun) / 60:.1f} min",
        "disturbances": f"{sum(world.faults.values())}: "
        + ", ".join(f"{n} {k}" for k, n in world.faults.items()),
        "announced": f"{world.ears.pings:,} pings, {world.ears.doubled} of them of the same bytes again",
        "looks at files": f"{world.eye.looks:,}",
        "memory": f"{sized[0]:.1f} MiB after {warm:.0f} s, {at_end[0]:.1f} MiB {lived:.0f} min later",
        "descriptors": f"{sized[1]}, {at_end[1]} at the end",
        **wanted,
    }
    width = max(map(len, rows))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in rows.items()))
    print(
        "\n".join(
            [unsettled, *world.author.lost(), *untold, *map(str, unsent), *world.eye.what[:20]]
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
