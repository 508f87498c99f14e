"""What the daemon did is stored once, whatever happens to the state meanwhile."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import Clock

from syndicator import observe
from syndicator.daemon.activity import ActivityMeter
from syndicator.model.activity import Activity
from syndicator.model.outbox import JobKind
from syndicator.store import activity
from syndicator.store.database import Database

INTERVAL = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Activity(pings=1)


class Metered:
    """A meter, what it measures, and its clock."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock(INTERVAL)
        self.metrics = observe.Metrics()
        self.meter = ActivityMeter(self.metrics, clock=self.clock)
        self.database = Database(f"sqlite:///{root}/state.db")

    def ping(self) -> None:
        self.metrics.count_attempt(JobKind.PING, "https://hub.example/", "done")

    def stored(self) -> dict[datetime, Activity]:
        with self.database.read() as connection:
            return dict(activity.of_last_day(connection, self.clock()))


@pytest.fixture
def metered(tmp_path: Path) -> Metered:
    return Metered(tmp_path)


def test_what_is_not_stored_yet_is_shown_once(metered: Metered) -> None:
    """The page adds it to what is stored, before and after it is stored itself."""
    metered.ping()
    for _ in range(2):
        shown = metered.meter.last_day(metered.stored(), metered.clock())
        assert shown == {INTERVAL: DONE}
        metered.meter.store(metered.database)
    assert metered.stored() == {INTERVAL: DONE}


def test_an_idle_daemon_writes_once_in_five_minutes(metered: Metered) -> None:
    """So that the plot knows that it ran."""
    metered.meter.store(metered.database)
    with metered.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM activity")
    metered.clock.forward(minutes=4)
    metered.meter.store(metered.database)
    assert metered.stored() == {}
    metered.clock.forward(minutes=1)
    metered.meter.store(metered.database)
    assert metered.stored() == {INTERVAL + activity.INTERVAL: Activity()}


def test_what_could_not_be_stored_is_stored_later(metered: Metered, tmp_path: Path) -> None:
    """The state was moved away: nothing fails, and nothing is lost."""
    metered.ping()
    state = tmp_path / "state.db"
    away = state.rename(tmp_path / "away.db")
    metered.meter.store(metered.database)
    away.rename(state)
    assert metered.stored() == {}
    metered.meter.store(metered.database)
    assert metered.stored() == {INTERVAL: DONE}


def test_nothing_is_stored_within_a_minute(metered: Metered) -> None:
    """The thread of pushes asks many times a second."""
    metered.ping()
    metered.meter.store_when_due(metered.database)
    assert metered.stored() == {}
