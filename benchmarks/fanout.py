"""Deliveries to many subscribers, against a bare thread pool of `requests.post` to the same sink.

    python benchmarks/fanout.py [subscribers]

Three cases: subscribers answer at once, after 50 ms, or one in a hundred hangs. The sink is a
process of its own that reads requests and answers 200; hosts are 127.1.0.x. Each case runs ours,
then the bare pool, with the same timeout, to the same addresses. While ours runs, its process also
serves the feed, and another process requests it twenty times a second and gets a 304.
"""

import argparse
import asyncio
import http.client
import multiprocessing
import os
import random
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import requests

from syndicator import garbage
from syndicator.inspection import Overview
from syndicator.model.content import FeedFile
from syndicator.model.outbox import Subscription
from syndicator.outbound.client import Client
from syndicator.push.context import PushOptions, Topics
from syndicator.push.worker import PushWorker
from syndicator.store import subscriptions, waves
from syndicator.store.database import Database
from syndicator.web.app import make_app
from syndicator.web.catalogue import Catalogue, PublishedFile
from syndicator.web.health import Health, Readiness
from syndicator.web.server import Server
from syndicator.websub.retry import RetryPolicy

HOSTS = 100
PORT = 18099
BODY = os.urandom(25_000).hex().encode()
TIMEOUT = 2.0
TOPIC = "https://news.example.com/feeds/all.rss"
#: Seconds until the sink answers, and the share of subscribers that are never answered.
CASES = {"at once": (0.0, 0.0), "after 50 ms": (0.05, 0.0), "1% hang": (0.0, 0.01)}

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def sink(slow: float, ready: "multiprocessing.synchronize.Event") -> None:
    """Answer 200 to every request after `slow` seconds, but never to paths with /hang."""

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            self.buffer = b""
            self.need = -1
            self.hang = False

        def data_received(self, data: bytes) -> None:
            if self.need < 0:
                self.buffer += data
                head, end, rest = self.buffer.partition(b"\r\n\r\n")
                if not end:
                    return
                self.hang = b"/hang" in head.split(b"\r\n", 1)[0]
                lengths = [
                    line
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ]
                self.need = int(lengths[0].split(b":")[1])
                self.buffer = b""
                data = rest
            self.need -= len(data)
            if self.need <= 0 and not self.hang:
                self.need = -1
                if slow:
                    asyncio.get_running_loop().call_later(slow, self.transport.write, ANSWER)
                else:
                    self.transport.write(ANSWER)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(
            Protocol, "0.0.0.0", PORT, backlog=4096
        )
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
    client = Client(
        user_agent="bench", timeout=limit, stranger_timeout=limit, allow_private=("127.0.0.0/8",)
    )
    file = FeedFile(
        path="all.rss",
        url=TOPIC,
        data=BODY,
        media_type="application/rss+xml; charset=utf-8",
        digest=sha256(BODY).hexdigest(),
        hubs=("https://news.example.com/feeds/hub",),
    )
    push = PushWorker(
        database,
        client,
        Topics(read=lambda topic: file),
        PushOptions(claimer="bench", retry=RetryPolicy(pings=(), callbacks=())),
        clock=lambda: datetime.now(UTC),
    )
    now = datetime.now(UTC)
    with database.begin() as connection:
        for callback in to:
            subscriptions.upsert(
                connection,
                Subscription(
                    topic=TOPIC,
                    callback=callback,
                    secret=None,
                    expires=now + timedelta(days=9),
                    since=now,
                ),
            )
    began = time.perf_counter()
    with database.begin() as connection:
        waves.raise_waves(connection, [TOPIC], datetime.now(UTC))
    report = push.once()
    seconds = time.perf_counter() - began
    client.close()
    return seconds, sum(report.done.values())


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


@contextmanager
def served() -> Iterator[int]:
    """The feed, served by this process; its port."""
    now = datetime.now(UTC)
    file = PublishedFile(
        path="all.rss",
        media_type="application/rss+xml",
        updated=now,
        digest="d",
        link=None,
        bodies={"identity": BODY},
    )
    catalogue = Catalogue(max_age=300)
    catalogue.update([file])
    health = Health(
        stuck=list,
        readiness=lambda: Readiness(ready=True, details={}),
        metrics=lambda: b"",
        status=str,
        overview=Overview,
    )
    app = make_app(catalogue, health=health, on_request=lambda *_: None)
    server = Server(app, ("127.0.0.1", 0))
    server.start()
    yield server.port
    server.stop()


def reader(
    port: int, over: "multiprocessing.synchronize.Event", sent: "multiprocessing.Queue[list[float]]"
) -> None:
    """Request the feed conditionally until `over`; then send the seconds of each response."""
    connection, waits = http.client.HTTPConnection("127.0.0.1", port), list[float]()
    connection.request("GET", "/all.rss")
    first = connection.getresponse()
    first.read()
    have = {"If-None-Match": first.headers["ETag"]}
    sent.put([])  # ready
    while not over.wait(0.05):
        began = time.perf_counter()
        connection.request("GET", "/all.rss", headers=have)
        response = connection.getresponse()
        response.read()
        waits.append(time.perf_counter() - began)
        assert response.status == 304
    sent.put(waits)


@contextmanager
def reading(port: int) -> Iterator[list[float]]:
    """The reader's waits in seconds, complete when the block ends."""
    spawn = multiprocessing.get_context("spawn")  # this process has threads
    over = spawn.Event()
    sent = spawn.Queue()
    waits = list[float]()
    process = spawn.Process(target=reader, args=(port, over, sent), daemon=True)
    process.start()
    sent.get(timeout=30)
    yield waits
    over.set()
    waits += sent.get(timeout=30)
    process.join()


@contextmanager
def sinking(slow: float) -> Iterator[None]:
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=sink, args=(slow, ready), daemon=True)
    process.start()
    assert ready.wait(10)
    yield
    process.terminate()
    process.join()


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
    parser.add_argument("--threads", type=int, default=64, help="threads of the bare pool")
    options = parser.parse_args()
    garbage.collect_from_now()  # as the daemon: looking at all modules takes 70 ms
    print(
        f"{options.subscribers:,} subscribers  ours/s  bare/s  ratio  arrived     "
        " 304 p50  p99 ms  fds threads  MiB"
    )
    for name, (slow, hanging) in CASES.items():
        to = callbacks(options.subscribers, hanging)
        with sinking(slow), tempfile.TemporaryDirectory() as folder:
            with served() as port, reading(port) as waits, Peak() as peak:
                seconds, arrived = ours(to, Path(folder))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            bare_seconds, bare_arrived = bare(to, options.threads)
        mine, theirs = arrived / seconds, bare_arrived / bare_seconds
        cuts = [1000 * cut for cut in statistics.quantiles(waits, n=100)]
        print(
            f"{name:18} {mine:7.0f} {theirs:7.0f} {mine / theirs:6.2f} "
            f" {arrived:6,} {bare_arrived:6,}"
            f" {cuts[49]:7.1f} {cuts[98]:7.1f} {peak.descriptors:4} {peak.threads:7} {memory:4}",
            flush=True,
        )


if __name__ == "__main__":
    main()
