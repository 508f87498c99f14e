"""Time from a saved post to its feeds on disk and to the hub's pings, by a daemon with `watch`.

    python -m benchmarks.saving [NUMBER …] [--saves 30]

Each save is a new post of one category, written as an editor writes it. "File" is when both of its
feeds are in place; "ping" is when a hub has the first request for one of them, "pings" when it has
all six. After each save the floor takes its turn: `saving_floor`, with the files of the first feed.
"""

import argparse
import queue
import shutil
import signal
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import sites
from benchmarks.cold import CONFIG

TOPICS = 6  # two feeds in three formats
PATIENCE = 60
EVENTS = ("file", "ping", "pings")
FORMATS = (".rss", ".atom", ".json", ".html")


@dataclass(frozen=True)
class Save:
    file: float  # seconds since the save
    ping: float
    pings: float


class Hub(socketserver.ThreadingTCPServer):
    """Records the time of each request, and answers 204."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.arrivals: queue.SimpleQueue[float] = queue.SimpleQueue()
        super().__init__(("127.0.0.1", 0), Listener)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Listener(socketserver.StreamRequestHandler):
    server: Hub

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            self.server.arrivals.put(time.perf_counter())
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@contextmanager
def floor(place: Path, prepared: Path, hub: Hub) -> Iterator[None]:
    """The floor's process, which watches `place`/_posts."""
    folders = [place / name for name in ("_posts", "prepared", "feeds")]
    for folder in folders:
        folder.mkdir()
    for suffix in FORMATS:
        shutil.copy(prepared / f"all{suffix}", folders[1])
    script = Path(__file__).parent / "saving_floor.py"
    with subprocess.Popen(
        [sys.executable, "-S", str(script), *map(str, folders), str(hub.server_address[1])],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "watching\n"
            yield
        finally:
            process.kill()


@contextmanager
def daemon(site: Path, place: Path, hub: Hub) -> Iterator[None]:
    """A daemon that is ready and has no job queued."""
    config = CONFIG.format(site=site).replace(
        "[output]",
        f'[push]\npace = "0s"\nhubs = ["http://127.0.0.1:{hub.server_address[1]}/"]\n[output]',
    )
    (place / "syndicator.toml").write_text(f'{config}[web]\nlisten = "127.0.0.1:0"\n')
    command = [sys.executable, "-m", "syndicator", "build", "--config", "syndicator.toml"]
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)
    command[3] = "run"
    with subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().startswith("Serving")
            quiet(hub)
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def quiet(hub: Hub) -> None:
    """Wait until a second has passed without a request."""
    while True:
        try:
            hub.arrivals.get(timeout=1)
        except queue.Empty:
            return


def save(site: Path, feeds: Path, hub: Hub, number: int) -> Save:
    """Save one post, and wait for its feeds and pings."""
    paths = [
        feeds / f"{name}.{suffix}"
        for name in ("all", "category/news")
        for suffix in ("rss", "atom", "json")
    ]
    before = {path: path.stat().st_ino for path in paths}
    begun = write_post(site, number)
    while any(path.stat().st_ino == before[path] for path in paths):
        time.sleep(0.001)
        assert time.perf_counter() - begun < PATIENCE, "the feeds did not change"
    file = time.perf_counter()
    times = sorted(hub.arrivals.get(timeout=PATIENCE) for _ in range(TOPICS))
    return Save(file - begun, times[0] - begun, times[-1] - begun)


def save_for_floor(place: Path, hub: Hub, number: int) -> float:
    begun = write_post(place, number)
    return hub.arrivals.get(timeout=PATIENCE) - begun


def write_post(site: Path, number: int) -> float:
    """Save a post. Returns the time before that."""
    now = datetime.now(UTC)
    text = sites.post(6 * number, now.replace(tzinfo=None), "One more paragraph of news.\n\n" * 40)
    begun = time.perf_counter()
    (site / "_posts" / f"{now:%Y-%m-%d}-saved-{number}.md").write_text(text)
    return begun


def measure(roots: Sequence[Path], saves: int) -> list[list[tuple[Save, float]]]:
    """Saves below each root, and the floor after each, by turns: a machine's speed changes."""
    results: list[list[tuple[Save, float]]] = [[] for _ in roots]
    with ExitStack() as stack:
        places = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in roots]
        hubs = [stack.enter_context(closing(Hub())) for _ in roots]
        for root, place, hub in zip(roots, places, hubs, strict=True):
            stack.enter_context(daemon(root, place, hub))
        least = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        its_hub = stack.enter_context(closing(Hub()))
        stack.enter_context(floor(least, places[0] / "feeds", its_hub))
        for number in range(saves + 2):
            for root, place, hub, each in zip(roots, places, hubs, results, strict=True):
                saved = save(root, place / "feeds", hub, number)
                time.sleep(0.3)
                each.append((saved, save_for_floor(least, its_hub, number)))
    for root in roots:
        for path in (root / "_posts").glob("*-saved-*.md"):
            path.unlink()
    return [each[2:] for each in results]  # the first two warm up


def lines(number: int, saves: list[tuple[Save, float]]) -> list[str]:
    seconds = {event: [getattr(saved, event) for saved, _ in saves] for event in EVENTS}
    seconds["floor"] = [least for _, least in saves]
    text = []
    for event, each in seconds.items():
        times = sorted(one * 1000 for one in each)
        median = statistics.median(times)
        high = times[min(len(times) - 1, round(0.99 * len(times)))]
        text.append(f"{number:>9,} save to {event:5}{median:9.0f} ms median{high:9.0f} ms p99")
    ratio = statistics.median(saved.ping / least for saved, least in saves)
    text.append(f"{number:>9,} save ping/floor{ratio:8.2f}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("numbers", nargs="*", type=int, default=[1000])
    parser.add_argument("--saves", type=int, default=30)
    options = parser.parse_args()
    with ExitStack() as stack:
        roots = [stack.enter_context(sites.temporary(number)) for number in options.numbers]
        for number, saves in zip(options.numbers, measure(roots, options.saves), strict=True):
            print("\n".join(lines(number, saves)))


if __name__ == "__main__":
    main()
