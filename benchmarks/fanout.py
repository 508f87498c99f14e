"""Deliveries to many subscribers, against a bare thread pool of `requests.post` to the same sink.

    python benchmarks/fanout.py [subscribers] [--slow 0.05] [--hanging 0.01]

The sink is a process of its own that reads requests and says 200; hosts are 127.1.0.x. Each round runs ours,
then the bare pool, with the same timeout, to the same addresses.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import requests

from syndicator.model import FeedFile, Subscription
from syndicator.outbound import Client
from syndicator.push import Push
from syndicator.store import subscriptions
from syndicator.store.database import Database

HOSTS, PORT, BODY, TIMEOUT = 100, 18099, os.urandom(25_000).hex().encode(), 2.0
TOPIC = "https://news.example.com/feeds/all.rss"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def sink(slow: float, ready: "multiprocessing.synchronize.Event") -> None:
    """Says 200 to everything: after `slow` seconds, and never to paths that say /hang."""

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport, self.buffer, self.need, self.hang = transport, b"", -1, False

        def data_received(self, data: bytes) -> None:
            if self.need < 0:
                self.buffer += data
                head, found, rest = self.buffer.partition(b"\r\n\r\n")
                if not found:
                    return
                self.hang = b"/hang" in head.split(b"\r\n", 1)[0]
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                self.need, self.buffer, data = int(lengths[0].split(b":")[1]), b"", rest
            self.need -= len(data)
            if self.need <= 0 and not self.hang:
                self.need = -1
                if slow:
                    asyncio.get_running_loop().call_later(slow, self.transport.write, ANSWER)
                else:
                    self.transport.write(ANSWER)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Protocol, "0.0.0.0", PORT, backlog=4096)
        ready.set()
        await server.serve_forever()

    asyncio.run(serve())


def callbacks(number: int, hanging: float) -> list[str]:
    draw = random.Random(1)
    return [
        f"http://127.1.0.{n % HOSTS + 1}:{PORT}/{'hang' if draw.random() < hanging else 'cb'}/{n}"
        for n in range(number)
    ]


def ours(to: list[str], folder: Path) -> tuple[float, int]:
    database = Database(f"sqlite:///{folder}/state.db")
    limit = timedelta(seconds=TIMEOUT)
    client = Client(user_agent="bench", timeout=limit, stranger_timeout=limit, allow_private=("127.0.0.0/8",))
    file = FeedFile(
        path="all.rss",
        url=TOPIC,
        data=BODY,
        media_type="application/rss+xml; charset=utf-8",
        digest=sha256(BODY).hexdigest(),
        hubs=("https://news.example.com/feeds/hub",),
    )
    push = Push(
        database,
        client,
        read=lambda topic: file,
        clock=lambda: datetime.now(UTC),
        jitter=random.random,
        claimer="bench",
        retry=(),
        hub_retry=(),
    )
    now = datetime.now(UTC)
    with database.begin() as connection:
        for callback in to:
            subscriptions.keep(
                connection,
                Subscription(topic=TOPIC, callback=callback, secret=None, expires=now + timedelta(days=9), since=now),
            )
    began = time.perf_counter()
    with database.begin() as connection:
        subscriptions.owe_deliveries(connection, [TOPIC], datetime.now(UTC))
    owing = time.perf_counter() - began
    report = push.once()
    seconds = time.perf_counter() - began
    print(f"    owed in {owing * 1000:.0f} ms; {report.summary()}", file=sys.stderr)
    client.close()
    return seconds, sum(report.paid.values())


def bare(to: list[str], threads: int) -> tuple[float, int]:
    def post(url: str) -> int:
        try:
            return requests.post(url, data=BODY, timeout=TIMEOUT).status_code
        except requests.RequestException:
            return 0

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        arrived = sum(status == 200 for status in pool.map(post, to))
    return time.perf_counter() - began, arrived


class Peak:
    """The most descriptors and threads while it is open."""

    def __enter__(self) -> "Peak":
        self.descriptors = self.threads = 0
        self.over = threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()
        return self

    def watch(self) -> None:
        while not self.over.wait(0.05):
            self.descriptors = max(self.descriptors, len(os.listdir("/proc/self/fd")))
            self.threads = max(self.threads, threading.active_count())

    def __exit__(self, *args: object) -> None:
        self.over.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subscribers", nargs="?", type=int, default=10_000)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--hanging", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=sink, args=(options.slow, ready), daemon=True)
    process.start()
    ready.wait(10)
    to = callbacks(options.subscribers, options.hanging)
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder, Peak() as peak:
            seconds, arrived = ours(to, Path(folder))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        bare_seconds, bare_arrived = bare(to, options.threads)
        mine, theirs = arrived / seconds, bare_arrived / bare_seconds
        print(
            json.dumps(
                {
                    "subscribers": options.subscribers,
                    "slow": options.slow,
                    "hanging": options.hanging,
                    "ours_per_second": round(mine),
                    "bare_per_second": round(theirs),
                    "ratio": round(mine / theirs, 2),
                    "arrived": [arrived, bare_arrived],
                    "descriptors": peak.descriptors,
                    "threads": peak.threads,
                    "peak_mib": memory,
                }
            )
        )
    process.terminate()


if __name__ == "__main__":
    main()
