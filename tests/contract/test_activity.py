"""What the daemon did in the last day, on each database."""

from datetime import UTC, datetime, timedelta

from syndicator.model.activity import Activity
from syndicator.store import activity
from syndicator.store.database import Database

NOW = datetime(2026, 3, 1, 12, 3, 17, tzinfo=UTC)
INTERVAL = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_what_is_done_in_five_minutes_is_one_row(database: Database) -> None:
    """Events are added up; of the queue the largest is kept, of the subscribers the last number."""
    with database.begin() as connection:
        activity.add(connection, Activity(requests=3, pings=1, queued=9, subscribers=5), NOW)
        activity.add(
            connection,
            Activity(requests=4, failed_runs=1, queued=2, subscribers=4),
            NOW + timedelta(minutes=1, seconds=42),
        )
        later = NOW + timedelta(minutes=2)
        activity.add(connection, Activity(queued=1), later)
        assert activity.of_last_day(connection, later) == {
            INTERVAL: Activity(requests=7, pings=1, failed_runs=1, queued=9, subscribers=4),
            INTERVAL + activity.INTERVAL: Activity(queued=1),
        }


def test_a_day_is_kept(database: Database) -> None:
    """Older rows are deleted, and those that a clock running ahead wrote."""
    times = {day: NOW + timedelta(days=day) for day in (-1, 0, 1)}
    with database.begin() as connection:
        for time in times.values():
            activity.add(connection, Activity(runs=1), time)
        assert activity.of_last_day(connection, NOW).keys() == {INTERVAL}
        activity.delete_old(connection, NOW)
        left = [activity.of_last_day(connection, time).keys() for time in times.values()]
    assert left == [set(), {INTERVAL}, set()]
