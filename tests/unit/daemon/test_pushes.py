"""The line of a pass: how severe it is, and whether there is one."""

import logging
from datetime import UTC, datetime

import pytest

from syndicator.daemon.pushes import pass_level
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
