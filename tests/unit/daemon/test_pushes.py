"""What a run waits for; when the pass after one begins, and how severe its line in the log is."""

import logging
import socket
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import AT_ONCE
from support import FEEDS, Site

from syndicator import observe
from syndicator.daemon import pushes
from syndicator.daemon.faults import Faults
from syndicator.daemon.parts import source_of
from syndicator.daemon.push_log import LOG_INTERVAL, PassLines, pass_level
from syndicator.daemon.pushes import COUNT_INTERVAL, CountTimes, asked_callbacks, next_pass
from syndicator.daemon.scheduler import Scheduler
from syndicator.daemon.telemetry import Telemetry
from syndicator.model.outbox import JobKind, JobState
from syndicator.push.record import PushReport
from syndicator.store import outbox

PING, DELIVER = Counter([JobKind.PING]), Counter([JobKind.DELIVER])


def report(**fields: object) -> PushReport:
    rest: dict[str, object] = {"seconds": 0.1, "queued": 3}
    started = datetime(2026, 1, 2, tzinfo=UTC)
    return PushReport(started=started, **(rest | fields))  # type: ignore[arg-type]


def test_a_run_lets_its_pings_be_sent_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass, which this begins, has claimed the job when it returns."""
    monkeypatch.setattr(pushes, "_YIELD", AT_ONCE)
    silent = socket.create_server(("127.0.0.1", 0))
    hub = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    site = Site(tmp_path, settings=f'{FEEDS}[push]\nhubs = ["{hub}"]\n')
    with silent, site.service() as service:
        telemetry = Telemetry(observe.Metrics(), Faults())
        source = source_of(service.config, service.database)
        pushing = Scheduler(service, source, telemetry, lambda event: None).pushes
        with service.database.begin() as connection:
            topic = "http://feeds.example.com/all.rss"
            outbox.enqueue_pings(connection, [(topic, [hub])], site.clock())
        pushing.start()
        pushing.request_now(waits=True)
        with service.database.read() as connection:
            counts = outbox.counts(connection)
        pushing.stop()
        assert pushing.worker.join(AT_ONCE)
    assert counts == {(JobKind.PING, JobState.CLAIMED): 1}


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, None),
        ({"done": PING}, logging.INFO),
        ({"done": DELIVER, "retried": DELIVER}, logging.INFO),
        ({"retried": PING}, logging.INFO),
        ({"ended": 1, "given_up": DELIVER}, logging.INFO),
        ({"retried": DELIVER}, logging.DEBUG),
        ({"given_up": DELIVER}, logging.DEBUG),
        ({"given_up": PING}, logging.WARNING),
        ({"done": PING, "given_up": PING | DELIVER}, logging.WARNING),
    ],
)
def test_the_level_of_a_pass(fields: dict[str, object], level: int | None) -> None:
    """Callbacks that nobody repairs make no lines; pings that were given up need an operator."""
    assert pass_level(report(**fields)) == level


def test_many_passes_are_a_few_lines() -> None:
    """The first at once, the others added up. What needs an operator is not kept back."""
    lines = PassLines()
    logged = [lines.due(report(done=PING), 100 + number / 10) for number in range(700)]
    sums = [passes.done[JobKind.PING] for _, passes in filter(None, logged)]
    assert (sums[0], len(sums)) == (1, 7)
    assert lines.due(report(queued=0), 100 + 70 + LOG_INTERVAL) == (
        logging.INFO,
        report(done={JobKind.PING: 700 - sum(sums)}, queued=0, seconds=pytest.approx(9.9)),
    )
    assert lines.due(report(), 1000) is None
    assert lines.due(report(done=PING), 1000)
    assert lines.due(report(done=PING), 1001) is None
    level, passes = lines.due(report(given_up=PING), 1002) or (0, report())
    assert (level, passes.done, passes.given_up) == (logging.WARNING, PING, PING)
    assert lines.rest() is None
    assert lines.due(report(retried=DELIVER), 1003) == (logging.DEBUG, report(retried=DELIVER))
    assert lines.due(report(done=PING), 1004) is None
    assert lines.rest() == (logging.INFO, report(done=PING))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"done": PING}, False),
        ({"done": DELIVER}, True),
        ({"given_up": DELIVER}, True),
    ],
)
def test_subscribers_are_counted_after_requests_to_them(
    fields: dict[str, object], expected: bool
) -> None:
    """Counting a hundred thousand after each pass would keep an idle daemon busy."""
    assert asked_callbacks(report(**fields)) == expected


def test_a_count_that_takes_long_is_made_less_often() -> None:
    """A million of them take a second, and a ping that is queued meanwhile waits."""
    times = CountTimes()
    assert times.passed(10, asked=False)
    assert times.subscribers <= 10
    times.counted(10, 10.2)
    assert times.passed(10.2, asked=False)
    assert times.subscribers == 10.2 + COUNT_INTERVAL
    assert times.passed(11, asked=True)
    assert times.subscribers <= 11
    times.counted(11, 12)
    assert not times.passed(31, asked=True)
    assert times.passed(32, asked=False)
    assert times.subscribers <= 32  # a pass before asked callbacks


@pytest.mark.parametrize(("due", "begins"), [(-60, 1), (0, 1), (0.2, 0.2), (5, 5), (3600, 3600)])
def test_when_the_next_pass_begins(due: float, begins: float) -> None:
    """When a job is due; a second later if it is due already, so that no pass follows another."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    expected = now + timedelta(seconds=begins)
    assert next_pass(now + timedelta(seconds=due), now) == expected
