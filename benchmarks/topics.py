"""Many small topics that change at once: how long their deliveries take, without the network.

    python benchmarks/topics.py [--topics 1000 10000] [--on sqlite postgresql]

Each topic has one subscriber, and the sink is in the process and answers at once. Printed for each
number of topics: the seconds until the changes of all have arrived, how many a second that is, the
longest transaction, and the milliseconds of a change of one topic while the others rest.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from benchmarks.wave import NOW, RETRY, Sink, Timed, digest, file, state
from syndicator.model.outbox import Subscription
from syndicator.push.context import PushOptions, Topics
from syndicator.push.worker import PushWorker
from syndicator.store import subscriptions, waves


def topic(number: int) -> str:
    return f"https://news.example/tag/{number}.rss"


def fill(database: Timed, number: int) -> None:
    with database.begin() as connection:
        for n in range(number):
            one = Subscription(
                topic=topic(n),
                callback=f"https://h{n}.example/callback",
                secret=None,
                since=NOW,
                expires=NOW.replace(year=NOW.year + 1),
                network=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
            )
            subscriptions.upsert(connection, one)
    if not database.sqlite:
        with closing(database.engine.raw_connection()) as connection:
            connection.driver_connection.execute("VACUUM ANALYZE")


def change(database: Timed, worker: PushWorker, sink: Sink, topics: Sequence[str]) -> float:
    """Seconds from a change of some topics until the subscriber of each has it."""
    before = sink.deliveries
    digest[0] += "."
    began = time.perf_counter()
    with database.begin() as connection:
        waves.raise_waves(connection, topics, datetime.now(UTC))
    worker.nudge()
    while sink.deliveries < before + len(topics):
        assert time.perf_counter() - began < 60, sink.deliveries
        time.sleep(0.0005)
    return time.perf_counter() - began


def measure(database: Timed, number: int) -> str:
    sink, over = Sink(), threading.Event()
    options = PushOptions(claimer="bench", retry=RETRY)
    worker = PushWorker(database, sink, Topics(read=file), options, clock=lambda: datetime.now(UTC))

    def passes() -> None:
        while not over.is_set():
            worker.once()
            over.wait(0.001)

    running = threading.Thread(target=passes)
    running.start()
    database.seconds.clear()
    seconds = change(database, worker, sink, [topic(n) for n in range(number)])
    longest = 1000 * max(database.seconds)
    single = [change(database, worker, sink, [topic(n)]) for n in range(20)]
    over.set()
    worker.stop()
    running.join()
    one = 1000 * statistics.median(single)
    return f"{seconds:8.2f} {number / seconds:9,.0f} {longest:9.1f} {one:8.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topics", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--on", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    print("                      seconds  topics/s  longest ms  one ms")
    for kind in options.on:
        for number in options.topics:
            with state(kind) as url:
                database = Timed(url)
                fill(database, number)
                print(f"{kind:10} {number:7,}", end="   ", flush=True)
                print(measure(database, number), flush=True)
                database.close()


if __name__ == "__main__":
    main()
