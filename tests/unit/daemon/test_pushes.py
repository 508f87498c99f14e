"""After a pass: when the next one begins, and how severe its line in the log is."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from syndicator.daemon.pushes import asked_callbacks, next_pass, pass_level
from syndicator.model.outbox import JobKind
from syndicator.push.record import PushReport

PING, DELIVER = {JobKind.PING: 1}, {JobKind.DELIVER: 1}


def report(**fields: object) -> PushReport:
    nothing: dict[str, object] = {"done": {}, "retried": {}, "given_up": {}, "ended": 0}
    rest = {"seconds": 0.1, "problems": (), "queued": 3, "next_due": None}
    started = datetime(2026, 1, 2, tzinfo=UTC)
    return PushReport(started=started, **(nothing | rest | fields))  # type: ignore[arg-type]


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


@pytest.mark.parametrize(("due", "begins"), [(-60, 1), (0, 1), (0.2, 0.2), (5, 5), (3600, 3600)])
def test_when_the_next_pass_begins(due: float, begins: float) -> None:
    """When a job is due; a second later if it is due already, so that no pass follows another."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    expected = now + timedelta(seconds=begins)
    assert next_pass(now + timedelta(seconds=due), now) == expected
