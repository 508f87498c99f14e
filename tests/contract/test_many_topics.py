"""What the push costs with many topics, by the steps that SQLite takes: always the same."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from syndicator.store import pages, retention, waves
from syndicator.store.claimed_pages import Lease
from syndicator.store.database import Database
from syndicator.store.push_schema import pings, shards
from syndicator.store.push_schema import waves as waves_table
from syndicator.store.schema import files

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HUB = "https://hub.example/"


def topic_of(number: int) -> str:
    return f"https://news.example/{number}.rss"


def fill(connection: Connection, topics: range) -> None:
    """Topics that are published, pinged, and had subscribers. One of them changed."""
    for table, values in (
        (waves_table, {"changed": 1, "done": 1, "since": 0}),
        (pings, {"hub": HUB, "attempted": 0}),
        (
            files,
            {"feed": "f", "media_type": "a/b", "digest": "d", "hubs": "[]", "updated": 0}
            | {"gone": False, "disk": "{}"},
        ),
    ):
        rows = [values | {"topic": topic_of(number)} for number in topics]
        for row, number in zip(rows, topics, strict=True):
            if table is files:
                row |= {"path": f"{number}.rss", "url": row.pop("topic")}
            if table is waves_table:
                row["wave"] = 2 if number == 0 else 1
        connection.execute(insert(table), rows)
    connection.execute(
        insert(shards),
        [
            {"topic": topic_of(number), "shard": shard, "wave": 1, "old_wave": 1}
            | {"cursor": shard << 58, "due": 0}
            for number in topics
            for shard in range(16)
        ],
    )


def claim(connection: Connection) -> None:
    lease = Lease(holder="one", expires=NOW + timedelta(minutes=2))
    assert pages.claim(connection, NOW, lease, 512)


def count(connection: Connection) -> None:
    assert waves.unreached(connection) == 0


def clean(connection: Connection) -> None:
    retention.delete_expired(connection, [HUB], NOW)


@pytest.mark.parametrize(("work", "growth"), [(claim, 1.1), (count, 1.1), (clean, 6)])
def test_four_times_as_many_topics(
    tmp_path: Path, work: Callable[[Connection], None], growth: float
) -> None:
    """A claim looks at the topics that changed, and a cleanup once at each."""
    numbers = list[int]()
    for topics in (50, 200):
        steps = [0]
        with (
            closing(Database(f"sqlite:///{tmp_path / str(topics)}")) as database,
            database.begin(push=True) as connection,
        ):
            fill(connection, range(topics))
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.set_progress_handler(lambda steps=steps: steps.append(0), 10)
            work(connection)
            driver.set_progress_handler(None, 0)
        numbers.append(len(steps))
    assert numbers[1] < growth * numbers[0]
