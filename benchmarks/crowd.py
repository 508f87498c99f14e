"""How long 50 clients wait for a 304 while posts are saved.

    python benchmarks/crowd.py [--posts 1000] [--seconds 5]

A daemon on a site of its own, wrk with 50 connections that send requests as fast as they are
answered, and ten saves a second, each of one of forty posts. First without saves, then with them.
Times are milliseconds; the load is the machine's when the round began.
"""

import argparse
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sites
from serving import free_port

CONFIG = """
[source]
path = "site"
[output]
path = "feeds"
[state]
url = "sqlite:///state.db"
[feeds]
url = "{url}"
[web]
listen = "127.0.0.1:{port}"
"""
BODY = " ".join(sites.WORDS) * 30


@contextmanager
def serving(place: Path, posts: int) -> Iterator[str]:
    sites.make(place / "site", posts)
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    (place / "syndicator.toml").write_text(CONFIG.format(url=url, port=port))
    command = [
        sys.executable,
        "-m",
        "syndicator",
        "run",
        "--config",
        str(place / "syndicator.toml"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as daemon:
        try:
            assert daemon.stdout
            assert daemon.stdout.readline().startswith("Serving")
            yield url
        finally:
            daemon.send_signal(signal.SIGTERM)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    over = threading.Event()

    def save() -> None:
        for number in itertools.count():
            text = sites.post(number, datetime(2026, 1, 1, number % 24, number % 60), BODY)
            (folder / ".part").write_text(text)
            (folder / ".part").rename(folder / f"2026-01-01-saved-{number % 40}.md")
            if over.wait(0.1):
                return

    thread = threading.Thread(target=save)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(title: str, url: str, seconds: int, header: str) -> None:
    load = os.getloadavg()[0]
    command = ["wrk", "-t1", "-c50", f"-d{seconds}", "--latency", "-H", header, f"{url}all.rss"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in output, output
    assert "Socket errors" not in output, output
    median, p99 = (milliseconds(re.search(rf" {part}% +(\S+)", output)[1]) for part in (50, 99))  # type: ignore[index]
    rate = float(re.search(r"Requests/sec: +(\S+)", output)[1])  # type: ignore[index]
    print(f"{title:24}{rate:12,.0f}{median:12.1f}{p99:12.1f}{load:12.1f}", flush=True)


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(place := Path(folder), options.posts) as url,
    ):
        print(f"{'':24}{'requests/s':>12}{'median':>12}{'p99':>12}{'load':>12}")
        measure("304", url, options.seconds, "If-None-Match: *")
        with saving(place / "site/_posts"):
            for _ in range(3):
                measure("304, ten saves a second", url, options.seconds, "If-None-Match: *")
            measure("gzip 200, ten saves", url, options.seconds, "Accept-Encoding: gzip")


if __name__ == "__main__":
    main()
