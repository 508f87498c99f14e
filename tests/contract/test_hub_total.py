"""How many subscriptions there are is counted seldom, and holds up nobody; on each database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hubsite import LIMITS
from msgspec.structs import replace
from sqlalchemy import event

from syndicator.model.content import FeedFile
from syndicator.model.outbox import Subscription
from syndicator.store import subscriptions
from syndicator.store.database import Database
from syndicator.web import hub as web_hub
from syndicator.web.hub import Hub
from syndicator.websub.hub_requests import Refused

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOPIC = "https://news.example/all.rss"
FILE = FeedFile(path="all.rss", url=TOPIC, data=b"", media_type="a/b", digest="d", hubs=())


def hub_of(database: Database) -> Hub:
    return Hub(
        database,
        read=lambda url: FILE,
        refusal=lambda callback: None,
        limits=replace(LIMITS, subscriptions=4),
        clock=lambda: NOW,
        on_queued=lambda: None,
    )


def add(database: Database, *names: str) -> None:
    with database.begin(push=True) as connection:
        for name in names:
            subscription = Subscription(
                topic=TOPIC,
                callback=f"https://{name}.example/",
                secret=None,
                since=NOW,
                expires=NOW + timedelta(days=1),
            )
            subscriptions.upsert(connection, subscription)


def is_refused(hub: Hub, name: str) -> bool:
    form = {
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.callback": f"https://{name}.example/",
    }
    kind = "application/x-www-form-urlencoded"
    return isinstance(hub.handle(kind, urlencode(form).encode(), "192.0.2.1"), Refused)


def test_a_large_number_is_used_for_some_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small one is exact."""
    hub = hub_of(database)
    add(database, "a", "b", "c")
    assert not is_refused(hub, "d")  # it waits to be verified
    assert is_refused(hub, "e")
    monkeypatch.setattr(web_hub, "MANY", 3)
    add(database, "f", "g")
    with database.begin(push=True) as connection:
        subscriptions.remove(connection, "https://a.example/", NOW)
    assert is_refused(hub, "e")
    for name in ("b", "c", "f"):
        with database.begin(push=True) as connection:
            subscriptions.remove(connection, f"https://{name}.example/", NOW)
    assert is_refused(hub, "e")
    monkeypatch.setattr(web_hub, "COUNT_INTERVAL", 0)
    assert not is_refused(hub, "e")


def test_no_transaction_waits_for_the_count(database: Database) -> None:
    statements = list[str]()

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    assert not is_refused(hub_of(database), "a")
    locked = [n for n, each in enumerate(statements) if "IMMEDIATE" in each or "advisory" in each]
    counted = [
        n
        for n, each in enumerate(statements)
        if "count(*)" in each and "FROM subscriptions" in each and "host" not in each
    ]
    assert len(counted) == 1
    assert counted[0] < locked[0]
